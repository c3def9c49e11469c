// call_body.c — the body of a call to another server, out of a value and its schema.
#include "call_body.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/str.h"
#include "schema/descriptor.h"
#include "schema/json_room.h"

// ---- percent-encoding

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

// Three bytes at most for each of `s`.
static char *escape(char *at, str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_unreserved(s.ptr[i])) {
            *at++ = s.ptr[i];
            continue;
        }
        *at++ = '%';
        *at++ = "0123456789ABCDEF"[c >> 4];
        *at++ = "0123456789ABCDEF"[c & 15];
    }
    return at;
}

str call_escape(struct arena *arena, str s) {
    char *out = arena_raw(arena, 3 * s.len + 1);
    return (str){out, out ? (size_t)(escape(out, s) - out) : 0};
}

// ---- fields

static bool is_set(const leat_schema *schema, unsigned index, const void *object) {
    uint64_t bits;
    memcpy(&bits, (const char *)object + schema->set_off, sizeof bits);
    return bits >> index & 1;
}

static str name_of(const leat_field *field) {
    const struct leat_common_opts *options = field->opts;
    return str_of(options->alias ? options->alias : field->name);
}

// ---- JSON

// Of a PARTIAL what is set: the others are to stay as they are.
static void write_partial(leat_json *writer, const leat_schema *schema, const void *object) {
    leat_put_open(writer);
    for (unsigned i = 0; i < schema->nfields; i++) {
        const leat_field *field = descriptor_field(schema, i);
        if (!is_set(schema, i, object))
            continue;
        json_write_string(writer, name_of(field));
        json_put_bytes(writer, ":", 1);
        if (descriptor_is_null(schema, i, object))
            leat_put_null(writer);
        else
            json_write(writer, field->type, (const char *)object + field->off);
    }
    leat_put_close(writer);
}

static int make_json(const struct leat_http_body *body, struct arena *arena, str *ret_bytes) {
    leat_json writer;
    json_write_to_arena(&writer, arena);
    if (body->schema->partial)
        write_partial(&writer, body->schema, body->value);
    else
        json_write(&writer, body->schema, body->value);
    if (writer.out_of_memory)
        return -ENOMEM;
    *ret_bytes = json_written(&writer);
    return 0;
}

// ---- forms

struct form_writer {
    struct arena *arena; // of single values
    struct buffer buffer;
    int error;
};

static void put(struct form_writer *form, str name, str value) {
    char *room = form->error ? NULL : buffer_reserve(&form->buffer, 3 * (name.len + value.len) + 2);
    if (!room) {
        form->error = form->error ? form->error : -ENOMEM;
        return;
    }
    char *at = room;
    if (buffer_bytes(&form->buffer))
        *at++ = '&';
    at = escape(at, name);
    *at++ = '=';
    at = escape(at, value);
    buffer_commit(&form->buffer, (size_t)(at - room));
}

// A value's text is its JSON, without the quotes that times, UUIDs and labels have there.
static void put_value(struct form_writer *form, str name, const leat_schema *schema, const void *value) {
    leat_json writer;
    if (schema->kind == LEAT_STR)
        return put(form, name, *(const str *)value);
    if (schema->kind >= LEAT_OBJECT) {
        form->error = -EINVAL;
        return;
    }
    json_write_to_arena(&writer, form->arena);
    json_write(&writer, schema, value);
    str text = json_written(&writer);
    if (writer.out_of_memory)
        form->error = -ENOMEM;
    else if (schema->kind != LEAT_JSON && text.len > 1 && text.ptr[0] == '"')
        put(form, name, (str){text.ptr + 1, text.len - 2});
    else
        put(form, name, text);
}

static void put_list(struct form_writer *form, str name, const leat_schema *elem, const struct descriptor_list *list) {
    for (size_t i = 0; i < list->count && !form->error; i++)
        put_value(form, name, elem, (const char *)list->items + i * elem->bytes);
}

static bool is_absent(const leat_schema *schema, unsigned index, const leat_field *field, const void *object) {
    bool is_no_text = field->type->kind == LEAT_STR && !((const str *)((const char *)object + field->off))->ptr;
    return is_no_text || descriptor_is_null(schema, index, object) || (schema->partial && !is_set(schema, index, object));
}

static void put_field(struct form_writer *form, const leat_schema *schema, unsigned index, const void *object) {
    const leat_field *field = descriptor_field(schema, index);
    if (is_absent(schema, index, field, object))
        return;
    str name = name_of(field);
    const void *value = (const char *)object + field->off;
    if (field->type->kind == LEAT_LIST)
        put_list(form, name, field->type->elem, value);
    else
        put_value(form, name, field->type, value);
}

static void free_buffer(void *arg) {
    buffer_finish(arg);
}

static int make_form(const struct leat_http_body *body, struct arena *arena, str *ret_bytes) {
    struct form_writer *form = arena_alloc(arena, sizeof *form);
    if (!form || arena_defer(arena, free_buffer, &form->buffer) < 0)
        return -ENOMEM;
    form->arena = arena;
    if (body->schema->kind != LEAT_OBJECT)
        return -EINVAL;
    for (unsigned i = 0; i < body->schema->nfields && !form->error; i++)
        put_field(form, body->schema, i, body->value);
    *ret_bytes = buffer_bytes(&form->buffer) ? (str){buffer_head(&form->buffer), buffer_bytes(&form->buffer)} : S("");
    return form->error;
}

int call_body_make(const struct leat_http_body *body, struct arena *arena, str *ret_bytes, str *ret_type) {
    switch (body->kind) {
    case LEAT_BODY_JSON:
        *ret_type = S("application/json");
        return make_json(body, arena, ret_bytes);
    case LEAT_BODY_FORM:
        *ret_type = S("application/x-www-form-urlencoded");
        return make_form(body, arena, ret_bytes);
    case LEAT_BODY_BYTES:
        *ret_type = str_of(body->type);
        *ret_bytes = body->bytes.ptr ? body->bytes : S("");
        return 0;
    default:
        *ret_bytes = *ret_type = (str){0};
        return 0;
    }
}
