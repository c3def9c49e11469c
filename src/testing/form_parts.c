// form_parts.c — a form of fields and files as multipart/form-data, written by a second opinion on what that is.
#include "testing/form_parts.h"

#include <string.h>

#include "base/buffer.h"

#define DELIMITER "--leat-test-7d81c2f0"

static void add(struct buffer *out, const char *text) {
    buffer_append(out, text, strlen(text));
}

// A name between quotes, as browsers write it: WHATWG, multipart/form-data encoding algorithm.
static void put_name(struct buffer *out, const char *name) {
    for (; *name; name++) {
        if (*name == '"')
            add(out, "%22");
        else if (*name == '\r' || *name == '\n')
            add(out, *name == '\r' ? "%0D" : "%0A");
        else
            buffer_append(out, name, 1);
    }
}

static void put_part(struct buffer *out, const struct leat_test_part *part) {
    add(out, DELIMITER "\r\nContent-Disposition: form-data; name=\"");
    put_name(out, part->name);
    if (part->filename) {
        add(out, "\"; filename=\"");
        put_name(out, part->filename);
    }
    add(out, "\"\r\n");
    if (part->type) {
        add(out, "Content-Type: ");
        add(out, part->type);
        add(out, "\r\n");
    }
    add(out, "\r\n");
    buffer_append(out, part->content.ptr, part->content.len);
    add(out, "\r\n");
}

str form_parts_body(struct arena *arena, const struct leat_test_part *parts) {
    struct buffer out = {0};
    for (; parts->name; parts++)
        put_part(&out, parts);
    add(&out, DELIMITER "--\r\n");
    str body = arena_copy(arena, (str){buffer_head(&out), buffer_bytes(&out)});
    buffer_finish(&out);
    return body;
}
