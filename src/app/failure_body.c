// failure_body.c — the body of a failure: {"detail": ...}, or what the application's ERROR_SHAPE makes of it.
#include "failure_body.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

enum { SHAPE_WORDS = 4096 / sizeof(uint64_t) };

static void write_shaped(leat_json *writer, const struct leat_error_shape *shape, const struct leat_failure *failure) {
    uint64_t value[SHAPE_WORDS]; // there is no request to take it from where none was made
    assert(shape->schema->bytes <= sizeof value);
    memset(value, 0, shape->schema->bytes);
    shape->fill(failure, value);
    json_write(writer, shape->schema, value);
}

void failure_body_write(leat_json *writer, const struct leat_error_shape *shape, const struct leat_failure *failure,
                        const struct problems *problems) {
    if (shape) {
        write_shaped(writer, shape, failure);
    } else if (problems) {
        problems_write(problems, writer);
    } else {
        leat_put_open(writer);
        leat_put_key(writer, "\"detail\":", 9);
        json_write_string(writer, failure->detail);
        leat_put_close(writer);
    }
}

str failure_body_type(const struct leat_error_shape *shape) {
    return shape && shape->content_type ? str_of(shape->content_type) : S("application/json");
}

json_value failure_body_problems(const struct problems *problems, struct arena *arena) {
    enum { BEFORE = sizeof("{\"detail\":") - 1, AFTER = 1 };
    leat_json writer;
    json_write_to_arena(&writer, arena);
    problems_write(problems, &writer);
    str text = json_written(&writer);
    if (writer.out_of_memory || text.len < BEFORE + AFTER)
        return (json_value){0};
    return (json_value){{text.ptr + BEFORE, text.len - BEFORE - AFTER}};
}
