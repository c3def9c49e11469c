// trial.c — new plugins tried in a process of their own, before the server lets them near itself.
#include "cli/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/copy.h"
#include "host/crash.h"
#include "host/settings.h"

enum {
    SETTINGS_FD = 3, // of the trial's process: the environment, read from its beginning
    STEPS_FD = 4,    // where it says how far it is, a letter a step
    FILES_MAX = PLUGINS_MAX,
    SAID_BYTES_MAX = 8192,
    SPARE_FDS_FROM = 10,
    LOOK_MS = 200,
};
static const char steps[] = "olwud"; // opened (constructors), on_load, on_worker, on_unload, done with a file

extern char **environ;

// ---- the settings, handed over as they are: the file .env may be another by now

static void put_settings(const struct environment *environment, FILE *out) {
    for (int source = 0; source < ENVIRONMENT_SOURCES; source++)
        for (const struct variable *variable = environment->first[source]; variable; variable = variable->next) {
            fprintf(out, "%d%c", source, '\0');
            fwrite(variable->name.ptr, 1, variable->name.len, out);
            fputc('\0', out);
            fwrite(variable->value.ptr, 1, variable->value.len, out);
            fputc('\0', out);
        }
}

static int make_settings_fd(const struct environment *environment) {
    int fd = memfd_create("settings", MFD_CLOEXEC), copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FDS_FROM);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out) {
        put_settings(environment, out);
        fclose(out);
    } else if (fd >= 0)
        close(fd);
    if (copy >= 0)
        lseek(copy, 0, SEEK_SET);
    return copy;
}

static str next_text(FILE *in, struct arena *arena) {
    char *text = NULL;
    size_t capacity = 0;
    ssize_t bytes = getdelim(&text, &capacity, '\0', in);
    str copy = bytes > 0 ? arena_copy(arena, (str){text, (size_t)bytes - 1}) : (str){0};
    free(text);
    return copy;
}

static void take_settings(struct environment *environment) {
    FILE *in = fdopen(SETTINGS_FD, "r");
    for (str source; in && (source = next_text(in, environment->arena)).ptr;) {
        str name = next_text(in, environment->arena), value = next_text(in, environment->arena);
        if (name.ptr && value.ptr)
            environment_put(environment, (enum environment_source)(*source.ptr - '0'), name, value);
    }
    if (in)
        fclose(in);
}

// ---- in the trial's process

struct core_trial {
    struct plugin *plugin;
    unsigned core;
    int result;
};

static void step(char letter) {
    if (write(STEPS_FD, &letter, 1) != 1)
        _exit(1); // nobody listens any more
}

// Each core's on a thread of its own, one after the other, as the server runs them.
static void *try_core(void *arg) {
    struct core_trial *trial = arg;
    trial->result = trial->plugin->entry.on_worker(&trial->plugin->host, trial->core);
    return NULL;
}

static void try_cores(struct plugin *plugin, unsigned count) {
    struct core_trial trial = {.plugin = plugin};
    step('w');
    for (; plugin->entry.on_worker && trial.core < count && !trial.result; trial.core++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, try_core, &trial) != 0)
            return;
        pthread_join(thread, NULL);
    }
}

static void try_hooks(struct plugin *plugin, unsigned core_count) {
    step('l');
    int result = plugin->entry.on_load ? plugin->entry.on_load(&plugin->host) : 0;
    if (result)
        return;
    try_cores(plugin, core_count);
    step('u');
    if (plugin->entry.on_unload)
        plugin->entry.on_unload(&plugin->host);
}

static void try_file(const char *private_folder, unsigned core_count, const char *path, const struct environment *environment,
                     struct messages *messages) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    struct plugin_place place = {.folder = folder, .private_folder = private_folder, .generation = 1, .previous_fd = -1};
    struct plugin *plugin;
    step('o');
    if (folder_open(folder, messages, &place.folder_fd) < 0)
        return;
    if (plugin_open(&place, slash ? slash + 1 : path, messages, &plugin) == 0) {
        if (settings_bind(plugin, environment, messages) == 0)
            try_hooks(plugin, core_count);
        plugin_close(plugin);
    }
    close(place.folder_fd);
}

int trial_main(char **arguments) {
    struct arena_pool pool;
    struct arena arena;
    struct environment environment;
    struct messages messages; // all that is refused in words the server finds as well
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (nice(10) < 0) // those who are served go first
        errno = 0;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 64 << 20);
    messages_init(&messages, &arena);
    environment_init(&environment, &arena);
    take_settings(&environment);
    crash_watch(NULL);
    for (char **path = arguments + 2; arguments[0] && arguments[1] && *path; path++) {
        try_file(arguments[0], (unsigned)atoi(arguments[1]), *path, &environment, &messages);
        step('d');
    }
    arena_reset(&arena);
    arena_pool_finish(&pool);
    return 0;
}

// ---- beside it

struct trial {
    const struct workspace *workspace;
    struct messages *messages;
    char *paths[FILES_MAX];
    unsigned count, done_count; // files
    char step;                  // the last that was said
    char said[SAID_BYTES_MAX];  // on its standard error
    size_t said_bytes;
    int steps_fd, said_fd, pid_fd;
    pid_t pid;
    bool is_over; // the server is asked to end
};

static int make_pipe(int ends[2]) {
    int made[2];
    if (pipe2(made, O_CLOEXEC) < 0)
        return -errno;
    ends[0] = fcntl(made[0], F_DUPFD_CLOEXEC, SPARE_FDS_FROM);
    ends[1] = fcntl(made[1], F_DUPFD_CLOEXEC, SPARE_FDS_FROM);
    close(made[0]);
    close(made[1]);
    if (ends[0] >= 0 && ends[1] >= 0)
        return 0;
    if (ends[0] >= 0)
        close(ends[0]);
    return -EMFILE;
}

static int spawn_with(struct trial *trial, int settings_fd, int steps_fd, int said_fd) {
    char folder[4096], core_count[16];
    char *arguments[FILES_MAX + 5] = {"leat", TRIAL_ARGUMENT, folder, core_count};
    snprintf(core_count, sizeof core_count, "%u", trial->workspace->config.server.worker_count);
    snprintf(folder, sizeof folder, "%s/trial", trial->workspace->var);
    memcpy(arguments + 4, trial->paths, trial->count * sizeof *trial->paths);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, said_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, said_fd, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, settings_fd, SETTINGS_FD);
    posix_spawn_file_actions_adddup2(&actions, steps_fd, STEPS_FD);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int error = posix_spawn(&trial->pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

static int begin(struct trial *trial) {
    int steps_ends[2], said_ends[2], settings_fd = make_settings_fd(trial->workspace->environment);
    if (settings_fd < 0 || make_pipe(steps_ends) < 0)
        return -EMFILE;
    if (make_pipe(said_ends) < 0) {
        close(steps_ends[0]);
        close(steps_ends[1]);
        return -EMFILE;
    }
    int status = spawn_with(trial, settings_fd, steps_ends[1], said_ends[1]);
    close(settings_fd);
    close(steps_ends[1]);
    close(said_ends[1]);
    trial->steps_fd = steps_ends[0];
    trial->said_fd = said_ends[0];
    trial->pid_fd = status < 0 ? -1 : (int)syscall(SYS_pidfd_open, trial->pid, 0);
    fcntl(trial->steps_fd, F_SETFL, O_NONBLOCK);
    fcntl(trial->said_fd, F_SETFL, O_NONBLOCK);
    return status;
}

// True where it has come further.
static bool take_steps(struct trial *trial) {
    char letters[64];
    bool any = false;
    for (ssize_t bytes; (bytes = read(trial->steps_fd, letters, sizeof letters)) > 0; any = true)
        for (ssize_t i = 0; i < bytes; i++) {
            trial->done_count += letters[i] == 'd';
            trial->step = strchr(steps, letters[i]) ? letters[i] : trial->step;
        }
    return any;
}

// What is beyond the bound is read all the same: it must not wait for us.
static void take_said(struct trial *trial) {
    char rest[4096];
    for (ssize_t bytes; (bytes = read(trial->said_fd, rest, sizeof rest)) > 0;) {
        size_t room = sizeof trial->said - trial->said_bytes, taken = (size_t)bytes < room ? (size_t)bytes : room;
        memcpy(trial->said + trial->said_bytes, rest, taken);
        trial->said_bytes += taken;
    }
}

// The signals that end the server are blocked, and wait for the main thread.
static bool is_server_to_end(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT));
}

// Until it has ended, 0; or has taken no step for too long, -ETIMEDOUT; or the server is to end, -ECANCELED.
static int follow(struct trial *trial) {
    int64_t patience_ms = trial->workspace->config.plugin_load_ms, due_ms = clock_monotonic_ns() / 1000000 + patience_ms;
    for (;;) {
        struct pollfd fds[] = {{trial->pid_fd, POLLIN, 0}, {trial->steps_fd, POLLIN, 0}, {trial->said_fd, POLLIN, 0}};
        int64_t left_ms = due_ms - clock_monotonic_ns() / 1000000;
        if (left_ms <= 0)
            return -ETIMEDOUT;
        if (is_server_to_end())
            return -ECANCELED;
        poll(fds, sizeof fds / sizeof *fds, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
        bool has_ended = fds[0].revents;
        take_said(trial);
        if (take_steps(trial))
            due_ms = clock_monotonic_ns() / 1000000 + patience_ms;
        if (has_ended)
            return 0;
        if ((fds[1].revents | fds[2].revents) & POLLHUP) // it has closed them, or is about to end
            poll(fds, 1, 10);
    }
}

// ---- what is told

static const char *where(const struct trial *trial) {
    return trial->step == 'o'   ? "while it was loaded, in a constructor"
           : trial->step == 'l' ? "in on_load"
           : trial->step == 'w' ? "in on_worker"
                                : "in on_unload";
}

static void refuse(const struct trial *trial, const char *what, const char *remedy) {
    messages_add(trial->messages, "%s: error: %s %s, in a process of its own in which new plugins are tried; %s",
                 trial->paths[trial->done_count], what, where(trial), remedy);
    messages_add_lines(trial->messages, (str){trial->said, trial->said_bytes});
}

static int judge(struct trial *trial, int outcome, int status) {
    char what[96];
    if (trial->done_count >= trial->count || (outcome == 0 && trial->step == 0))
        return 0; // it came through, or never began, which is no plugin's doing
    if (outcome == -ECANCELED) {
        trial->is_over = true;
        messages_add(trial->messages, "%s: error: was not tried to its end: the server is asked to end", trial->paths[trial->done_count]);
    } else if (outcome == -ETIMEDOUT) {
        snprintf(what, sizeof what, "has not come back within %d ms (PLUGIN_LOAD_MS)", trial->workspace->config.plugin_load_ms);
        refuse(trial, what, "what takes its time or waits belongs into ON_START or a task");
    } else if (WIFSIGNALED(status)) {
        snprintf(what, sizeof what, "crashed with SIG%s", sigabbrev_np(WTERMSIG(status)));
        refuse(trial, what, "mend it where it says");
    } else {
        snprintf(what, sizeof what, "ended the process with status %d", WEXITSTATUS(status));
        refuse(trial, what, "return a number other than 0 to refuse to be loaded");
    }
    return -EINVAL;
}

static int run_trial(struct trial *trial) {
    int status = begin(trial), wait_status = 0;
    if (status == 0) {
        int outcome = follow(trial);
        if (outcome < 0)
            kill(trial->pid, SIGKILL);
        while (waitpid(trial->pid, &wait_status, 0) < 0 && errno == EINTR)
            continue;
        take_said(trial);
        take_steps(trial);
        status = judge(trial, outcome, wait_status);
        close(trial->steps_fd);
        close(trial->said_fd);
        if (trial->pid_fd >= 0)
            close(trial->pid_fd);
    }
    return status;
}

static void forget_paths(struct trial *trial) {
    while (trial->count)
        free(trial->paths[--trial->count]);
}

static struct file_mark mark_of(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 ? file_mark(&file) : (struct file_mark){0};
}

// What is refused already is not tried again, nor what a start came through with.
static void find_files(struct trial *trial, const struct choice_list *choices, const struct tried_files *tried,
                       struct refused_files *refused) {
    const struct workspace *workspace = trial->workspace;
    unsigned found =
        plugin_set_news(workspace->plugins, workspace->config.folders, workspace->config.folder_count, choices, trial->paths, FILES_MAX);
    for (unsigned i = 0; i < found; i++) {
        struct file_mark mark = mark_of(trial->paths[i]);
        if (tried_has(tried, &mark) || (refused && refused_of_file(refused, trial->paths[i], &mark)))
            free(trial->paths[i]);
        else
            trial->paths[trial->count++] = trial->paths[i];
    }
}

static const char *name_in(const struct plugin_set *set, const char *path) {
    for (size_t i = 0; set && i < set->count; i++)
        if (!strcmp(set->plugins[i]->path, path))
            return set->plugins[i]->entry.name;
    return NULL;
}

// True where another trial, without the file, is of use.
static bool leave_out(const struct trial *trial, struct refused_files *refused, size_t said) {
    const char *path = trial->done_count < trial->count ? trial->paths[trial->done_count] : NULL;
    if (!refused || !path || trial->is_over)
        return false;
    struct refused_file file = {.path = path,
                                .name = name_in(trial->workspace->plugins, path),
                                .why = messages_since(trial->messages, said),
                                .mark = mark_of(path),
                                .is_of_trial = true};
    return refused_add(refused, &file) != NULL;
}

// As many times as there are files that do not come back, and once more.
int trial_run(const struct workspace *workspace, const struct choice_list *choices, const struct tried_files *tried,
              struct refused_files *refused, struct messages *messages) {
    bool is_wanted = workspace->config.plugin_load_ms, is_to_be_tried_again = is_wanted;
    int status = 0;
    while (is_to_be_tried_again) {
        struct trial *trial = calloc(1, sizeof *trial);
        if (!trial)
            return 0;
        size_t said = messages->bytes;
        trial->workspace = workspace;
        trial->messages = messages;
        find_files(trial, choices, tried, refused);
        status = trial->count ? run_trial(trial) : 0;
        is_to_be_tried_again = status == -EINVAL && leave_out(trial, refused, said);
        forget_paths(trial);
        free(trial);
    }
    return status;
}
