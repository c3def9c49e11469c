// publish.h — the next generation of plugins, from the main thread to every core; the one before, back when its last request has ended.
//
// Three steps, each a message to every core that the main thread waits for: the statements are prepared and on_worker is run,
// values per core are made, ON_STARTs run on the first core;
// when all cores have agreed, the snapshot is published, core by core; or, when one refused, all forget it. A request that has begun stays
// with the generation it began with. When no core has a request of the old one left, the descriptor publisher_fd() becomes readable.
#ifndef HOST_PUBLISH_H
#define HOST_PUBLISH_H

#include <stdint.h>

#include "host/messages.h"
#include "host/plugins.h"

struct server;
struct publisher;

/** 0 or a negative errno. The server outlives it. */
int publisher_create(struct server *server, struct publisher **ret_publisher);
/** After server_stop(): closes every old generation that is left. */
void publisher_destroy(struct publisher *publisher);

/**
 * Publishes `next` in the place of the set that serves. Blocks until every core serves it, at most PUBLISH_MS for each step. 0: the old set
 * is the publisher's now; -EINVAL and a message: the old one goes on serving and `next` stays the caller's, used by nobody. -ETIMEDOUT: the
 * same, but a core still uses `next`, which is to be left as it is.
 */
int publisher_publish(struct publisher *publisher, struct plugin_set *next, struct messages *messages);
enum { PUBLISH_MS = 45000 };
/** Readable when a generation has ended; publisher_reap() then closes those that have, and returns how many still live. */
int publisher_fd(const struct publisher *publisher);
unsigned publisher_reap(struct publisher *publisher);

struct retired {
    const struct plugin_set *set;
    int64_t since_us; // CLOCK_REALTIME: when another took its place
};
/** The `index`-th of those that still live, the oldest first; false where there are fewer. */
bool publisher_retired(const struct publisher *publisher, unsigned index, struct retired *ret_retired);

#endif
