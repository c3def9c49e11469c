// arena_fixture.h — an arena for a file's tests: a set-up of cmocka's takes it, a tear-down gives it back.
#ifndef TESTS_ARENA_FIXTURE_H
#define TESTS_ARENA_FIXTURE_H

#include "base/arena.h"

static struct arena_pool pool;
static struct arena arena;

static inline int arena_set_up(void **state) {
    (void)state;
    arena_pool_init(&pool, 4);
    arena_init(&arena, &pool, 64 << 20);
    return 0;
}

static inline int arena_tear_down(void **state) {
    (void)state;
    arena_reset(&arena);
    arena_pool_finish(&pool);
    return 0;
}

#endif
