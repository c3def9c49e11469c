// server.h — all cores of one process: started together, drained together.
#ifndef HOST_SERVER_H
#define HOST_SERVER_H

#include "app/app.h"
#include "engine/conn.h"
#include "host/plugins.h"

struct server;

struct server_options {
    const char *host;      // numeric
    uint16_t port;         // 0: the kernel picks one
    unsigned worker_count; // one core each, WORKERS_MAX at most
    bool pinned;
    uint32_t busy_poll_us;    // see core_options
    unsigned conn_count_max;  // a core
    size_t output_bytes_max;  // 64 KiB: then reading stops
    size_t answer_memory_max; // 256 MiB of large answers, a core, and as much of what they are made from: 503
    uint32_t write_stall_ms;  // 30 s
    uint32_t drain_ms;        // 25 s, below what most who send SIGTERM wait: what is not answered by then is cut
    unsigned connector_thread_count, hashing_thread_count, hashing_queue_max, file_thread_count, file_queue_max;
    unsigned blocking_thread_count_max, blocking_queue_max; // of .blocking handlers: 32, started as they are needed; 256: 503
    const struct app_options *app;                          // its worker threads are the server's to make
    struct ring_options ring;
    struct coro_options coro;
};

enum { WORKERS_MAX = 256, SERVER_GRACE_MS = 5000 };

/** The defaults of the floors below, and a worker for each CPU of this machine; `app` is NULL. */
void server_options_init(struct server_options *options);
/** CPUs that this process may use: its affinity, and no more than its cgroup's quota. */
unsigned server_cpu_count(void);

/**
 * Binds all listeners, then starts a thread per core, runs the plugins' on_worker there, and waits until each accepts. `plugins` have been
 * started. 0, or a negative errno and `*ret_failure` with cause and remedy (the port is in use, io_uring is missing or forbidden ...);
 * nothing is left running then, and a plugin that refused a core or failed to start is blamed for it. -ETIMEDOUT: some of it still runs,
 * and all that is left is to exit.
 */
int server_start(const struct server_options *options, struct plugin_set *plugins, struct arena *arena, struct server **ret_server,
                 str *ret_failure);
uint16_t server_port(const struct server *server);
/** 0, or the negative errno with which the ring of a core failed: the process was sent SIGTERM then. */
int server_failure(const struct server *server);
/**
 * Listeners close, requests in flight are answered, tasks end, links close; then the threads are joined and `server` is freed.
 * `*ret_cut_count` is how many connections had to be cut after drain_ms. False: a core had not ended SERVER_GRACE_MS after that; its
 * threads run on, and nothing that they use may be freed: all that is left is to exit.
 */
bool server_stop(struct server *server, unsigned *ret_cut_count);

#endif
