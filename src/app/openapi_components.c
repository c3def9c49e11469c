// openapi_components.c — JSON Schema (draft 2020-12) of values, and the named ones among them.
#include "openapi_components.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "schema/default.h"
#include "schema/json_room.h"

// ---- pieces of JSON

void json_key(leat_json *writer, const char *name) {
    char key[160];
    int bytes = snprintf(key, sizeof key, "\"%.150s\":", name);
    leat_put_key(writer, key, (size_t)bytes);
}

void json_put_text(leat_json *writer, const char *text) {
    json_write_string(writer, str_of(text));
}

void json_pair(leat_json *writer, const char *name, const char *text) {
    json_key(writer, name);
    json_put_text(writer, text);
}

void json_pair_raw(leat_json *writer, const char *name, const char *json) {
    json_key(writer, name);
    json_write_raw(writer, str_of(json));
}

void json_tail(leat_json *writer, const char *text) {
    json_put_bytes(writer, text, strlen(text));
}

void json_object_open(leat_json *writer) {
    json_put_due_comma(writer);
    leat_put_open(writer);
}

void json_list_open(leat_json *writer) {
    json_put_due_comma(writer);
    json_put_bytes(writer, "[", 1);
}

void json_list_close(leat_json *writer) {
    json_put_bytes(writer, "]", 1);
}

static void pair_i64(leat_json *writer, const char *name, i64 value) {
    json_key(writer, name);
    i64__put(writer, &value);
}

static void pair_f64(leat_json *writer, const char *name, f64 value) {
    json_key(writer, name);
    f64__put(writer, &value);
}

static void pair_true(leat_json *writer, const char *name, bool value) {
    if (!value)
        return;
    json_key(writer, name);
    json_put_bytes(writer, "true", 4);
}

// "user_id" is titled "User Id".
void json_title(leat_json *writer, const char *name) {
    char title[128];
    size_t n = 0;
    for (bool begins = true; *name && n < sizeof title - 1; name++) {
        char c = *name == '_' ? ' ' : *name;
        title[n++] = begins ? (char)toupper((unsigned char)c) : c;
        begins = c == ' ';
    }
    json_key(writer, "title");
    json_write_string(writer, (str){title, n});
}

// ---- names

static bool is_same_shape(const leat_schema *a, const leat_schema *b) {
    if (a == b)
        return true;
    if (a->kind != b->kind || a->nfields != b->nfields || a->bytes != b->bytes)
        return false;
    for (unsigned i = 0; a->kind == LEAT_OBJECT && i < a->nfields; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 || strcmp(a->fields[i].type->name, b->fields[i].type->name) != 0)
            return false;
    for (unsigned i = 0; a->kind == LEAT_ENUM && i < a->nfields; i++)
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    return true;
}

// A header's schema is another object in every file: what has the same name and shape is one. What only shares the name gets its plugin's
// before it.
static const char *name_of(struct components *components, const leat_schema *schema) {
    const char *name = schema->name;
    for (unsigned i = 0; i < components->count; i++) {
        if (is_same_shape(components->schemas[i], schema) && strcmp(components->schemas[i]->name, schema->name) == 0)
            return components->names[i];
        if (strcmp(components->names[i], name) == 0)
            name = arena_format(components->arena, "%s__%s", components->plugin, schema->name).ptr;
    }
    if (components->count == COMPONENTS_MAX || !name)
        return schema->name;
    unsigned index = components->count++;
    components->schemas[index] = schema;
    components->plugins[index] = components->plugin;
    return components->names[index] = name;
}

// ---- values

static void put_str_opts(leat_json *writer, const str__opts *opts) {
    static const char *const formats[] = {[EMAIL] = "email", [URL] = "uri", [HOSTNAME] = "hostname", [IPV4] = "ipv4", [IPV6] = "ipv6"};
    if (opts->max_length)
        pair_i64(writer, "maxLength", opts->max_length);
    if (opts->min_length)
        pair_i64(writer, "minLength", opts->min_length);
    if (opts->pattern)
        json_pair(writer, "pattern", opts->pattern);
    if (opts->format == BASE64)
        json_pair(writer, "contentEncoding", "base64");
    else if (opts->format < sizeof formats / sizeof *formats && formats[opts->format])
        json_pair(writer, "format", formats[opts->format]);
    else if (opts->secret)
        json_pair(writer, "format", "password");
}

#define PUT_BOUNDS(writer, opts, low, high, put)                                                                                           \
    do {                                                                                                                                   \
        if ((opts)->ge != (low))                                                                                                           \
            put(writer, "minimum", (opts)->ge);                                                                                            \
        if ((opts)->gt != (low))                                                                                                           \
            put(writer, "exclusiveMinimum", (opts)->gt);                                                                                   \
        if ((opts)->le != (high))                                                                                                          \
            put(writer, "maximum", (opts)->le);                                                                                            \
        if ((opts)->lt != (high))                                                                                                          \
            put(writer, "exclusiveMaximum", (opts)->lt);                                                                                   \
        if ((opts)->multiple_of != 0)                                                                                                      \
            put(writer, "multipleOf", (opts)->multiple_of);                                                                                \
    } while (0)

static const struct {
    const char *type, *format;
} types[] = {
    [LEAT_STR] = {"string", NULL},         [LEAT_I32] = {"integer", "int32"}, [LEAT_I64] = {"integer", NULL},
    [LEAT_F64] = {"number", NULL},         [LEAT_BOOL] = {"boolean", NULL},   [LEAT_UUID] = {"string", "uuid"},
    [LEAT_TIME] = {"string", "date-time"},
};

static void put_value_opts(leat_json *writer, enum leat_kind kind, const void *opts) {
    switch (kind) {
    case LEAT_STR:
        return put_str_opts(writer, opts);
    case LEAT_I32:
        PUT_BOUNDS(writer, (const i32__opts *)opts, INT32_MIN, INT32_MAX, pair_i64);
        return;
    case LEAT_I64:
        PUT_BOUNDS(writer, (const i64__opts *)opts, INT64_MIN, INT64_MAX, pair_i64);
        return;
    case LEAT_F64:
        PUT_BOUNDS(writer, (const f64__opts *)opts, -INFINITY, INFINITY, pair_f64);
        return;
    default:
        return;
    }
}

static void put_list(struct components *components, leat_json *writer, const leat_schema *schema, const void *opts) {
    const str_list__opts *list = opts; // every list's options are alike
    json_key(writer, "items");
    component_write(components, writer, schema->elem, NULL, NULL);
    json_pair(writer, "type", "array");
    if (list && list->max_items)
        pair_i64(writer, "maxItems", list->max_items);
    if (list && list->min_items)
        pair_i64(writer, "minItems", list->min_items);
}

static void put_reference(struct components *components, leat_json *writer, const leat_schema *schema) {
    char reference[256];
    snprintf(reference, sizeof reference, "#/components/schemas/%s", name_of(components, schema));
    json_pair(writer, "$ref", reference);
}

static void put_default(leat_json *writer, const leat_schema *schema, const void *opts) {
    struct default_value value = default_of(schema, opts);
    if (!value.is_given)
        return;
    json_key(writer, "default");
    switch (schema->kind) {
    case LEAT_STR:
        return json_write_string(writer, value.text);
    case LEAT_I32:
    case LEAT_I64:
        return i64__put(writer, &value.integer);
    case LEAT_F64:
        return f64__put(writer, &value.real);
    case LEAT_BOOL:
        return json_write_raw(writer, value.truth ? S("true") : S("false"));
    default:
        json_put_text(writer, schema->labels[value.ordinal - 1]);
    }
}

static void put_type(struct components *components, leat_json *writer, const leat_schema *schema, const void *opts) {
    if (schema->kind == LEAT_OBJECT || schema->kind == LEAT_ENUM) {
        put_reference(components, writer, schema);
    } else if (schema->kind == LEAT_LIST) {
        put_list(components, writer, schema, opts);
    } else if (schema->kind != LEAT_JSON) { // that is anything
        json_pair(writer, "type", types[schema->kind].type);
        if (types[schema->kind].format)
            json_pair(writer, "format", types[schema->kind].format);
        if (opts)
            put_value_opts(writer, schema->kind, opts);
    }
    put_default(writer, schema, opts);
}

static void put_common(leat_json *writer, const struct leat_common_opts *common, const char *title) {
    if (common && common->title)
        json_pair(writer, "title", common->title);
    else if (title)
        json_title(writer, title);
    if (!common)
        return;
    if (common->description)
        json_pair(writer, "description", common->description);
    if (common->example) {
        json_key(writer, "examples");
        json_list_open(writer);
        json_put_text(writer, common->example);
        json_list_close(writer);
    }
    pair_true(writer, "deprecated", common->deprecated);
    pair_true(writer, "readOnly", common->read_only);
    pair_true(writer, "writeOnly", common->write_only);
}

void component_write(struct components *components, leat_json *writer, const leat_schema *schema, const void *opts, const char *title) {
    const struct leat_common_opts *common = opts;
    bool is_reference = schema->kind == LEAT_OBJECT || schema->kind == LEAT_ENUM;
    leat_put_open(writer);
    if (common && common->nullable) {
        json_key(writer, "anyOf");
        json_list_open(writer);
        json_object_open(writer);
        put_type(components, writer, schema, opts);
        leat_put_close(writer);
        json_write_raw(writer, S("{\"type\":\"null\"}"));
        json_list_close(writer);
    } else {
        put_type(components, writer, schema, opts);
    }
    put_common(writer, common, is_reference ? NULL : title);
    leat_put_close(writer);
}

bool component_is_required(const leat_schema *type, const void *opts) {
    return !opts || (!((const struct leat_common_opts *)opts)->optional && !default_of(type, opts).is_given);
}

// ---- components

static const char *wire_name(const leat_field *field) {
    const struct leat_common_opts *common = field->opts;
    return common && common->alias ? common->alias : field->name;
}

bool component_has_required(const leat_schema *schema) {
    for (unsigned i = 0; i < schema->nfields && !schema->partial; i++)
        if (component_is_required(schema->fields[i].type, schema->fields[i].opts))
            return true;
    return false;
}

void component_required_names(leat_json *writer, const leat_schema *schema) {
    for (unsigned i = 0; i < schema->nfields && !schema->partial; i++)
        if (component_is_required(schema->fields[i].type, schema->fields[i].opts))
            json_put_text(writer, wire_name(&schema->fields[i]));
}

void component_properties(struct components *components, leat_json *writer, const leat_schema *schema) {
    for (unsigned i = 0; i < schema->nfields; i++) {
        const leat_field *field = &schema->fields[i];
        json_key(writer, wire_name(field));
        component_write(components, writer, field->type, field->opts, wire_name(field));
    }
}

static void put_object(struct components *components, leat_json *writer, const leat_schema *schema) {
    json_key(writer, "properties");
    leat_put_open(writer);
    component_properties(components, writer, schema);
    leat_put_close(writer);
    json_pair(writer, "type", "object");
    if (!component_has_required(schema))
        return;
    json_key(writer, "required");
    json_list_open(writer);
    component_required_names(writer, schema);
    json_list_close(writer);
}

static void put_enum(leat_json *writer, const leat_schema *schema) {
    json_pair(writer, "type", "string");
    json_key(writer, "enum");
    json_list_open(writer);
    for (unsigned i = 0; i < schema->nfields; i++)
        json_put_text(writer, schema->labels[i]);
    json_list_close(writer);
}

void components_write(struct components *components, leat_json *writer) {
    for (unsigned i = 0; i < components->count; i++) { // the list grows while it is walked
        const leat_schema *schema = components->schemas[i];
        components->plugin = components->plugins[i];
        json_key(writer, components->names[i]);
        leat_put_open(writer);
        if (schema->kind == LEAT_ENUM)
            put_enum(writer, schema);
        else
            put_object(components, writer, schema);
        json_pair(writer, "title", components->names[i]);
        leat_put_close(writer);
    }
}
