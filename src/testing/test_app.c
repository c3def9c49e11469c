// test_app.c — a whole server on the calling thread: plugins, a database, one core, a listener on a port of the kernel's choice.
#include "test_app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/jwt.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/rehearsal.h"

enum { APP_BYTES_MAX = 64 << 20, QUERY_MS_MAX = 30000 };

extern const leat_plugin leat_plugin_entry; // of handlers/
extern char **environ;

// For tests alone, and no secret: what it signs is good nowhere else.
#define TEST_KEY "a key that only tests sign with, good for nothing"

// ---- said

static app *refuse(struct test_app *a, str why) {
    if (why.len)
        fprintf(stderr, "leat: error: %.*s\n", (int)why.len, why.ptr);
    str lines = messages_text(&a->messages);
    fwrite(lines.ptr ? lines.ptr : "", 1, lines.len, stderr);
    test_app_stop(a);
    return NULL;
}

static const char *variable(struct test_app *a, const char *name, const char *otherwise) {
    str value = environment_value(&a->environment, name);
    return value.ptr ? arena_format(&a->arena, "%.*s", (int)value.len, value.ptr).ptr : otherwise;
}

// ---- plugins: a folder of links to those that were asked for

// The first of the folders between colons that holds the file: its whole path, to be freed, or NULL and errno.
static char *find_file(struct test_app *a, const char *folders, const char *name) {
    for (const char *next, *folder = folders; folder; folder = next) {
        next = strchr(folder, ':');
        int bytes = next ? (int)(next++ - folder) : (int)strlen(folder);
        const char *file = arena_format(&a->arena, "%.*s/%s.so", bytes, folder, name).ptr;
        char *whole = file ? realpath(file, NULL) : NULL;
        if (whole)
            return whole;
    }
    return NULL;
}

static bool link_plugin(struct test_app *a, const char *folders, const char *name) {
    const char *link = arena_format(&a->arena, "%s/%s.so", a->folder, name).ptr;
    char *whole = find_file(a, folders, name);
    bool is_there = whole && link && symlink(whole, link) == 0;
    if (!is_there)
        messages_add(&a->messages,
                     "%s/%s.so: error: %s; build it, or name the folders of plugins in LEAT_PLUGINS, with colons between them", folders,
                     name, strerror(errno));
    free(whole);
    return is_there;
}

static bool make_folder(struct test_app *a) {
    char path[] = "/tmp/leat-test-XXXXXX";
    if (!mkdtemp(path))
        return false;
    a->folder = arena_format(&a->arena, "%s", path).ptr;
    return a->folder;
}

static bool open_plugins(struct test_app *a, const char *const *names) {
    const char *from = variable(a, "LEAT_PLUGINS", "build/plugins:" LEAT_PLUGINS_INSTALLED);
    a->names = names;
    bool is_right = make_folder(a);
    for (size_t i = 0; is_right && names[i]; i++)
        is_right = link_plugin(a, from, names[i]);
    struct plugin_set_options options = {
        .folders = &a->folder,
        .folder_count = 1,
        .private_folder = arena_format(&a->arena, "%s/copies", a->folder).ptr,
        .builtins = (const leat_plugin *const[]){&leat_plugin_entry, NULL},
        .generation = 1,
    };
    return is_right && plugin_set_open(&options, &a->messages, &a->plugins) == 0 &&
           plugin_set_bind(a->plugins, &a->environment, &a->messages) == 0;
}

static bool compile_plugins(struct test_app *a) {
    struct openapi_info info = {.title = "test", .version = leat_version()};
    a->views = arena_alloc(&a->arena, (a->plugins->count + 1) * sizeof *a->views);
    for (size_t i = 0; a->views && i < a->plugins->count; i++)
        a->views[i] = plugin_view(a->plugins->plugins[i]);
    return a->views && plugin_set_compile(a->plugins, &info, &a->messages) == 0;
}

static void remove_folder(struct test_app *a) {
    static const char *const below[] = {"copies", ""};
    for (size_t i = 0; a->folder && a->names[i]; i++) {
        const char *link = arena_format(&a->arena, "%s/%s.so", a->folder, a->names[i]).ptr;
        if (link)
            unlink(link);
    }
    plugin_set_close(a->plugins); // takes its copies with it
    for (size_t i = 0; a->folder && i < sizeof below / sizeof *below; i++) {
        const char *folder = arena_format(&a->arena, "%s/%s", a->folder, below[i]).ptr;
        if (folder)
            rmdir(folder);
    }
}

// ---- the database

static bool open_database(struct test_app *a, str *ret_failure) {
    struct migration_folder *folders;
    struct migration_report report = {0};
    unsigned count;
    if (plugin_set_migrations(a->plugins, variable(a, "LEAT_ROOT", LEAT_DATA_INSTALLED), &a->arena, &a->messages, &folders, &count) < 0)
        return false;
    if (!statement_count(snapshot_statements(a->plugins->snapshot)) && !count)
        return true; // nobody asks for one
    if (test_database_open(&a->environment, &a->arena, &a->database, ret_failure) < 0)
        return false;
    if (migrate_up(a->database.conninfo, folders, count, &a->arena, &report) < 0) {
        messages_add_lines(&a->messages, report.failure);
        return false;
    }
    return plugin_set_check(a->plugins, a->database.conninfo, &a->messages, ret_failure) == 0;
}

// ---- the core

static int listen_on(struct test_app *a) {
    struct listener_options options = listener_options_default;
    options.port = 0;
    options.user_bytes = session_bytes();
    options.protocol = &session_protocol;
    int fd;
    int status = listener_bind(&options, &fd);
    a->port = status < 0 ? 0 : listener_port(fd);
    return status < 0 ? status : listener_start(&a->core, fd, &options, &a->listener);
}

// A test's other servers are on this machine.
static const struct peer_range loopback_ranges[] = {{{[10] = 0xff, [11] = 0xff, [12] = 127}, 96 + 8}, {{[15] = 1}, 128}};
static const struct peer_rules loopback = {.ranges = loopback_ranges, .range_count = 2};

static int start_app(struct test_app *a) {
    app_options_init(&a->options);
    a->options.db.conninfo = a->database.conninfo;
    a->options.db.is_rehearsal = true;
    a->options.password_cost = (struct password_cost){.memory_kib = 8, .passes = 1, .lanes = 1};
    a->options.outbound.allow = loopback;
    a->options.cache.bytes_max = 0; // what a test has taken back is not answered in the next
    a->options.jwt.secret = environment_value(&a->environment, "SECRET_KEY");
    int status = offload_create(1, 64, &a->options.connector);
    if (status == 0)
        status = offload_create(1, 64, &a->options.hashing);
    if (status == 0)
        status = offload_create(1, 64, &a->options.files);
    if (status == 0)
        status = offload_create_growing(4, 64, &a->options.blocking);
    return status < 0 ? status : app_create(&a->core, &a->options, a->plugins->snapshot, &a->app);
}

// ---- turns

void test_app_turn(struct test_app *a, int64_t wait_ms) {
    int status = core_turn(&a->core, wait_ms);
    if (status < 0)
        fail_msg("the ring failed: %s", strerror(-status));
}

// False when it took longer than ANSWER_MS_MAX.
static bool turn_until(struct test_app *a, const bool *flag) {
    int64_t end_ns = clock_monotonic_ns() + ANSWER_MS_MAX * INT64_C(1000000);
    while (!*flag && clock_monotonic_ns() < end_ns)
        test_app_turn(a, 100);
    return *flag;
}

// ---- the beginning

static void note_ready(void *arg, const char *failure) {
    struct test_app *a = arg;
    a->is_ready = true;
    if (failure)
        messages_add(&a->messages, "%s", failure);
}

// Values per core, and what plugins do ON_START.
static int make_ready(struct test_app *a) {
    unsigned message_count = a->messages.count;
    app_start(a->app, note_ready, a);
    return turn_until(a, &a->is_ready) && a->messages.count == message_count ? 0 : -ECANCELED;
}

static bool start_core(struct test_app *a, str *ret_failure) {
    struct core_options options = core_options_default;
    struct plugin *refuser = NULL;
    int status = core_init(&a->core, &options);
    if (status < 0) {
        *ret_failure = arena_format(&a->arena, "%s", ring_refusal(status));
        return false;
    }
    a->has_core = true;
    status = start_app(a);
    if (status == 0 && plugin_set_start(a->plugins, &a->messages) < 0)
        return false;
    if (status == 0 && plugin_set_start_on_core(a->plugins, 0, &refuser))
        messages_add(&a->messages, "%s: error: on_worker of '%s' refused", refuser->path, refuser->entry.name);
    if (status == 0 && !refuser)
        status = make_ready(a);
    if (status == 0 && !refuser)
        status = listen_on(a);
    if (status < 0)
        *ret_failure = arena_format(&a->arena, "the app cannot be started: %s", strerror(-status));
    return status == 0 && !refuser;
}

static struct test_app *create(void) {
    struct test_app *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->client_fd = -1;
    arena_pool_init(&a->pool, 64);
    arena_init(&a->arena, &a->pool, APP_BYTES_MAX);
    arena_init(&a->test_arena, &a->pool, TEST_BYTES_MAX);
    messages_init(&a->messages, &a->arena);
    environment_init(&a->environment, &a->arena);
    return a;
}

app *test_app_start(const char *const *plugins) {
    struct test_app *a = create();
    if (!a)
        return NULL;
    str failure = {0};
    log_set_level(getenv("LEAT_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
    if (environment_import(&a->environment, environ) < 0)
        return refuse(a, S("there is too little memory"));
    if (!environment_value(&a->environment, "SECRET_KEY").ptr)
        environment_put(&a->environment, FROM_SERVER, S("SECRET_KEY"), S(TEST_KEY));
    if (!open_plugins(a, plugins) || !compile_plugins(a) || !open_database(a, &failure) || !start_core(a, &failure))
        return refuse(a, failure);
    return a;
}

// ---- the end

static void note(void *arg) {
    *(bool *)arg = true;
}

static void stop_core(struct test_app *a) {
    bool is_drained = !a->listener, is_stopped = !a->app;
    if (a->client_fd >= 0)
        close(a->client_fd);
    if (a->listener)
        listener_drain(a->listener, note, &is_drained);
    if (!turn_until(a, &is_drained) && a->listener)
        listener_abort_all(a->listener);
    turn_until(a, &is_drained);
    if (a->app)
        app_stop(a->app, note, &is_stopped);
    turn_until(a, &is_stopped);
    offload_destroy(a->options.connector);
    offload_destroy(a->options.hashing);
    offload_destroy(a->options.files);
    offload_destroy(a->options.blocking);
    test_app_turn(a, 0); // what their threads have posted
    listener_destroy(a->listener);
    app_destroy(a->app);
    core_finish(&a->core);
}

void test_app_stop(app *a) {
    if (!a)
        return;
    if (a->has_core)
        stop_core(a);
    remove_folder(a);
    test_database_close(&a->database);
    arena_reset(&a->test_arena);
    arena_reset(&a->arena);
    arena_pool_finish(&a->pool);
    free(a);
}

uint64_t test_app_query_count(const struct test_app *a) {
    struct db_figures figures;
    db_figures(app_db(a->app), &figures);
    return figures.query_count;
}

// ---- a test

static void put_overrides(struct test_app *a) {
    struct arena arena;
    str messages = {0};
    arena_init(&arena, &a->pool, APP_BYTES_MAX);
    int status = snapshot_override(a->plugins->snapshot, a->views, a->plugins->count, a->overrides, a->override_count, &arena, &messages);
    const char *why = status < 0 ? arena_format(&a->test_arena, "%.*s", (int)messages.len, messages.ptr ? messages.ptr : "").ptr : NULL;
    arena_reset(&arena);
    if (status < 0)
        fail_msg("override: %s %s", strerror(-status), why ? why : "");
}

void test_app_override(app *a, const leat_provider *provider, const void *value, size_t bytes) {
    void *copy = arena_alloc(&a->test_arena, bytes);
    if (!copy || a->override_count == OVERRIDES_MAX)
        fail_msg("more than %d overrides", OVERRIDES_MAX);
    memcpy(copy, value, bytes);
    a->overrides[a->override_count++] = (struct override){provider, copy};
    put_overrides(a);
}

void test_app_begin(app *a) {
    arena_reset(&a->test_arena);
    a->last_query_count = 0;
}

void test_app_rollback(app *a) {
    if (a->database.conninfo)
        rehearsal_end(app_db(a->app));
    if (a->override_count) {
        a->override_count = 0;
        put_overrides(a);
    }
    arena_reset(&a->test_arena);
}

// ---- SQL and tokens

struct script {
    struct db_query query;
    bool is_done;
};

static void script_done(struct db_query *query) {
    container_of(query, struct script, query)->is_done = true;
}

const char *test_app_sql(struct test_app *a, const char *sql, str *ret_value) {
    struct script *script = arena_alloc(&a->test_arena, sizeof *script);
    if (!script || !a->database.conninfo)
        return "there is no database: no plugin that was loaded has a statement";
    script->query = (struct db_query){.arena = &a->test_arena, .due_ms = core_now_ms(&a->core) + QUERY_MS_MAX, .done = script_done};
    int status = rehearsal_run(app_db(a->app), sql, &script->query);
    if (status < 0)
        return strerror(-status);
    turn_until(a, &script->is_done);
    const struct db_failure *failure = script->query.failure;
    if (failure || !script->is_done)
        return failure ? arena_format(&a->test_arena, "%s %.*s", failure->sqlstate, (int)failure->message.len, failure->message.ptr).ptr
                       : "no answer";
    const str *value = script->query.result;
    *ret_value = value ? *value : (str){0};
    return NULL;
}

const char *token_for(app *a, const char *subject) {
    str token = jwt_make(&a->options.jwt, (str){subject, strlen(subject)}, clock_wall_us() / 1000000, 3600, &a->test_arena);
    return arena_format(&a->test_arena, "%.*s", (int)token.len, token.ptr).ptr;
}

const char *text_of(app *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(&a->test_arena, format, args);
    va_end(args);
    return text.ptr;
}
