// json_write.h — JSON out, straight into where it is sent from.
//
// The generated serializers of a plugin call leat_put_…; the bytes go to `cursor`, and `grow` finds more room when there is too little. A
// writer without room swallows the rest and says so at the end.
#ifndef SCHEMA_JSON_WRITE_H
#define SCHEMA_JSON_WRITE_H

#include <stdbool.h>

#include <leat/schema.h>

struct leat_json {
    char *start, *cursor, *end;
    /** Makes room for `bytes` more at `cursor`, moving all three pointers as needed; false without memory. */
    bool (*grow)(struct leat_json *writer, size_t bytes);
    void *sink;         // grow's own
    bool out_of_memory; // the text is not whole
};

/** A writer into memory that cannot grow. */
void json_write_to(leat_json *writer, char *start, size_t bytes);
/** A writer into an arena: grows by copying. */
struct arena;
void json_write_to_arena(leat_json *writer, struct arena *arena);
/** What was written so far. */
str json_written(const leat_json *writer);

/** `value` of type `schema`: by its straight-line serializer, or by its table where an alias, a write_only or a list needs that. */
void json_write(leat_json *writer, const leat_schema *schema, const void *value);
/** True where the straight-line serializers say all there is: no alias, no write_only anywhere in the tree of `schema`. */
bool json_is_straight(const leat_schema *schema);
/** The pieces, for answers that have no schema. A comma is put where one is due, as by the generated code. */
void json_write_string(leat_json *writer, str text);
void json_write_raw(leat_json *writer, str json);
enum { TIMESTAMP_BYTES_MAX = 32 };
/** 2026-11-20T08:32:43.012073Z; without a fraction where it is zero, as Pydantic 2 writes it. Returns its length. */
size_t timestamp_format(char *out, timestamp time);

#endif
