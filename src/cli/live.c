// live.c — while it serves: signals, plugins that come and go, generations that end, a private Postgres that may have to be started again.
//
// The main thread does all of it, so that one generation is loaded at a time and nothing here is locked. What blocks (dlopen, Postgres'
// check of the statements, migrations) blocks nobody who is served.
#include "cli/live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/migrate.h"
#include "host/publish.h"
#include "host/watch.h"

extern const leat_plugin leat_plugin_entry; // of handlers/

enum { LOAD_BYTES_MAX = 64 << 20, HELD_MS = 30000, DATABASE_LOOK_MS = 1000, DATABASE_RETRY_MS = 5000 };

struct live {
    struct workspace *workspace;
    struct publisher *publisher;
    int signal_fd, watch_fd;
    unsigned generation;   // the newest that was tried
    int64_t load_due_ms;   // 0: nothing has changed
    int64_t held_since_ms; // an old generation lives since; 0: none
    int64_t database_look_due_ms;
};

// What loading one generation needs, and nothing after it.
struct loading {
    struct arena_pool pool;
    struct arena arena;
    struct messages messages;
    struct plugin_set *next;
};

static int64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

// ---- the next generation, beside the one that serves

static int migrate(const struct workspace *workspace, struct loading *loading) {
    struct migration_folder *folders;
    unsigned count;
    struct migration_report report = {0};
    const char *conninfo = workspace->config.app.db.conninfo;
    int status = plugin_set_migrations(loading->next, workspace->config.root, &loading->arena, &loading->messages, &folders, &count);
    if (status < 0)
        return status;
    status = workspace->cluster ? migrate_up(conninfo, folders, count, &loading->arena, &report)
                                : migrate_status(conninfo, folders, count, &loading->arena, &report);
    if (status == -EINVAL)
        messages_add_lines(&loading->messages, report.failure);
    else if (!workspace->cluster && report.pending_count) {
        messages_add(&loading->messages, "leat: error: %u migrations are not applied; apply them with `leat db up`", report.pending_count);
        status = -EINVAL;
    }
    if (status == 0 && workspace->cluster && report.applied_count)
        log_line(LOG_INFO, "migrations_applied", "count=%u", report.applied_count);
    return status == -EINVAL || status == -ENOMEM ? status : 0; // no database now: its links will say so
}

static int check(const struct workspace *workspace, struct loading *loading) {
    str failure = {0};
    int status = plugin_set_check(loading->next, workspace->config.app.db.conninfo, &loading->messages, &failure);
    return status == -EINVAL ? status : 0;
}

static int load(struct live *live, struct loading *loading) {
    const struct workspace *workspace = live->workspace;
    struct plugin_set_options options = {
        .folders = workspace->config.folders,
        .folder_count = workspace->config.folder_count,
        .private_folder = arena_format(&loading->arena, "%s/plugins", workspace->var).ptr,
        .builtin = &leat_plugin_entry,
        .generation = live->generation + 1,
        .previous = workspace->plugins,
    };
    int status = plugin_set_open(&options, &loading->messages, &loading->next);
    if (status < 0 || plugin_set_is_same(loading->next, workspace->plugins))
        return status < 0 ? status : -EALREADY;
    live->generation++;
    status = plugin_set_bind(loading->next, workspace->environment, &loading->messages);
    if (status == 0)
        status = plugin_set_compile(loading->next, &workspace->config.api, &loading->messages);
    if (status == 0)
        status = migrate(workspace, loading);
    if (status == 0)
        status = check(workspace, loading);
    if (status == 0)
        status = plugin_set_start(loading->next, &loading->messages);
    return status;
}

static void say_refused(struct loading *loading) {
    str text = messages_text(&loading->messages);
    fwrite(text.ptr ? text.ptr : "", 1, text.len, stderr);
    log_line(LOG_WARNING, "plugins_refused", "messages=%u the ones before go on serving", loading->messages.count);
}

static void say_loaded(const struct plugin_set *set, unsigned generation, int64_t begun_ms, struct arena *arena) {
    str names = {0};
    for (size_t i = 0; i < set->count; i++)
        names = arena_format(arena, "%s%s%s", names.ptr ? names.ptr : "", i ? "," : "", set->plugins[i]->entry.name);
    log_line(LOG_INFO, "plugins_loaded", "generation=%u plugins=%s ms=%lld", generation, names.ptr, (long long)(now_ms() - begun_ms));
}

static void load_and_publish(struct live *live) {
    struct loading loading = {0};
    int64_t begun_ms = now_ms();
    arena_pool_init(&loading.pool, 0);
    arena_init(&loading.arena, &loading.pool, LOAD_BYTES_MAX);
    messages_init(&loading.messages, &loading.arena);
    int status = load(live, &loading);
    if (status == 0)
        status = publisher_publish(live->publisher, loading.next, &loading.messages);
    if (status == 0) {
        live->workspace->plugins = loading.next;
        live->held_since_ms = now_ms();
        say_loaded(loading.next, live->generation, begun_ms, &loading.arena);
    } else {
        if (status != -ETIMEDOUT)
            plugin_set_close(loading.next);
        if (status != -EALREADY)
            say_refused(&loading);
    }
    arena_reset(&loading.arena);
    arena_pool_finish(&loading.pool);
}

// ---- what happens

// True when it is time to end.
static bool take_signal(struct live *live, const sigset_t *endings) {
    struct signalfd_siginfo info;
    if (read(live->signal_fd, &info, sizeof info) != sizeof info)
        return false;
    if (sigismember(endings, (int)info.ssi_signo))
        return true;
    live->load_due_ms = now_ms();
    return false;
}

static void look_at_old_generations(struct live *live) {
    unsigned living = publisher_reap(live->publisher);
    if (!living)
        live->held_since_ms = 0;
    else if (live->held_since_ms && now_ms() - live->held_since_ms >= HELD_MS) {
        live->held_since_ms = 0; // once
        log_line(LOG_WARNING, "generation_held", "generations=%u a request, a task or a stream of an old plugin has not ended for %d s",
                 living, HELD_MS / 1000);
    }
}

// The private Postgres is ours to keep up; of any other it is somebody else's business.
static void look_at_database(struct live *live) {
    struct cluster *cluster = live->workspace->cluster;
    if (!cluster || live->database_look_due_ms > now_ms())
        return;
    struct arena_pool pool;
    struct arena arena;
    str failure;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, LOAD_BYTES_MAX);
    int status = cluster_revive(cluster, &arena, &failure);
    live->database_look_due_ms = now_ms() + (status ? DATABASE_RETRY_MS : DATABASE_LOOK_MS);
    if (status > 0)
        log_line(LOG_WARNING, "database_restarted", "the private Postgres had ended; %s/log says why", cluster_folder(cluster));
    else if (status < 0)
        log_line(LOG_ERROR, "database_not_restarted", "error=\"%.*s\"", (int)failure.len, failure.ptr);
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

static int wait_ms(const struct live *live) {
    int64_t due_ms = live->load_due_ms;
    if (live->workspace->cluster && (!due_ms || live->database_look_due_ms < due_ms))
        due_ms = live->database_look_due_ms;
    if (live->held_since_ms && (!due_ms || live->held_since_ms + HELD_MS < due_ms))
        due_ms = live->held_since_ms + HELD_MS;
    if (!due_ms)
        return -1;
    return due_ms > now_ms() ? (int)(due_ms - now_ms()) : 0;
}

static void live_until(struct live *live, const sigset_t *endings) {
    for (;;) {
        struct pollfd fds[] = {{.fd = live->signal_fd, .events = POLLIN},
                               {.fd = live->watch_fd, .events = POLLIN},
                               {.fd = publisher_fd(live->publisher), .events = POLLIN}};
        poll(fds, sizeof fds / sizeof *fds, wait_ms(live));
        if (fds[0].revents && take_signal(live, endings))
            return;
        if (fds[1].revents && watch_take(live->watch_fd))
            live->load_due_ms = now_ms() + WATCH_DEBOUNCE_MS;
        if (live->load_due_ms && live->load_due_ms <= now_ms()) {
            live->load_due_ms = 0;
            load_and_publish(live);
        }
        look_at_old_generations(live);
        look_at_database(live);
    }
}

int live_run(struct workspace *workspace, struct server *server, const sigset_t *endings, struct publisher **ret_publisher) {
    struct live live = {.workspace = workspace,
                        .generation = workspace->plugins->generation,
                        .load_due_ms = now_ms(),
                        .database_look_due_ms = now_ms() + DATABASE_LOOK_MS};
    sigset_t all = *endings;
    sigaddset(&all, SIGHUP);
    int status = publisher_create(server, &live.publisher);
    if (status < 0)
        return status;
    live.signal_fd = signalfd(-1, &all, SFD_CLOEXEC);
    live.watch_fd = watch_open(workspace->config.folders, workspace->config.folder_count);
    if (live.watch_fd < 0)
        log_line(LOG_WARNING, "folders_not_watched",
                 "error=\"%s\" remedy=\"raise fs.inotify.max_user_instances; SIGHUP loads what has changed\"", strerror(-live.watch_fd));
    status = live.signal_fd < 0 ? -errno : 0;
    if (status == 0)
        live_until(&live, endings);
    close(live.signal_fd);
    if (live.watch_fd >= 0)
        close(live.watch_fd);
    *ret_publisher = live.publisher;
    return status;
}
