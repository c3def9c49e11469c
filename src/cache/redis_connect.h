// redis_connect.h — a connection to Redis made, on a worker thread: name, TCP or a socket's path, TLS, sign-in, database.
#ifndef CACHE_REDIS_CONNECT_H
#define CACHE_REDIS_CONNECT_H

#include <openssl/ssl.h>

#include "cache/redis_url.h"

enum { REDIS_CONNECT_MS = 5000, REDIS_FAILURE_BYTES = 256 };

struct redis_socket {
    int fd;   // blocks, and closes on exec
    SSL *tls; // NULL: plain
};

/**
 * Blocks for at most some REDIS_CONNECT_MS a step. 0, or a negative errno and in `failure` (REDIS_FAILURE_BYTES) what went wrong, without a
 * password.
 */
int redis_connect(const struct redis_address *address, struct redis_socket *ret_socket, char *failure);
/** Closes; what TLS has to say at the end is not waited for. */
void redis_socket_close(struct redis_socket *socket);

#endif
