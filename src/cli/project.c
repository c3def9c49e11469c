// project.c — what a folder of sources is built, tested and watched with: a checkout of leat, a project for meson, or one for CMake.
#include "cli/project.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

static bool names_leat(const char *path) {
    static char text[256 << 10];
    FILE *file = fopen(path, "re");
    size_t bytes = file ? fread(text, 1, sizeof text, file) : 0;
    if (file)
        fclose(file);
    return bytes && memmem(text, bytes, "leat", strlen("leat"));
}

enum project_kind project_look(void) {
    if (is_there("include/leat/leat.h") && is_there("tools/build"))
        return PROJECT_CHECKOUT;
    if (names_leat("meson.build"))
        return PROJECT_MESON;
    return names_leat("CMakeLists.txt") ? PROJECT_CMAKE : PROJECT_NONE;
}

enum project_kind project_here(void) {
    if (is_there("include/leat/leat.h") && is_there("tools/build"))
        return PROJECT_CHECKOUT;
    if (is_there("meson.build"))
        return PROJECT_MESON;
    if (is_there("CMakeLists.txt"))
        return PROJECT_CMAKE;
    fputs("leat: error: this folder is no checkout of leat, and has neither meson.build nor CMakeLists.txt; `leat new NAME` makes a "
          "project\n",
          stderr);
    return PROJECT_NONE;
}

const char *project_plugins(enum project_kind kind) {
    return kind == PROJECT_CHECKOUT ? "build/plugins" : "build";
}

static int spawn(pid_t *ret_pid, const char *const *arguments, int output_fd) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    for (int fd = STDOUT_FILENO; !error && output_fd >= 0 && fd <= STDERR_FILENO; fd++)
        error = posix_spawn_file_actions_adddup2(&actions, output_fd, fd);
    if (!error)
        error = posix_spawnp(ret_pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int project_command(const char *const *arguments, int output_fd) {
    pid_t pid;
    int error = spawn(&pid, arguments, output_fd), status;
    if (error) {
        fprintf(stderr, "leat: error: %s: %s; is it installed?\n", arguments[0], strerror(error));
        return 127;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// ---- built

static bool has_sources(const char *plugin, struct arena *arena) {
    const char *folder = arena_format(arena, "plugins/%s", plugin).ptr, *file = arena_format(arena, "plugins/%s.c", plugin).ptr;
    return (folder && is_there(folder)) || (file && is_there(file));
}

// As ./run builds, so that neither has to build what the other has; what is new is configured by the way.
static int build_checkout(const char *plugin, struct arena *arena, int output_fd) {
    static const char *const all[] = {"tools/build", "build", "--buildtype=release", "-Db_lto=true", "-Dtests=false", NULL};
    if (plugin && !has_sources(plugin, arena)) {
        fprintf(stderr, "leat: error: there is neither plugins/%s/ nor plugins/%s.c; `leat new %s` makes it\n", plugin, plugin, plugin);
        return 2;
    }
    return project_command(all, output_fd);
}

static int build_meson(const char *folder, const char *option, int output_fd) {
    const char *rules = strcmp(folder, "build") ? "build-coverage/build.ninja" : "build/build.ninja";
    int code = is_there(rules) ? 0 : project_command((const char *const[]){"meson", "setup", folder, option, NULL}, output_fd);
    return code ? code : project_command((const char *const[]){"ninja", "-C", folder, "--quiet", NULL}, output_fd);
}

static int build_cmake(int output_fd) {
    int code =
        is_there("build/CMakeCache.txt") ? 0 : project_command((const char *const[]){"cmake", "-S", ".", "-B", "build", NULL}, output_fd);
    return code ? code : project_command((const char *const[]){"cmake", "--build", "build", NULL}, output_fd);
}

int project_build(enum project_kind kind, const char *plugin, struct arena *arena, int output_fd) {
    if (kind == PROJECT_CHECKOUT)
        return build_checkout(plugin, arena, output_fd);
    return kind == PROJECT_MESON ? build_meson("build", NULL, output_fd) : build_cmake(output_fd);
}

// ---- tested

static int refuse_untested(const char *plugin) {
    fprintf(stderr, "leat: error: there is no tests/%s/test_*.c; `leat new` makes one with each plugin\n", plugin);
    return 1;
}

static int cover(const char *folder, const char *sources) {
    return project_command((const char *const[]){"gcovr", "--root", ".", "--filter", sources, "--exclude-unreachable-branches",
                                                 "--object-directory", folder, folder, NULL},
                           -1);
}

static int test_checkout(const char *plugin, bool with_coverage, struct arena *arena) {
    if (plugin && !is_there(arena_format(arena, "tests/%s", plugin).ptr))
        return refuse_untested(plugin);
    if (!with_coverage)
        return project_command(plugin ? (const char *const[]){"./test", "--quick", "--suite", "plugin", "-k", plugin, NULL}
                                      : (const char *const[]){"./test", "--quick", NULL},
                               -1);
    static const char *const build[] = {"tools/build", "build-coverage", "--buildtype=debugoptimized", "-Db_coverage=true", NULL};
    int code = project_command(build, -1);
    if (!code)
        code =
            project_command((const char *const[]){"meson", "test", "-C", "build-coverage", "--no-rebuild", "--suite", "plugin", NULL}, -1);
    return code ? code : cover("build-coverage", plugin ? arena_format(arena, "plugins/%s", plugin).ptr : "plugins/");
}

static int test_meson(bool with_coverage) {
    const char *folder = with_coverage ? "build-coverage" : "build";
    int code = build_meson(folder, with_coverage ? "-Db_coverage=true" : NULL, -1);
    if (!code)
        code = project_command((const char *const[]){"meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", NULL}, -1);
    return code || !with_coverage ? code : cover(folder, "[^/]*\\.c");
}

int project_test(enum project_kind kind, const char *plugin, bool with_coverage, struct arena *arena) {
    if (kind == PROJECT_CHECKOUT)
        return test_checkout(plugin, with_coverage, arena);
    if (kind == PROJECT_MESON)
        return test_meson(with_coverage);
    if (with_coverage) {
        fputs("leat: error: coverage is for projects of meson; with CMake, configure with -DCMAKE_C_FLAGS=--coverage and run gcovr\n",
              stderr);
        return 2;
    }
    int code = build_cmake(-1);
    return code ? code : project_command((const char *const[]){"ctest", "--test-dir", "build", "--output-on-failure", NULL}, -1);
}
