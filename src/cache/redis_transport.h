// redis_transport.h — a link's bytes, by the ring alone or through TLS; for the link's own files alone.
#ifndef CACHE_REDIS_TRANSPORT_H
#define CACHE_REDIS_TRANSPORT_H

#include "cache/redis_link.h"

/** Reads from now on. 0 or a negative errno. */
int redis_transport_start(struct redis_link *link);
/** Sends the buffer that is not being filled; redis_link_sent() follows. */
void redis_transport_send(struct redis_link *link);
/** Nothing comes or goes any more; redis_link_reap() follows for each operation that was in flight. */
void redis_transport_stop(struct redis_link *link);
bool redis_transport_is_busy(const struct redis_link *link);

// what the link does about it
void redis_link_received(struct redis_link *link, const char *data, size_t bytes);
void redis_link_sent(struct redis_link *link);
/** Down; `why` NULL: it was asked to. */
void redis_link_close(struct redis_link *link, const char *why);
/** An operation of a closed link has come back. */
void redis_link_reap(struct redis_link *link);

#endif
