// builtin.c — the types that come with leat: their descriptors, and how a value of each is written.
#include <math.h>

#include <leat/response.h>

#include "base/str.h"
#include "base/uuid.h"
#include "schema/digits.h"
#include "schema/json_room.h"

void str__put(leat_json *writer, const str *value) {
    if (value->ptr)
        json_put_string(writer, *value);
    else
        leat_put_null(writer); // no string at all: leat/values.h
}

void i64__put(leat_json *writer, const i64 *value) {
    if (json_room(writer, I64_TEXT_BYTES_MAX))
        writer->cursor = digits_of_i64(writer->cursor, *value);
}

void i32__put(leat_json *writer, const i32 *value) {
    i64__put(writer, &(i64){*value});
}

void f64__put(leat_json *writer, const f64 *value) {
    if (!isfinite(*value)) // JSON has no word for it
        leat_put_null(writer);
    else if (json_room(writer, F64_TEXT_BYTES_MAX))
        writer->cursor = digits_of_f64(writer->cursor, *value);
}

void _Bool__put(leat_json *writer, const _Bool *value) {
    if (*value)
        json_put_bytes(writer, "true", 4);
    else
        json_put_bytes(writer, "false", 5);
}

void uuid__put(leat_json *writer, const uuid *value) {
    if (!json_room(writer, UUID_TEXT_BYTES + 2))
        return;
    char *out = writer->cursor;
    out[0] = '"';
    uuid_format(out + 1, *value);
    out[1 + UUID_TEXT_BYTES] = '"';
    writer->cursor = out + UUID_TEXT_BYTES + 2;
}

void timestamp__put(leat_json *writer, const timestamp *value) {
    if (!json_room(writer, TIMESTAMP_BYTES_MAX + 2))
        return;
    char *out = writer->cursor;
    *out++ = '"';
    out += timestamp_format(out, *value);
    *out++ = '"';
    writer->cursor = out;
}

void json_value__put(leat_json *writer, const json_value *value) {
    if (value->raw.len)
        json_put_bytes(writer, value->raw.ptr, value->raw.len);
    else
        leat_put_null(writer);
}

void leat_put_label(leat_json *writer, unsigned v, const char *const *labels, unsigned n) {
    if (v - 1 >= n) { // 0 is no value
        leat_put_null(writer);
        return;
    }
    const char *label = labels[v - 1]; // an identifier of C: nothing in it to escape
    size_t bytes = strlen(label);
    if (!json_room(writer, bytes + 2))
        return;
    char *out = writer->cursor;
    *out = '"';
    copy_short(out + 1, label, bytes);
    out[bytes + 1] = '"';
    writer->cursor = out + bytes + 2;
}

str leat_label(const leat_schema *schema, unsigned value) {
    if (value - 1 >= schema->nfields)
        return (str){0};
    const char *label = schema->labels[value - 1];
    return str_of(label);
}

// ---- descriptors

#define PUT_OF(T) ((void (*)(leat_json *, const void *))(void (*)(void))T##__put)
#define BUILTIN(T, kind_, name_)                                                                                                           \
    const leat_schema T##__schema = {.size = sizeof(leat_schema), .kind = kind_, .name = name_, .bytes = sizeof(T), .put = PUT_OF(T)};     \
    const leat_schema T##_list__schema = {.size = sizeof(leat_schema),                                                                     \
                                          .kind = LEAT_LIST,                                                                               \
                                          .name = name_ "_list",                                                                           \
                                          .bytes = sizeof(T##_list),                                                                       \
                                          .elem = &T##__schema,                                                                            \
                                          .put = PUT_OF(T##_list)};                                                                        \
    void T##_list__put(leat_json *writer, const T##_list *value) {                                                                         \
        leat_put_list(writer, value, &T##__schema);                                                                                        \
    }

BUILTIN(str, LEAT_STR, "str")
BUILTIN(i32, LEAT_I32, "i32")
BUILTIN(i64, LEAT_I64, "i64")
BUILTIN(f64, LEAT_F64, "f64")
BUILTIN(_Bool, LEAT_BOOL, "bool")
BUILTIN(uuid, LEAT_UUID, "uuid")
BUILTIN(timestamp, LEAT_TIME, "timestamp")
BUILTIN(json_value, LEAT_JSON, "json_value")

const leat_schema Empty__schema = {.size = sizeof(leat_schema), .kind = LEAT_EMPTY, .name = "Empty", .bytes = sizeof(Empty)};
const leat_schema Response__schema = {.size = sizeof(leat_schema), .kind = LEAT_RESPONSE, .name = "Response"};
const leat_schema File__schema = {.size = sizeof(leat_schema), .kind = LEAT_FILE, .name = "File"};
const leat_schema Stream__schema = {.size = sizeof(leat_schema), .kind = LEAT_STREAM, .name = "Stream"};
const leat_schema Events__schema = {.size = sizeof(leat_schema), .kind = LEAT_EVENTS, .name = "Events"};

// Pagination has neither .set nor .null: offsets of 0 say so.
void Pagination__put(leat_json *writer, const Pagination *value) {
    leat_put_open(writer);
    leat_put_key(writer, "\"page\":", 7);
    i64__put(writer, &value->page);
    leat_put_key(writer, "\"limit\":", 8);
    i64__put(writer, &value->limit);
    leat_put_key(writer, "\"total\":", 8);
    i64__put(writer, &value->total);
    leat_put_key(writer, "\"pages\":", 8);
    i64__put(writer, &value->pages);
    leat_put_close(writer);
}

static const i64__opts any_i64 = {.size = sizeof(i64__opts), .optional = i64__D};
#define PAGINATION_FIELD(name_)                                                                                                            \
    { .size = sizeof(leat_field), .off = offsetof(Pagination, name_), .name = #name_, .type = &i64__schema, .opts = &any_i64 }
static const leat_field pagination_fields[] = {PAGINATION_FIELD(page), PAGINATION_FIELD(limit), PAGINATION_FIELD(total),
                                               PAGINATION_FIELD(pages)};
const leat_schema Pagination__schema = {.size = sizeof(leat_schema),
                                        .kind = LEAT_OBJECT,
                                        .name = "Pagination",
                                        .nfields = sizeof pagination_fields / sizeof *pagination_fields,
                                        .bytes = sizeof(Pagination),
                                        .fields = pagination_fields,
                                        .put = PUT_OF(Pagination),
                                        .file = "leat/schema.h"};
