// live.c — while it serves: signals, plugins that come and go, generations that end, a private Postgres that may have to be started again,
// and what an operator asks by way of the control socket.
//
// The main thread does all of it, so that one generation is loaded at a time and nothing here is locked. What blocks (dlopen, Postgres'
// check of the statements, migrations) blocks nobody who is served.
#include "cli/live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/control.h"
#include "cli/loading.h"
#include "cli/operator.h"
#include "cli/standing.h"
#include "host/watch.h"

enum {
    LOOK_BYTES_MAX = 1 << 20,
    QUIET_MS = 400,
    RETRIES_MAX = 20,
    HELD_MS = 30000,
    DATABASE_LOOK_MS = 1000,
    DATABASE_RETRY_MS = 5000,
    AGAIN_MS_MAX = 300000
};

struct live {
    struct workspace *workspace;
    struct publisher *publisher;
    struct survey *survey;
    struct standing standing;
    struct operator* operator; // NULL: the socket could not be made
    struct watch watch;
    int signal_fd;
    unsigned generation;   // the newest that was tried
    unsigned retry_count;  // loads that were refused, and not told of yet
    int64_t again_due_ms;  // what refused to begin is tried again then; 0: nothing did
    int64_t again_ms;      // how long it was waited for that
    bool is_quiet;         // nobody has changed anything: what is refused as before is not told again
    bool is_asked;         // by a signal: what did not come back from its trial is tried again
    int64_t held_since_ms; // an old generation lives since; 0: none
    int64_t database_look_due_ms;
};

static int64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

// ---- the next generation

// Once for each reason: what is tried again and refused again is only counted. `is_whole`: nothing of it serves, and it is not known of
// which file that is the fault.
static void say_refused(struct live *live, const struct loading *loading, bool is_whole) {
    str text = messages_text(&loading->messages);
    bool is_news = standing_refused(&live->standing, loading->refused, is_whole ? text : (str){0});
    counter_add(&live->standing.roster->refusal_count, 1);
    if (!is_news && live->is_quiet)
        return;
    log_words(LOG_ERROR, "refused", text);
    log_line(LOG_WARNING, "plugins_refused", "messages=%u left_out=%u the ones before go on serving", loading->messages.count,
             loading->refused ? loading->refused->count : 0);
}

// As a supervisor does with a process: again after a while, less and less often, until it begins or its file is another one.
static void plan_another_try(struct live *live) {
    int64_t first_ms = live->workspace->config.plugin_retry_s * 1000L;
    bool is_wanted = first_ms && standing_has_passing(&live->standing);
    live->again_ms = !is_wanted ? 0 : live->again_ms ? 2 * live->again_ms : first_ms;
    if (live->again_ms > AGAIN_MS_MAX && live->again_ms > first_ms)
        live->again_ms = first_ms > AGAIN_MS_MAX ? first_ms : AGAIN_MS_MAX;
    live->again_due_ms = is_wanted ? now_ms() + live->again_ms : 0;
}

static void say_loaded(const struct live *live, const struct plugin_set *set, int64_t begun_ms, struct arena *arena) {
    str names = {0};
    for (size_t i = 0; i < set->count; i++)
        names = arena_format(arena, "%s%s%s", names.ptr ? names.ptr : "", i ? "," : "", set->plugins[i]->entry.name);
    log_line(LOG_INFO, "plugins_loaded", "generation=%u plugins=%s ms=%lld", live->generation, names.ptr, (long long)(now_ms() - begun_ms));
    counter_add(&live->standing.roster->load_count, 1);
}

// A file that changed a moment ago may not be whole: what is wrong with it then is nobody's mistake yet.
static bool may_still_change(const struct live *live) {
    char *paths[REFUSED_FILES_MAX];
    const struct config *config = &live->workspace->config;
    unsigned count =
        plugin_set_news(live->workspace->plugins, config->folders, config->folder_count, &live->standing.choices, paths, REFUSED_FILES_MAX);
    bool is_young = false;
    for (unsigned i = 0; i < count; i++) {
        struct stat file;
        if (stat(paths[i], &file) == 0)
            is_young |= clock_wall_us() / 1000 - (file.st_ctim.tv_sec * 1000 + file.st_ctim.tv_nsec / 1000000) < QUIET_MS;
        free(paths[i]);
    }
    return is_young;
}

static int make_next(struct live *live, const char *anew, struct loading *loading) {
    struct loading_options options = {.generation = live->generation + 1,
                                      .choices = &live->standing.choices,
                                      .anew = anew,
                                      .is_patient = live->retry_count < RETRIES_MAX};
    int status;
    do {
        status = loading_run(live->workspace, &options, loading);
        if (status == 0)
            status = publisher_publish(live->publisher, loading->next, &loading->messages);
    } while (status == -EINVAL && loading_leave_out(loading));
    return status;
}

static void adopt_next(struct live *live, const struct loading *loading) {
    const struct plugin_set *before = live->workspace->plugins;
    live->workspace->plugins = loading->next;
    live->held_since_ms = now_ms();
    standing_loaded(&live->standing, before, loading->next);
}

// 0: there is another generation, with or without all files; -EALREADY; -EAGAIN: a file may still be written, and nothing was told of it;
// or what refused it, and it was told.
static int load_and_publish(struct live *live, const char *anew, struct loading *loading) {
    int64_t begun_ms = now_ms();
    int status = make_next(live, anew, loading);
    bool has_refused = loading_has_refused(loading);
    if (status != -EALREADY)
        live->generation++;
    if (status == 0) {
        adopt_next(live, loading);
        say_loaded(live, loading->next, begun_ms, &loading->arena);
    } else if (status != -ETIMEDOUT)
        plugin_set_close(loading->next);
    bool is_early = status == -EINVAL || has_refused ? live->retry_count < RETRIES_MAX && may_still_change(live) : status == -EAGAIN;
    if (is_early) {
        live->retry_count++;
        return -EAGAIN;
    }
    live->retry_count = 0;
    if (has_refused || (status < 0 && status != -EALREADY))
        say_refused(live, loading, status < 0 && status != -EALREADY);
    else
        standing_settled(&live->standing);
    plan_another_try(live);
    standing_publish(&live->standing, live->publisher);
    return status == -EALREADY && has_refused ? -EINVAL : status;
}

// Because a file has changed, or a signal has come.
static void load_changes(struct live *live) {
    struct loading loading;
    loading_init(&loading, live->workspace);
    if (!live->is_asked)
        standing_carry(&live->standing, loading.refused, &loading.messages);
    watch_settle(&live->watch);
    if (load_and_publish(live, NULL, &loading) == -EAGAIN)
        watch_wake(&live->watch, now_ms() + QUIET_MS / 2);
    else
        live->is_asked = false;
    loading_finish(&loading);
}

static void load_quietly(struct live *live) {
    live->is_quiet = true;
    live->again_due_ms = 0;
    load_changes(live);
}

int live_load(struct live *live, const char *anew, struct arena *arena, str *ret_messages) {
    const struct plugin_set *before = live->workspace->plugins;
    struct loading loading;
    int status;
    live->is_quiet = false;
    watch_settle(&live->watch);
    do {
        loading_init(&loading, live->workspace);
        status = load_and_publish(live, anew, &loading);
        if (status == -EAGAIN)
            nanosleep(&(struct timespec){.tv_nsec = QUIET_MS / 4 * 1000000L}, NULL);
        else
            *ret_messages = arena_copy(arena, messages_text(&loading.messages));
        anew = live->workspace->plugins == before ? anew : NULL; // it has been
        loading_finish(&loading);
    } while (status == -EAGAIN);
    bool has_loaded = live->workspace->plugins != before;
    return has_loaded && (status == -EALREADY || status == -EINVAL) ? 0 : status;
}

unsigned live_generation(const struct live *live) {
    return live->generation;
}

// ---- what happens

// True when it is time to end.
static bool take_signal(struct live *live, const sigset_t *endings) {
    struct signalfd_siginfo info;
    if (read(live->signal_fd, &info, sizeof info) != sizeof info)
        return false;
    if (sigismember(endings, (int)info.ssi_signo))
        return true;
    live->is_quiet = false;
    live->is_asked = true;
    watch_wake(&live->watch, now_ms());
    return false;
}

static void take_changes(struct live *live) {
    live->is_quiet = false;
    watch_take(&live->watch, now_ms());
}

static void say_held(struct live *live) {
    struct arena_pool pool;
    struct arena arena;
    struct census census;
    struct retired retired;
    unsigned silent_count;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, LOOK_BYTES_MAX);
    survey_take(live->survey, &census, &silent_count);
    for (unsigned i = 0; publisher_retired(live->publisher, i, &retired); i++)
        log_line(LOG_WARNING, "generation_held", "generation=%u seconds=%lld silent_cores=%u held_by=\"%.*s\"", retired.set->generation,
                 (long long)(clock_wall_us() - retired.since_us) / 1000000, silent_count, LOG_VALUE_BYTES - 1,
                 standing_holders(&census, retired.set->snapshot, &arena).ptr);
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

static void look_at_old_generations(struct live *live) {
    bool had_any = live->held_since_ms;
    unsigned living = publisher_reap(live->publisher);
    if (!living)
        live->held_since_ms = 0;
    else if (live->held_since_ms && now_ms() - live->held_since_ms >= HELD_MS) {
        live->held_since_ms = now_ms(); // and again after as long
        say_held(live);
    }
    if (had_any && !living)
        standing_publish(&live->standing, live->publisher);
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
    arena_init(&arena, &pool, LOOK_BYTES_MAX);
    int status = cluster_revive(cluster, &arena, &failure);
    live->database_look_due_ms = now_ms() + (status ? DATABASE_RETRY_MS : DATABASE_LOOK_MS);
    if (status > 0)
        log_line(LOG_WARNING, "database_restarted", "the private Postgres had ended; %s/log says why", cluster_folder(cluster));
    else if (status < 0)
        log_line(LOG_ERROR, "database_not_restarted", "error=\"%.*s\"", (int)failure.len, failure.ptr);
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

static void bring_forward(int64_t *due_ms, int64_t other_ms) {
    if (other_ms && (!*due_ms || other_ms < *due_ms))
        *due_ms = other_ms;
}

static int wait_ms(const struct live *live) {
    int64_t due_ms = watch_due_ms(&live->watch);
    bring_forward(&due_ms, live->workspace->cluster ? live->database_look_due_ms : 0);
    bring_forward(&due_ms, live->again_due_ms);
    bring_forward(&due_ms, live->held_since_ms ? live->held_since_ms + HELD_MS : 0);
    bring_forward(&due_ms, live->operator? operator_due_ms(live->operator) : 0);
    if (!due_ms)
        return -1;
    return due_ms > now_ms() ? (int)(due_ms - now_ms()) : 0;
}

int live_run(struct live *live, const sigset_t *endings) {
    sigset_t all = *endings;
    sigaddset(&all, SIGHUP);
    if (signalfd(live->signal_fd, &all, 0) < 0)
        return -errno;
    for (;;) {
        struct pollfd fds[] = {{.fd = live->signal_fd, .events = POLLIN},
                               {.fd = live->watch.fd, .events = POLLIN},
                               {.fd = publisher_fd(live->publisher), .events = POLLIN},
                               {.fd = live->operator? operator_fd(live->operator) : - 1, .events = POLLIN}};
        poll(fds, sizeof fds / sizeof *fds, wait_ms(live));
        if (fds[0].revents && take_signal(live, endings)) {
            operator_close(live->operator); // nobody would be answered any more
            live->operator= NULL;
            return 0;
        }
        if (fds[1].revents)
            take_changes(live);
        if (watch_due_ms(&live->watch) && watch_due_ms(&live->watch) <= now_ms())
            load_changes(live);
        if (live->again_due_ms && live->again_due_ms <= now_ms())
            load_quietly(live);
        look_at_old_generations(live);
        look_at_database(live);
        if (live->operator)
            operator_serve(live->operator);
    }
}

// ---- begun and ended

static void open_watch(struct live *live) {
    int status = watch_open(&live->watch, live->workspace->config.folders, live->workspace->config.folder_count);
    live->again_due_ms = now_ms(); // what has changed since the start
    if (status < 0)
        log_line(LOG_WARNING, "folders_not_watched",
                 "error=\"%s\" remedy=\"raise fs.inotify.max_user_instances; SIGHUP and `leat reload` load what has changed\"",
                 strerror(-status));
}

static void open_operator(struct live *live, struct server *server) {
    struct operator_view view = {.workspace = live->workspace,
                                 .server = server,
                                 .standing = &live->standing,
                                 .publisher = live->publisher,
                                 .survey = live->survey,
                                 .live = live};
    int status = operator_open(&view, &live->operator);
    if (status < 0)
        log_line(LOG_WARNING, "no_control_socket", "error=\"%s\" folder=%s/run `leat plugins`, `leat reload` and `leat top` will not work",
                 strerror(-status), live->workspace->var);
}

int live_create(struct workspace *workspace, struct server *server, struct roster *roster, struct live **ret_live) {
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return -ENOMEM;
    sigset_t none;
    sigemptyset(&none);
    live->workspace = workspace;
    live->generation = workspace->plugins->generation;
    live->database_look_due_ms = now_ms() + DATABASE_LOOK_MS;
    live->watch.fd = -1;
    standing_init(&live->standing, workspace, roster);
    live->signal_fd = signalfd(-1, &none, SFD_CLOEXEC);
    int status = live->signal_fd < 0 ? -errno : publisher_create(server, &live->publisher);
    if (status == 0)
        status = survey_create(server, &live->survey);
    if (status < 0) {
        live_destroy(live);
        return status;
    }
    open_watch(live);
    open_operator(live, server);
    standing_publish(&live->standing, live->publisher);
    *ret_live = live;
    return 0;
}

void live_destroy(struct live *live) {
    if (!live)
        return;
    operator_close(live->operator);
    publisher_destroy(live->publisher);
    survey_destroy(live->survey);
    standing_finish(&live->standing);
    if (live->signal_fd >= 0)
        close(live->signal_fd);
    watch_close(&live->watch);
    free(live);
}
