// conformance.c — the OpenAPI document as a judge: is this value what a schema says, is this answer what an operation says?
//
// JSON Schema (draft 2020-12) as far as our documents use it. Stricter in one point: an object holds no member that its schema does not
// name, as otherwise a password hash in an answer would be fine.
#include "conformance.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/snapshot_internal.h"
#include "base/utf8.h"
#include "schema/pattern.h"
#include "testing/json_view.h"

int document_open(struct document *document, struct test_app *a) {
    *document = (struct document){a, json_view(a->plugins->snapshot->document)};
    return document->root ? 0 : -EINVAL;
}

void document_close(struct document *document) {
    json_decref(document->root);
}

json_t *document_resolve(const struct document *document, json_t *schema) {
    static const char components[] = "#/components/schemas/";
    for (unsigned depth = 0; depth < SCHEMA_DEPTH_MAX; depth++) {
        const char *reference = json_string_value(json_object_get(schema, "$ref"));
        if (!reference || strncmp(reference, components, sizeof components - 1) != 0)
            return schema;
        schema =
            json_object_get(json_object_get(json_object_get(document->root, "components"), "schemas"), reference + sizeof components - 1);
    }
    return NULL;
}

// ---- operations

// How many segments of `path` are literally the template's; -1: it does not match.
static int match(const char *template, const char *path) {
    int literal = 0;
    for (;;) {
        size_t wanted = strcspn(template + 1, "/"), there = strcspn(path + 1, "/?");
        bool is_parameter = template[1] == '{';
        if (!is_parameter && (wanted != there || strncmp(template + 1, path + 1, wanted) != 0))
            return -1;
        if (is_parameter && !there)
            return -1;
        literal += !is_parameter;
        template += 1 + wanted;
        path += 1 + there;
        if (*template != '/' || *path != '/')
            return *template == '\0' && (*path == '\0' || *path == '?') ? literal : -1;
    }
}

json_t *document_operation(const struct document *document, const char *method, const char *path) {
    char lower[16] = "";
    for (size_t i = 0; method[i] && i + 1 < sizeof lower; i++)
        lower[i] = (char)(method[i] | 0x20);
    json_t *best = NULL, *item;
    const char *template;
    int best_literal = -1;
    json_object_foreach(json_object_get(document->root, "paths"), template, item) {
        int literal = match(template, path);
        if (literal > best_literal) {
            best_literal = literal;
            best = item;
        }
    }
    return json_object_get(best, lower);
}

// ---- values

struct judging {
    const struct document *document;
    const char *where; // "items[3].title"
    unsigned depth;
};

static const char *judge(struct judging judging, json_t *schema, const json_t *value);

static const char *misfit(const struct judging *judging, const char *what) {
    return text_of(judging->document->a, "%s: %s", *judging->where ? judging->where : "the whole", what);
}

static bool is_of_type(const char *type, const json_t *value) {
    static const struct {
        const char *name;
        json_type type;
    } types[] = {{"string", JSON_STRING}, {"object", JSON_OBJECT}, {"array", JSON_ARRAY}, {"null", JSON_NULL}, {"integer", JSON_INTEGER}};
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i].name) == 0)
            return json_typeof(value) == types[i].type;
    return false;
}

static size_t code_points(const char *text, size_t bytes) {
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += (text[i] & 0xC0) != 0x80;
    return count;
}

static bool has_pattern(const char *expression, str text) {
    struct pattern *pattern;
    char problem[PATTERN_PROBLEM_BYTES];
    if (pattern_create(expression, &pattern, problem) < 0)
        return false;
    bool matches = pattern_matches(pattern, text);
    pattern_destroy(pattern);
    return matches;
}

// "2026-11-20T08:32:43.012073Z", RFC 3339.
static bool is_date_time(str text) {
    return has_pattern("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$", text);
}

static const char *judge_format(const struct judging *judging, const char *format, str text) {
    uuid id;
    if (strcmp(format, "uuid") == 0 && !uuid_parse(text, &id))
        return misfit(judging, "is no UUID");
    if (strcmp(format, "date-time") == 0 && !is_date_time(text))
        return misfit(judging, "is no date and time of RFC 3339");
    if (strcmp(format, "email") == 0 && !has_pattern("^[^@]+@[^@]+$", text))
        return misfit(judging, "is no email address");
    return NULL;
}

static const char *judge_string(const struct judging *judging, json_t *schema, const json_t *value) {
    str text = {json_string_value(value), json_string_length(value)};
    json_t *most = json_object_get(schema, "maxLength"), *least = json_object_get(schema, "minLength");
    json_int_t length = (json_int_t)code_points(text.ptr, text.len);
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    if ((most && length > json_integer_value(most)) || length < json_integer_value(least))
        return misfit(judging, "is too long or too short");
    if (pattern && !has_pattern(pattern, text))
        return misfit(judging, "does not match its pattern");
    return format ? judge_format(judging, format, text) : NULL;
}

static const char *judge_number(const struct judging *judging, json_t *schema, const json_t *value) {
    double number = json_number_value(value), step = json_number_value(json_object_get(schema, "multipleOf"));
    json_t *ge = json_object_get(schema, "minimum"), *gt = json_object_get(schema, "exclusiveMinimum");
    json_t *le = json_object_get(schema, "maximum"), *lt = json_object_get(schema, "exclusiveMaximum");
    bool is_within = (!ge || number >= json_number_value(ge)) && (!gt || number > json_number_value(gt)) &&
                     (!le || number <= json_number_value(le)) && (!lt || number < json_number_value(lt));
    if (!is_within)
        return misfit(judging, "is out of its bounds");
    return step != 0 && fabs(remainder(number, step)) > 1e-9 ? misfit(judging, "is no multiple of its step") : NULL;
}

static const char *judge_array(struct judging judging, json_t *schema, const json_t *value) {
    json_t *items = json_object_get(schema, "items"), *most = json_object_get(schema, "maxItems");
    const char *where = judging.where;
    if ((most && (json_int_t)json_array_size(value) > json_integer_value(most)) ||
        (json_int_t)json_array_size(value) < json_integer_value(json_object_get(schema, "minItems")))
        return misfit(&judging, "has too many items or too few");
    for (size_t i = 0; items && i < json_array_size(value); i++) {
        judging.where = text_of(judging.document->a, "%s[%zu]", where, i);
        const char *why = judge(judging, items, json_array_get(value, i));
        if (why)
            return why;
    }
    return NULL;
}

static const char *judge_object(struct judging judging, json_t *schema, const json_t *value) {
    json_t *properties = json_object_get(schema, "properties"), *name, *member;
    const char *where = judging.where, *key;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, name) {
        if (!json_object_get(value, json_string_value(name)))
            return misfit(&judging, text_of(judging.document->a, "lacks '%s'", json_string_value(name)));
    }
    json_object_foreach((json_t *)value, key, member) {
        json_t *of_member = json_object_get(properties, key);
        if (!of_member && properties && !json_object_get(schema, "additionalProperties"))
            return misfit(&judging, text_of(judging.document->a, "has '%s', which its schema does not name", key));
        judging.where = text_of(judging.document->a, "%s%s%s", where, *where ? "." : "", key);
        const char *why = of_member ? judge(judging, of_member, member) : NULL;
        if (why)
            return why;
    }
    return NULL;
}

static const char *judge_any_of(struct judging judging, json_t *choices, const json_t *value) {
    const char *why = NULL;
    json_t *choice;
    size_t i;
    json_array_foreach(choices, i, choice) {
        const char *of_this = judge(judging, choice, value);
        if (!of_this)
            return NULL;
        why = why ? why : of_this;
    }
    return why;
}

static const char *judge(struct judging judging, json_t *schema, const json_t *value) {
    if (judging.depth++ == SCHEMA_DEPTH_MAX)
        return misfit(&judging, "is nested too deep");
    schema = document_resolve(judging.document, schema);
    if (!schema)
        return misfit(&judging, "has a schema that the document does not hold");
    json_t *any_of = json_object_get(schema, "anyOf"), *labels = json_object_get(schema, "enum"), *label;
    const char *type = json_string_value(json_object_get(schema, "type"));
    if (any_of)
        return judge_any_of(judging, any_of, value);
    if (type && !is_of_type(type, value))
        return misfit(&judging, text_of(judging.document->a, "is no %s", type));
    bool is_label = !labels;
    size_t i;
    json_array_foreach(labels, i, label) {
        is_label |= json_equal(label, value);
    }
    if (!is_label)
        return misfit(&judging, "is none of its enum");
    if (json_is_string(value))
        return judge_string(&judging, schema, value);
    if (json_is_number(value))
        return judge_number(&judging, schema, value);
    if (json_is_array(value))
        return judge_array(judging, schema, value);
    return json_is_object(value) ? judge_object(judging, schema, value) : NULL;
}

const char *document_misfit(const struct document *document, json_t *schema, const json_t *value) {
    return judge((struct judging){.document = document, .where = ""}, schema, value);
}

// ---- answers

// Of an answer that no schema describes: is it of a type that its route .produces?
static const char *judge_type(const struct document *document, json_t *content, str type) {
    const char *named, *semicolon = type.len ? memchr(type.ptr, ';', type.len) : NULL;
    size_t bytes = semicolon ? (size_t)(semicolon - type.ptr) : type.len;
    json_t *one;
    json_object_foreach(content, named, one) {
        bool is_any = strcmp(named, "*/*") == 0 || strcmp(named, "application/octet-stream") == 0; // or a file's own type
        if (is_any || (strlen(named) == bytes && strncasecmp(named, type.ptr, bytes) == 0))
            return NULL;
    }
    return text_of(document->a, "the Content-Type is '%.*s', which the document does not say", (int)type.len, type.ptr ? type.ptr : "");
}

static const char *judge_body(const struct document *document, json_t *content, const answer *x) {
    str type = header_at(x, "Content-Type");
    json_t *json = json_object_get(content, "application/json");
    if (!json || json_object_size(content) > 1)
        return judge_type(document, content, type);
    if (type.len < 16 || strncasecmp(type.ptr, "application/json", 16) != 0)
        return "the Content-Type is not application/json, as the document says";
    json_t *value = json_view(x->body);
    const char *why = value ? document_misfit(document, json_object_get(json, "schema"), value) : "the body is no JSON";
    json_decref(value);
    return why;
}

const char *document_judge(const struct document *document, json_t *operation, const answer *x) {
    json_t *response = json_object_get(json_object_get(operation, "responses"), text_of(document->a, "%d", x->status));
    if (!response)
        return text_of(document->a, "the document has no status %d for this operation", x->status);
    json_t *content = json_object_get(response, "content");
    if (!content && x->status == 204 && x->body.len)
        return "a 204 has a body";
    return content ? judge_body(document, content, x) : NULL;
}
