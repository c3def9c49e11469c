// server.h — all cores of one process: started together, drained together.
#ifndef HOST_SERVER_H
#define HOST_SERVER_H

#include "app/app.h"
#include "engine/conn.h"

struct server;

struct server_options {
    const char *host;      // numeric
    uint16_t port;         // 0: the kernel picks one
    unsigned worker_count; // one core each
    bool pinned;
    unsigned conn_count_max; // a core
    uint32_t drain_ms;       // 30 s: what is not answered by then is cut
    const struct app_options *app;
    struct ring_options ring;
};

/**
 * Binds all listeners, then starts a thread per core and waits until each accepts. 0, or a negative errno and `*ret_failure` with cause and
 * remedy (the port is in use, io_uring is missing or forbidden ...); nothing is left running then.
 */
int server_start(const struct server_options *options, struct snapshot *snapshot, struct arena *arena, struct server **ret_server,
                 str *ret_failure);
uint16_t server_port(const struct server *server);
/** Listeners close, requests in flight are answered, tasks end, links close; then the threads are joined. Returns how many connections had
 * to be cut. */
unsigned server_stop(struct server *server);

#endif
