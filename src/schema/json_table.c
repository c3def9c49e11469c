// json_table.c — values written by their descriptors, for what the straight-line serializers do not know: aliases, write_only, lists.
#include "base/str.h"
#include "schema/descriptor.h"
#include "schema/json_room.h"

static void put_value(leat_json *writer, const leat_schema *schema, const void *value);

static inline bool holds_others(const leat_schema *schema) {
    return schema->kind == LEAT_OBJECT || schema->kind == LEAT_LIST;
}

bool json_is_straight(const leat_schema *schema) {
    while (schema->kind == LEAT_LIST)
        schema = schema->elem;
    if (schema->kind != LEAT_OBJECT)
        return true;
    for (unsigned i = 0; i < schema->nfields; i++) {
        const leat_field *field = descriptor_field(schema, i);
        const struct leat_common_opts *opts = field->opts;
        if (opts->alias || opts->write_only || (holds_others(field->type) && !json_is_straight(field->type)))
            return false;
    }
    return true;
}

static void put_list(leat_json *writer, const void *list, const leat_schema *elem,
                     void (*put)(leat_json *, const leat_schema *, const void *)) {
    const struct descriptor_list *items = list;
    const char *item = items->items;
    if (json_room(writer, 1))
        *writer->cursor++ = '[';
    for (size_t i = 0; i < items->count && !writer->out_of_memory; i++, item += elem->bytes) {
        if (i && json_room(writer, 1))
            *writer->cursor++ = ',';
        put(writer, elem, item);
    }
    if (json_room(writer, 1))
        *writer->cursor++ = ']';
}

static void put_straight(leat_json *writer, const leat_schema *schema, const void *value) {
    schema->put(writer, value);
}

void leat_put_list(leat_json *writer, const void *list, const leat_schema *elem) {
    put_list(writer, list, elem, elem->put ? put_straight : put_value);
}

static void put_member(leat_json *writer, const leat_schema *schema, unsigned index, const char *object) {
    const leat_field *field = descriptor_field(schema, index);
    const struct leat_common_opts *opts = field->opts;
    if (opts->write_only)
        return;
    const char *name = opts->alias ? opts->alias : field->name;
    json_write_string(writer, str_of(name));
    json_put_bytes(writer, ":", 1);
    if (descriptor_is_null(schema, index, object))
        leat_put_null(writer);
    else
        put_value(writer, field->type, object + field->off);
}

static void put_object(leat_json *writer, const leat_schema *schema, const void *value) {
    leat_put_open(writer);
    for (unsigned i = 0; i < schema->nfields; i++)
        put_member(writer, schema, i, value);
    leat_put_close(writer);
}

static void put_value(leat_json *writer, const leat_schema *schema, const void *value) {
    switch ((enum leat_kind)schema->kind) {
    case LEAT_OBJECT:
        put_object(writer, schema, value);
        return;
    case LEAT_LIST:
        put_list(writer, value, schema->elem, put_value);
        return;
    case LEAT_ENUM: {
        unsigned ordinal;
        memcpy(&ordinal, value, sizeof ordinal);
        leat_put_label(writer, ordinal, schema->labels, schema->nfields);
        return;
    }
    default:
        if (schema->put)
            schema->put(writer, value);
        else
            leat_put_null(writer);
    }
}

void json_write(leat_json *writer, const leat_schema *schema, const void *value) {
    json_put_due_comma(writer);
    if (!json_is_straight(schema))
        put_value(writer, schema, value);
    else if (schema->kind == LEAT_LIST)
        leat_put_list(writer, value, schema->elem);
    else if (schema->put)
        schema->put(writer, value);
    else
        put_value(writer, schema, value);
}
