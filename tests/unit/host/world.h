// world.h — what the host's tests share: a folder of their own, the plugins built for them, and what was said.
#ifndef TESTS_HOST_WORLD_H
#define TESTS_HOST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/messages.h"

/** cmocka's fail_msg(): its fail() is also the name by which handlers fail. */
#define complain(...)                                                                                                                      \
    do {                                                                                                                                   \
        print_error(__VA_ARGS__);                                                                                                          \
        print_error("\n");                                                                                                                 \
        _fail(__FILE__, __LINE__);                                                                                                         \
    } while (0)

struct world {
    char folder[64]; // of plugins
    char copies[80]; // where private copies go
    struct arena_pool pool;
    struct arena arena;
    struct messages messages;
};

static inline int world_setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/leat-host-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->copies, sizeof world->copies, "%s/var/plugins", world->folder);
    arena_pool_init(&world->pool, 16);
    arena_init(&world->arena, &world->pool, 64 << 20);
    messages_init(&world->messages, &world->arena);
    *state = world;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static inline int world_teardown(void **state) {
    struct world *world = *state;
    nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_reset(&world->arena);
    arena_pool_finish(&world->pool);
    free(world);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

static inline const char *path_in(struct world *world, const char *name) {
    return arena_format(&world->arena, "%s/%s", world->folder, name).ptr;
}

static inline void write_file(struct world *world, const char *name, const void *bytes, size_t count) {
    int fd = open(path_in(world, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, count), (ssize_t)count);
    close(fd);
}

/** The bytes of a plugin that was built for the tests. */
static inline str built_plugin(struct world *world, const char *name) {
    const char *path = arena_format(&world->arena, "%s/%s.so", getenv("LEAT_TEST_PLUGINS"), name).ptr;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = arena_raw(&world->arena, (size_t)status.st_size);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    return (str){bytes, (size_t)status.st_size};
}

/** Puts one of them into the folder. */
static inline void drop_in(struct world *world, const char *name) {
    str bytes = built_plugin(world, name);
    write_file(world, arena_format(&world->arena, "%s.so", name).ptr, bytes.ptr, bytes.len);
}

static inline const char *said(struct world *world) {
    str text = messages_text(&world->messages);
    return arena_format(&world->arena, "%.*s", (int)text.len, text.len ? text.ptr : "").ptr;
}

/** Fails unless what was said holds `words`. */
#define expect_said(world, words)                                                                                                          \
    do {                                                                                                                                   \
        if (!strstr(said(world), words))                                                                                                   \
            complain("said, and not \"%s\": %s", words, said(world));                                                                      \
    } while (0)
#define expect_unsaid(world, words)                                                                                                        \
    do {                                                                                                                                   \
        if (strstr(said(world), words))                                                                                                    \
            complain("said \"%s\": %s", words, said(world));                                                                               \
    } while (0)

#endif
