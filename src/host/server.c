// server.c — all cores of one process: started together, drained together.
//
// The end has two steps for each core. First it drains until it is idle; then the worker threads (connecting, hashing) are joined, while
// the cores still turn and take their last results; only then do the cores stop. A process that stops otherwise posts to a ring that is
// gone.
#include "server.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/offload.h"
#include "host/server_state.h"

enum { CONNECTOR_QUEUE_MAX = 1024 };

// ---- this machine

// "max 100000" or "150000 100000": microseconds of CPU in so many.
static unsigned quota_cpu_count(unsigned without) {
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file)
        return without;
    double quota, period;
    bool is_limited = fscanf(file, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0;
    fclose(file);
    if (!is_limited)
        return without;
    double cpus = quota / period + 0.999;
    return cpus < without ? (unsigned)cpus : without;
}

unsigned server_cpu_count(void) {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    unsigned count = sched_getaffinity(0, sizeof usable, &usable) == 0 ? (unsigned)CPU_COUNT(&usable) : 1;
    count = quota_cpu_count(count ? count : 1);
    return count < WORKERS_MAX ? count : WORKERS_MAX;
}

void server_options_init(struct server_options *options) {
    *options = (struct server_options){
        .host = listener_options_default.host,
        .port = listener_options_default.port,
        .worker_count = server_cpu_count(),
        .pinned = true,
        .conn_count_max = listener_options_default.conn_count_max,
        .output_bytes_max = listener_options_default.output_bytes_max,
        .answer_memory_max = listener_options_default.large_output_bytes_max,
        .write_stall_ms = listener_options_default.write_stall_ms,
        .drain_ms = 25000,
        .connector_thread_count = 4,
        .hashing_thread_count = server_cpu_count(),
        .hashing_queue_max = 64,
        .file_thread_count = 4,
        .file_queue_max = 1024,
        .blocking_thread_count_max = 32,
        .blocking_queue_max = 256,
        .ring = core_options_default.ring,
        .coro = core_options_default.coro,
    };
}

// ---- the port

static str port_failure(const struct server_options *options, int error, struct arena *arena) {
    const char *host = options->host;
    unsigned port = options->port;
    switch (-error) {
    case EADDRINUSE:
        return arena_format(
            arena,
            "port %u of %s is in use. Stop what uses it (ss -ltnp 'sport = :%u' shows it), or choose another with --port; 0 picks one.",
            port, host, port);
    case EACCES:
        return arena_format(arena, "port %u needs a privilege. Choose one from 1024 up with --port, or grant CAP_NET_BIND_SERVICE.", port);
    case EADDRNOTAVAIL:
        return arena_format(arena, "no interface of this machine has the address %s. Choose another with --host; 0.0.0.0 means all.", host);
    case EINVAL:
        return arena_format(arena, "the host %s is no numeric address. Write 127.0.0.1, 0.0.0.0 or ::.", host);
    case EMFILE:
    case ENFILE:
        return arena_format(arena, "there are too many open files. Raise the limit: ulimit -n, or LimitNOFILE=.");
    default:
        return arena_format(arena, "port %u of %s cannot be listened to: %s.", port, host, strerror(-error));
    }
}

// SO_REUSEPORT would let two servers of one user share a port unawares; a socket without it is refused where any other listens.
static int probe_port(const struct server_options *options) {
    char service[8];
    snprintf(service, sizeof service, "%u", options->port);
    struct addrinfo wanted = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *address;
    if (getaddrinfo(options->host, service, &wanted, &address) != 0)
        return -EINVAL;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    int status =
        fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 || bind(fd, address->ai_addr, address->ai_addrlen) < 0
            ? -errno
            : 0;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(address);
    return status;
}

static int bind_worker(struct server *server, struct worker *worker) {
    struct listener_options listener = listener_options_default;
    listener.host = server->options.host;
    listener.port = server->options.port;
    int status = listener_bind(&listener, &worker->listener_fd);
    if (status == 0 && server->options.port == 0) // the others take the port that the first was given
        server->options.port = listener_port(worker->listener_fd);
    return status;
}

static int bind_all(struct server *server) {
    int status = server->options.port ? probe_port(&server->options) : 0;
    for (unsigned i = 0; status == 0 && i < server->options.worker_count; i++)
        status = bind_worker(server, &server->workers[i]);
    return status;
}

// ---- end

static void free_server(struct server *server) {
    for (unsigned i = 0; server->workers && i < server->options.worker_count; i++)
        if (server->workers[i].listener_fd >= 0)
            close(server->workers[i].listener_fd);
    pthread_mutex_destroy(&server->crew.lock);
    pthread_mutex_destroy(&server->crew.loading);
    pthread_cond_destroy(&server->crew.changed);
    cache_crew_destroy(server->crew.app.cache.crew);
    free(server->workers);
    free(server);
}

static void end_offloads(struct server *server) {
    if (server->crew.app.connector)
        offload_destroy(server->crew.app.connector);
    if (server->crew.app.hashing)
        offload_destroy(server->crew.app.hashing);
    if (server->crew.app.files)
        offload_destroy(server->crew.app.files);
    offload_destroy(server->crew.app.blocking);
    server->crew.app.connector = server->crew.app.hashing = server->crew.app.files = server->crew.app.blocking = NULL;
}

static bool end_workers(struct server *server) {
    bool all_ended = true;
    for (unsigned i = 0; i < server->begun_count; i++) {
        struct worker *worker = &server->workers[i];
        if (worker_phase(worker) == WORKER_FAILED)
            pthread_join(worker->thread, NULL);
        else
            all_ended &= worker_end(worker) == 0;
    }
    return all_ended;
}

bool server_stop(struct server *server, unsigned *ret_cut_count) {
    unsigned cut_count = 0;
    bool is_whole = true;
    for (unsigned i = 0; i < server->begun_count; i++)
        if (worker_phase(&server->workers[i]) == WORKER_SERVING && worker_drain(&server->workers[i]) < 0)
            is_whole = false;
    for (unsigned i = 0; is_whole && i < server->begun_count; i++) {
        struct worker *worker = &server->workers[i];
        if (worker_wait(worker, WORKER_SERVING) == WORKER_STUCK)
            is_whole = false;
        cut_count += worker->cut_count;
    }
    *ret_cut_count = cut_count;
    if (!is_whole)
        return false;
    end_offloads(server);
    if (!end_workers(server))
        return false;
    free_server(server);
    return true;
}

// ---- start

static int make_offloads(struct server *server) {
    const struct server_options *options = &server->options;
    int status = offload_create(options->connector_thread_count, CONNECTOR_QUEUE_MAX, &server->crew.app.connector);
    if (status == 0)
        status = offload_create(options->hashing_thread_count, options->hashing_queue_max, &server->crew.app.hashing);
    if (status == 0)
        status = offload_create(options->file_thread_count, options->file_queue_max, &server->crew.app.files);
    if (status == 0)
        status = offload_create_growing(options->blocking_thread_count_max, options->blocking_queue_max, &server->crew.app.blocking);
    return status;
}

// All threads first, then their answers: the rings are tested side by side.
static int start_workers(struct server *server, struct arena *arena, str *ret_failure) {
    int status = 0;
    bool is_ready = true; // ON_STARTs run on the first core, before any other serves
    while (status == 0 && is_ready && server->begun_count < server->options.worker_count) {
        struct worker *worker = &server->workers[server->begun_count];
        status = worker_start(worker);
        server->begun_count += status == 0;
        if (status == 0 && server->begun_count == 1 && snapshot_has_starts(server->crew.plugins->snapshot))
            is_ready = worker_wait(worker, WORKER_BEGINNING) == WORKER_SERVING;
    }
    if (status < 0)
        *ret_failure =
            arena_format(arena, "a thread for a core cannot be started: %s. Raise the limit (ulimit -u), or start fewer with --workers.",
                         strerror(-status));
    for (unsigned i = 0; i < server->begun_count; i++) {
        struct worker *worker = &server->workers[i];
        if (worker_wait(worker, WORKER_BEGINNING) == WORKER_SERVING || status < 0)
            continue;
        status = -ECANCELED;
        *ret_failure = arena_format(arena, "%s", worker->failure_text);
        if (worker->refuser && !worker->refuser->verdict.len)
            plugin_blame_for_now(worker->refuser, arena_format(arena, "%s\n", worker->failure_text));
    }
    return status;
}

static struct server *create(const struct server_options *options, struct plugin_set *plugins) {
    struct server *server = calloc(1, sizeof *server);
    struct worker *workers = calloc(options->worker_count, sizeof *workers);
    if (!server || !workers) {
        free(workers);
        free(server);
        return NULL;
    }
    server->options = *options;
    server->workers = workers;
    server->crew = (struct crew){.options = &server->options, .app = *options->app, .plugins = plugins};
    if (cache_crew_create(&server->crew.app.cache.crew) < 0) {
        free(workers);
        free(server);
        return NULL;
    }
    pthread_mutex_init(&server->crew.lock, NULL);
    pthread_mutex_init(&server->crew.loading, NULL);
    pthread_cond_init(&server->crew.changed, NULL);
    for (unsigned i = 0; i < options->worker_count; i++) {
        workers[i].crew = &server->crew;
        workers[i].index = i;
        workers[i].listener_fd = -1;
    }
    return server;
}

static int start(struct server *server, struct arena *arena, str *ret_failure) {
    int status = bind_all(server);
    if (status < 0) {
        *ret_failure = port_failure(&server->options, status, arena);
        return status;
    }
    status = make_offloads(server);
    if (status < 0) {
        *ret_failure = status == -EAGAIN ? S("worker threads cannot be started. Raise their limit: ulimit -u, or TasksMax=.")
                                         : arena_format(arena, "%s", ring_refusal(status)); // each of them has a small ring
        return status;
    }
    return start_workers(server, arena, ret_failure);
}

int server_start(const struct server_options *options, struct plugin_set *plugins, struct arena *arena, struct server **ret_server,
                 str *ret_failure) {
    assert(options->worker_count > 0 && options->worker_count <= WORKERS_MAX && plugins->snapshot);
    struct server *server = create(options, plugins);
    if (!server) {
        *ret_failure = S("there is too little memory");
        return -ENOMEM;
    }
    str failure = {0};
    int status = start(server, arena, &failure);
    if (status < 0) {
        unsigned cut_count;
        server->options.drain_ms = 0; // nobody was told that we serve
        bool is_stopped = server_stop(server, &cut_count);
        *ret_failure = failure;
        return is_stopped ? status : -ETIMEDOUT;
    }
    *ret_server = server;
    return 0;
}

uint16_t server_port(const struct server *server) {
    return server->options.port;
}

int server_failure(const struct server *server) {
    int failure = 0;
    for (unsigned i = 0; i < server->begun_count; i++)
        failure = worker_failure(&server->workers[i]) ? worker_failure(&server->workers[i]) : failure;
    return failure;
}
