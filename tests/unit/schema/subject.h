// subject.h — a schema under test: compiled, given a text, and what it answers.
#ifndef TEST_SUBJECT_H
#define TEST_SUBJECT_H

#include <leat/leat.h>
#undef fail // cmocka has its own

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/str.h"
#include "schema/model.h"
#include "schema/problem.h"

static struct arena_pool subject_pool;
static struct arena subject_arena;
static char subject_text[1 << 20];
enum { SUBJECT_BYTES_MAX = 64 << 20 };

static inline void subject_reset(void) {
    if (!subject_pool.spare_count_max) {
        arena_pool_init(&subject_pool, 8);
        arena_init(&subject_arena, &subject_pool, SUBJECT_BYTES_MAX);
    }
    arena_reset(&subject_arena);
}

/** The answer as text: the detail of the problems, or "400", or "ok " and the value as JSON. */
static inline const char *subject_answer(int result, const struct problems *problems, const leat_schema *schema, const void *value) {
    leat_json writer;
    json_write_to(&writer, subject_text, sizeof subject_text - 1);
    if (result == -EBADMSG)
        return "400";
    assert_true(result == 0 || result == -EINVAL);
    assert_int_equal(result == -EINVAL, problems->count > 0);
    if (result == 0) {
        memcpy(subject_text, "ok ", 3);
        json_write_to(&writer, subject_text + 3, sizeof subject_text - 4);
        json_write(&writer, schema, value);
    } else {
        problems_write(problems, &writer);
    }
    assert_false(writer.out_of_memory);
    *writer.cursor = 0;
    return subject_text;
}

/** A copy of `text` whose last byte is the last before memory that nobody may touch. Until the next copy. */
static inline str subject_at_guard(str text) {
    enum { GUARDED_BYTES = 2 << 20, PAGE_BYTES = 4096 };
    static char *region;
    if (!region) {
        region = mmap(NULL, GUARDED_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(region != MAP_FAILED);
        assert_int_equal(mprotect(region + GUARDED_BYTES, PAGE_BYTES, PROT_NONE), 0);
    }
    assert_true(text.len <= GUARDED_BYTES);
    char *copy = region + GUARDED_BYTES - text.len;
    memcpy(copy, text.ptr, text.len);
    return (str){copy, text.len};
}

static inline const struct model *subject_model(struct model_set *set, const leat_schema *schema) {
    const struct model *model;
    str message = S("");
    int error = model_compile(set, schema, &subject_arena, &model, &message);
    if (error)
        fail_msg("%d %.*s", error, (int)message.len, message.ptr);
    return model;
}

/** Reads `json`, which ends at a guard page, into a fresh value. */
static inline const char *subject_read(const leat_schema *schema, const struct leat_validator *validator, str json) {
    struct model_set *set;
    struct problems problems;
    const struct location root = {.name = S("body")};
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    if (validator)
        assert_int_equal(model_set_add_validator(set, validator), 0);
    const struct model *model = subject_model(set, schema);
    void *value = arena_alloc(&subject_arena, schema->bytes);
    problems_init(&problems, &subject_arena);
    int result = model_read_json(model, &(struct reading){NULL, &subject_arena, &problems}, &root, subject_at_guard(json), value);
    const char *answer = subject_answer(result, &problems, schema, value);
    model_set_destroy(set);
    return answer;
}

#define READ(T, json) subject_read(&T##__schema, NULL, str_of(json))

/** "ok …" and "400" as they are; of one problem at "body" (or "body", "v") without ctx or with it: `type|msg|ctx`. */
static inline void expect_answer(const char *what, const char *answer, const char *expected) {
    if (strcmp(answer, expected) != 0)
        fail_msg("%s\n  is   %s\n  not  %s", what, answer, expected);
}

#endif
