// run.c — leat run: serves until it is told to stop.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_writer.h"
#include "cli/live.h"
#include "cli/migration_watch.h"
#include "cli/notify.h"
#include "cli/tried.h"
#include "cli/workspace.h"
#include "db/migrate.h"
#include "host/crash.h"
#include "host/watchdog.h"

enum { FILES_BESIDE_CONNECTIONS = 256 };

// The soft limit of 1024 is for select(2), which nobody here calls.
static void raise_file_limit(const struct server_options *options) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t clients = (rlim_t)options->worker_count * options->conn_count_max, wanted = clients + FILES_BESIDE_CONNECTIONS;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < clients)
        log_line(LOG_WARNING, "few_files",
                 "limit=%lu wanted=%lu remedy=\"raise it with ulimit -Hn or LimitNOFILE=, or lower "
                 "CONNECTIONS_MAX\"",
                 (unsigned long)limit.rlim_cur, (unsigned long)wanted);
}

// ---- the database

static bool refuse_migrations(struct workspace *workspace, const struct migration_report *report) {
    messages_add_lines(&workspace->messages, report->failure);
    return workspace_refuse(workspace);
}

static bool apply_migrations(struct workspace *workspace) {
    struct migration_report report = {0};
    int status =
        migrate_up(workspace->config.app.db.conninfo, workspace->migrations, workspace->migration_count, workspace->arena, &report);
    if (status < 0)
        return refuse_migrations(workspace, &report);
    if (report.applied_count)
        log_words(LOG_INFO, "migrations_applied", report.text);
    return true;
}

// What libpq and Postgres say has lines; ours has one.
static const char *on_one_line(str text, struct arena *arena) {
    str copy = arena_format(arena, "%.*s", (int)text.len, text.len ? text.ptr : "");
    for (size_t i = 0; copy.ptr && i < copy.len; i++)
        if ((unsigned char)copy.ptr[i] < ' ')
            ((char *)copy.ptr)[i] = i + 1 < copy.len ? ' ' : '\0';
    return copy.ptr ? copy.ptr : "";
}

// A database of somebody else's is not changed by a server that starts. True with `*ret_is_there` false: there is none to ask now.
static bool check_migrations(struct workspace *workspace, bool *ret_is_there) {
    struct migration_report report = {0};
    int status =
        migrate_status(workspace->config.app.db.conninfo, workspace->migrations, workspace->migration_count, workspace->arena, &report);
    *ret_is_there = status == 0 || status == -EINVAL;
    if (!*ret_is_there) {
        workspace->readiness.migrations = MIGRATIONS_UNKNOWN;
        log_say(LOG_WARNING, "no_database", "leat: warning: %s; until then only routes without it are served",
                on_one_line(report.failure, workspace->arena));
        return true;
    }
    if (status < 0)
        return refuse_migrations(workspace, &report);
    if (report.pending_count == 0)
        return true;
    messages_add_lines(&workspace->messages, report.text);
    messages_add(&workspace->messages,
                 "leat: error: %u migrations are not applied to the database of DATABASE_URL; apply them with `leat db up`",
                 report.pending_count);
    return workspace_refuse(workspace);
}

static bool check_statements(struct workspace *workspace) {
    str failure = {0};
    int status;
    do
        status = plugin_set_check(workspace->plugins, workspace->config.app.db.conninfo, &workspace->messages, &failure);
    while (status == -EINVAL && workspace_leave_out(workspace));
    if (status == -EINVAL)
        return false;
    if (status < 0)
        log_say(LOG_WARNING, "statements_unchecked", "leat: warning: the statements are not checked yet: %s",
                on_one_line(failure, workspace->arena));
    return true;
}

static bool prepare_database(struct workspace *workspace) {
    if (!workspace_start_database(workspace))
        return false;
    bool is_there = true;
    if (workspace->cluster && cluster_notice(workspace->cluster))
        log_say(LOG_INFO, "database", "leat: %s", cluster_notice(workspace->cluster));
    if (workspace->cluster)
        log_say(LOG_INFO, "database", "%s", cluster_psql(workspace->cluster));
    if (!(workspace->cluster ? apply_migrations(workspace) : check_migrations(workspace, &is_there)))
        return false;
    return !is_there || check_statements(workspace);
}

// ---- plugins that refuse to begin: the others begin without them

static bool is_database_known(const struct workspace *workspace) {
    return workspace->readiness.migrations == MIGRATIONS_APPLIED;
}

static bool leave_out(struct workspace *workspace) {
    return workspace_leave_out(workspace) && (!is_database_known(workspace) || check_statements(workspace));
}

static bool start_plugins(struct workspace *workspace) {
    while (plugin_set_start(workspace->plugins, &workspace->messages) < 0)
        if (!leave_out(workspace))
            return false;
    return true;
}

// Those of cores that are gone would be told as well.
static bool renew_figures(struct workspace *workspace) {
    struct app_options *app = &workspace->config.app;
    figures_destroy(app->figures);
    app->figures = NULL;
    return !workspace->config.has_metrics || figures_create(&app->figures) == 0 || workspace_refuse(workspace);
}

static struct server *start_server(struct workspace *workspace, const struct server_options *options) {
    struct server *server;
    str failure;
    int status;
    while ((status = server_start(options, workspace->plugins, workspace->arena, &server, &failure)) < 0) {
        messages_add(&workspace->messages, "leat: error: %.*s", (int)failure.len, failure.ptr);
        if (status == -ETIMEDOUT) { // its threads still use the plugins
            workspace_refuse(workspace);
            if (workspace->cluster)
                cluster_stop(workspace->cluster);
            log_stop();
            _exit(1);
        }
        if (!leave_out(workspace) || !start_plugins(workspace) || !renew_figures(workspace))
            return NULL;
    }
    return server;
}

// What it starts without: the log has a line of each as well, once it serves.
static void say_left_out(const struct workspace *workspace) {
    str text = messages_text(&workspace->messages);
    unsigned count = workspace->refused ? workspace->refused->count : 0;
    if (!count)
        return;
    log_words(LOG_ERROR, "refused", text);
    log_say(LOG_WARNING, "plugins_left_out",
            "leat: warning: %u plugin%s left out, all others serve; STRICT_PLUGINS=true would refuse to start", count,
            count == 1 ? " is" : "s are");
}

// ---- signals: taken by the main thread when it wants them; the second one does not wait

static const int endings[] = {SIGINT, SIGTERM};

static sigset_t signals_of_ours(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

static void exit_at_once(int signal) {
    _exit(128 + signal);
}

static sigset_t endings_set(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        sigaddset(&set, endings[i]);
    return set;
}

static void let_second_signal_end_it(void) {
    sigset_t set = signals_of_ours();
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        sigaction(endings[i], &(struct sigaction){.sa_handler = exit_at_once}, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

// ---- serve

static void say_address(const char *host, uint16_t port) {
    bool is_ipv6 = strchr(host, ':') != NULL;
    char text[512], out[LOG_RENDERED_BYTES_MAX];
    int bytes = snprintf(text, sizeof text, "serving http://%s%s%s:%u\n", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
    str line = log_words_render(LOG_INFO, "serving", (str){text, (size_t)bytes}, out);
    fwrite(line.ptr, 1, line.len, stdout);
    fflush(stdout);
}

// Load balancers see that it is about to end, and send requests elsewhere, while it still takes those that come.
static void say_not_ready(struct workspace *workspace) {
    workspace->readiness.is_draining = true;
    struct timespec left = {workspace->config.drain_delay_ms / 1000, workspace->config.drain_delay_ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

// What systemd waits for while WatchdogSec= is set; all fields are the watchdog's thread's.
struct sign_of_life {
    int64_t patience_ms, last_ms;
};

// None while a core stands for longer than systemd waits: then the whole is started again.
static void give_sign_of_life(void *arg, int64_t held_ms) {
    struct sign_of_life *sign = arg;
    int64_t now_ms = clock_monotonic_ns() / 1000000;
    if (!sign->patience_ms || held_ms >= sign->patience_ms / 2 || now_ms - sign->last_ms < sign->patience_ms / 4)
        return;
    sign->last_ms = now_ms;
    notify("WATCHDOG=1");
}

static struct watchdog *start_watchdog(const struct workspace *workspace, struct server *server) {
    static struct sign_of_life sign;
    sign.patience_ms = notify_watchdog_ms();
    struct watchdog_options options = {.limit_ms = (uint32_t)workspace->config.watchdog_ms, .on_look = give_sign_of_life, .arg = &sign};
    struct watchdog *watchdog = NULL;
    int status = watchdog_start(server, &options, &watchdog);
    if (status < 0)
        log_line(LOG_WARNING, "no_watchdog", "error=\"%s\" a handler that holds its core will not be named", strerror(-status));
    return watchdog;
}

static int serve(struct workspace *workspace) {
    struct server_options options = workspace->config.server;
    options.app = &workspace->config.app;
    struct server *server = start_server(workspace, &options);
    if (!server)
        return 1;
    say_left_out(workspace);
    sigset_t endings_of_it = endings_set();
    struct live *live = NULL;
    int status = live_create(workspace, server, workspace->config.app.roster, &live);
    if (status == 0) {
        struct watchdog *watchdog = start_watchdog(workspace, server);
        tried_keep(workspace->var, workspace->plugins);
        say_address(options.host, server_port(server));
        notify(workspace->readiness.is_degraded ? "READY=1\nSTATUS=serving, but some plugins are left out; `leat plugins` names them"
                                                : "READY=1");
        status = live_run(live, &endings_of_it);
        tried_keep(workspace->var, workspace->plugins); // some may have come since
        notify("STOPPING=1");
        watchdog_stop(watchdog);
    }
    let_second_signal_end_it();
    say_not_ready(workspace);
    int failed = status < 0 ? status : server_failure(server);
    unsigned cut_count;
    if (!server_stop(server, &cut_count)) { // its threads still use the plugins
        if (workspace->cluster)
            cluster_stop(workspace->cluster);
        log_stop();
        _exit(1);
    }
    live_destroy(live);
    if (cut_count)
        log_line(LOG_WARNING, "drain_cut", "connections=%u", cut_count);
    return failed ? 1 : 0;
}

static int start_and_serve(struct workspace *workspace) {
    raise_file_limit(&workspace->config.server);
    sigset_t set = signals_of_ours();
    sigprocmask(SIG_BLOCK, &set, NULL); // before threads, which inherit it
    signal(SIGPIPE, SIG_IGN);
    const char *crashes = arena_format(workspace->arena, "%s/crashes", workspace->var).ptr;
    int crash_status = crashes ? crash_watch(crashes) : -ENOMEM;
    if (crash_status < 0)
        log_line(LOG_WARNING, "crashes_not_kept", "error=\"%s\" folder=%s/crashes", strerror(-crash_status), workspace->var);
    int log_status = log_start();
    if (log_status < 0)
        log_line(LOG_WARNING, "log_unbuffered", "error=\"%s\" each line is written by the thread that logs it", strerror(-log_status));
    if (!start_plugins(workspace))
        return 1;
    if (workspace->readiness.migrations != MIGRATIONS_APPLIED &&
        migration_watch_start(workspace, &workspace->readiness, &workspace->watch) < 0)
        log_line(LOG_WARNING, "migrations_unwatched", "it is not ready for as long as it runs");
    return serve(workspace);
}

static int run_with_figures(struct workspace *workspace) {
    struct app_options *app = &workspace->config.app;
    if (workspace->config.has_metrics && figures_create(&app->figures) < 0) {
        workspace_refuse(workspace);
        return 1;
    }
    app->readiness = &workspace->readiness;
    static struct roster roster; // a core that could not be ended may still read it
    roster_init(&roster);
    app->roster = &roster;
    int code = start_and_serve(workspace);
    figures_destroy(app->figures);
    return code;
}

static int run_in(struct workspace *workspace, const struct invocation *invocation) {
    if (!workspace_open(workspace, invocation, WORKSPACE_SERVES) || !workspace_compile(workspace) || !prepare_database(workspace))
        return 1;
    return run_with_figures(workspace);
}

static int run(const struct invocation *invocation) {
    if (*invocation->arguments) {
        fprintf(stderr, "leat: error: leat run takes no '%s'; `leat run --help` shows what it takes\n", *invocation->arguments);
        return 2;
    }
    struct workspace workspace;
    int code = run_in(&workspace, invocation);
    bool is_quiet = migration_watch_stop(workspace.watch);
    log_stop();
    workspace_close(&workspace);
    if (!is_quiet)
        _exit(code);
    return code;
}

static const struct flag flags[] = {
    {"port", "N", "PORT", NULL, false, "port to listen on (8000); 0 picks one"},
    {"host", "ADDRESS", "HOST", NULL, false, "address to listen on (127.0.0.1); 0.0.0.0 or :: for all"},
    {"workers", "N", "WORKERS", NULL, false, "threads that serve, a core each (as many as there are CPUs)"},
    FLAGS_OF_PLACE,
    {"production", NULL, "LEAT_PRODUCTION", "true", false, "refuse what is fine in development only: a key of our own making"},
    {"no-pin", NULL, "LEAT_PIN", "false", false, "let the kernel move the threads between CPUs"},
    {0},
};

const struct verb verb_run = {
    .group = VERBS_THAT_SERVE,
    .name = "run",
    .arguments = "",
    .summary = "serve until SIGTERM or Ctrl-C, then drain",
    .text =
        "Serves the plugins' routes and prints `serving http://HOST:PORT` once it answers. Without DATABASE_URL a private Postgres is\n"
        "started under var/ and migrated; the psql command line to look inside is printed. SIGTERM and Ctrl-C let requests in flight be\n"
        "answered and exit with 0; a second one exits at once.\n"
        "\n"
        "Settings come from the flags, the environment, or the file .env in the working folder, the first that has them. Relative paths "
        "of\n"
        "plugins (their migrations) are looked for in the working folder, then in --root.\n"
        "\n"
        "The plugin folders are watched: a .so that is put there, replaced or removed is live without a request dropped; one that is\n"
        "wrong is refused with the reason, and what served before goes on. SIGHUP looks at once.\n"
        "\n"
        "Examples:\n"
        "  leat run --port 0 --workers 2\n"
        "  leat run --plugins build/plugins --plugins /srv/plugins\n"
        "  DATABASE_URL=postgresql://app@db/app SECRET_KEY=... leat run --production --host 0.0.0.0\n",
    .flags = flags,
    .has_settings = true,
    .run = run,
};
