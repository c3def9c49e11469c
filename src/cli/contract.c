// contract.c — two OpenAPI documents compared: what of the newer one breaks a client of the older.
//
// What a client sends may only be asked for less strictly, what it is sent may only be promised more strictly: one walk over both schemas,
// with a direction.
#include "cli/contract.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

enum { DEPTH_MAX = 32 }; // of schemas
enum direction { SENT, ANSWERED };

struct comparison {
    const struct contract *contract;
    struct findings *findings;
    const json_t *old_document, *new_document;
    const char *method, *path; // of the operation that is looked at
    struct contract_place place;
    struct {
        const json_t *before, *now;
    } open[DEPTH_MAX]; // schemas from the outermost to the one that is looked at
};

static void say(struct comparison *c, enum level level, const char *where, const char *format, ...) __attribute__((format(printf, 4, 5)));
static void say(struct comparison *c, enum level level, const char *where, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(c->findings->arena, format, args);
    va_end(args);
    findings_add(c->findings, level, c->place.file, c->place.line, "%s %s: %s%s%s", c->method, c->path, where, *where ? " " : "",
                 text.ptr ? text.ptr : "");
}

static const char *below(struct comparison *c, const char *where, const char *name) {
    const char *text = arena_format(c->findings->arena, "%s%s%s", where, *where && *name != '[' ? "." : "", name).ptr;
    return text ? text : where;
}

// ---- schemas

static const json_t *resolve(const json_t *document, const json_t *schema) {
    static const char prefix[] = "#/components/schemas/";
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (!reference || strncmp(reference, prefix, sizeof prefix - 1) != 0)
        return schema;
    return json_object_get(json_object_get(json_object_get(document, "components"), "schemas"), reference + sizeof prefix - 1);
}

// A schema without its null: anyOf [X, null], or a list of types.
struct plain {
    const json_t *schema;
    const char *type; // NULL: any
    bool is_nullable, is_any_of;
};

static struct plain plain_of(const json_t *document, const json_t *schema) {
    struct plain plain = {.schema = resolve(document, schema)};
    const json_t *any = json_object_get(plain.schema, "anyOf"), *one;
    size_t index, others = 0;
    json_array_foreach(any, index, one) {
        const char *type = json_string_value(json_object_get(one, "type"));
        if (type && strcmp(type, "null") == 0) {
            plain.is_nullable = true;
        } else {
            plain.schema = others++ ? plain.schema : resolve(document, one);
        }
    }
    plain.is_any_of = others > 1;
    const json_t *type = json_object_get(plain.schema, "type");
    json_array_foreach(type, index, one) {
        bool is_null = strcmp(json_string_value(one) ? json_string_value(one) : "", "null") == 0;
        plain.is_nullable |= is_null;
        plain.type = is_null ? plain.type : json_string_value(one);
    }
    if (json_is_string(type))
        plain.type = json_string_value(type);
    return plain;
}

static bool is_in(const json_t *array, const json_t *value) {
    size_t index;
    const json_t *one;
    json_array_foreach(array, index, one) if (json_equal(one, value)) return true;
    return false;
}

static const char *dumped(struct comparison *c, const json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *copy = text ? arena_format(c->findings->arena, "%s", text).ptr : NULL;
    free(text);
    return copy ? copy : "?";
}

static void compare_enum(struct comparison *c, const char *where, const json_t *before, const json_t *now, enum direction direction) {
    const json_t *old_values = json_object_get(before, "enum"), *new_values = json_object_get(now, "enum"), *value;
    size_t index;
    if (direction == SENT && new_values && !old_values)
        say(c, LEVEL_ERROR, where, "took any value, and takes %s", dumped(c, new_values));
    if (direction == ANSWERED && old_values && !new_values)
        say(c, LEVEL_WARNING, where, "was one of %s, and may be anything", dumped(c, old_values));
    if (!old_values || !new_values)
        return;
    json_array_foreach(old_values, index, value) {
        if (direction == SENT && !is_in(new_values, value))
            say(c, LEVEL_ERROR, where, "does not take %s any more", dumped(c, value));
    }
    json_array_foreach(new_values, index, value) {
        if (direction == ANSWERED && !is_in(old_values, value))
            say(c, LEVEL_WARNING, where, "may be %s, which no client knows", dumped(c, value));
    }
}

static void compare_bound(struct comparison *c, const char *where, const json_t *before, const json_t *now, const char *name,
                          bool is_least) {
    const json_t *old_bound = json_object_get(before, name), *new_bound = json_object_get(now, name);
    if (!json_is_number(new_bound) || json_equal(old_bound, new_bound))
        return;
    double is = json_number_value(new_bound), was = json_number_value(old_bound);
    if (!old_bound)
        say(c, LEVEL_ERROR, where, "has %s %s, and had none", name, dumped(c, new_bound));
    else if (is_least ? is > was : is < was)
        say(c, LEVEL_ERROR, where, "has %s %s, and had %s", name, dumped(c, new_bound), dumped(c, old_bound));
}

static void compare_word(struct comparison *c, const char *where, const json_t *before, const json_t *now, const char *name,
                         enum direction direction) {
    const json_t *old_word = json_object_get(before, name), *new_word = json_object_get(now, name);
    bool is_looser = direction == SENT ? !new_word : !old_word;
    if (is_looser || json_equal(old_word, new_word))
        return;
    say(c, LEVEL_ERROR, where, "has %s %s, and had %s", name, new_word ? dumped(c, new_word) : "none",
        old_word ? dumped(c, old_word) : "none");
}

static void compare_bounds(struct comparison *c, const char *where, const json_t *before, const json_t *now, enum direction direction) {
    static const char *const least[] = {"minimum", "exclusiveMinimum", "minLength", "minItems"};
    static const char *const most[] = {"maximum", "exclusiveMaximum", "maxLength", "maxItems"};
    compare_word(c, where, before, now, "format", direction);
    if (direction != SENT)
        return;
    for (size_t i = 0; i < sizeof least / sizeof *least; i++)
        compare_bound(c, where, before, now, least[i], true);
    for (size_t i = 0; i < sizeof most / sizeof *most; i++)
        compare_bound(c, where, before, now, most[i], false);
    compare_word(c, where, before, now, "pattern", direction);
    compare_word(c, where, before, now, "multipleOf", direction);
}

static bool is_wider_number(const char *narrow, const char *wide) {
    return strcmp(narrow, "integer") == 0 && strcmp(wide, "number") == 0;
}

// False where there is nothing more to compare.
static bool compare_type(struct comparison *c, const char *where, const struct plain *before, const struct plain *now,
                         enum direction direction) {
    const char *was = before->type ? before->type : "anything", *is = now->type ? now->type : "anything";
    const char *narrow = direction == SENT ? was : is, *wide = direction == SENT ? is : was;
    if (direction == SENT ? before->is_nullable && !now->is_nullable : !before->is_nullable && now->is_nullable)
        say(c, LEVEL_ERROR, where, direction == SENT ? "does not take null any more" : "may be null");
    if (before->is_any_of || now->is_any_of) {
        if (!json_equal(before->schema, now->schema))
            say(c, LEVEL_WARNING, where, "is one of several kinds, which are not what they were");
        return false;
    }
    if (strcmp(was, is) == 0)
        return true;
    if (!is_wider_number(narrow, wide) && strcmp(wide, "anything") != 0)
        say(c, LEVEL_ERROR, where, "is %s, and was %s", is, was);
    return is_wider_number(narrow, wide);
}

static void compare_schemas(struct comparison *c, const char *where, const json_t *before, const json_t *now, enum direction direction,
                            unsigned depth);

static bool is_required(const json_t *schema, const char *name) {
    const json_t *required = json_object_get(schema, "required"), *one;
    size_t index;
    json_array_foreach(required, index, one) if (strcmp(json_string_value(one) ? json_string_value(one) : "", name) == 0) return true;
    return false;
}

static void compare_old_field(struct comparison *c, const char *where, const char *name, const json_t *before, const json_t *now,
                              enum direction direction, unsigned depth) {
    const json_t *was = json_object_get(json_object_get(before, "properties"), name);
    const json_t *is = json_object_get(json_object_get(now, "properties"), name);
    const char *field = below(c, where, name);
    bool was_required = is_required(before, name), is_required_now = is_required(now, name);
    if (!is && direction == ANSWERED)
        say(c, LEVEL_ERROR, field, "is gone");
    else if (!is)
        say(c, json_is_false(json_object_get(now, "additionalProperties")) ? LEVEL_ERROR : LEVEL_WARNING, field,
            "is not looked at any more");
    else if (direction == SENT && is_required_now && !was_required)
        say(c, LEVEL_ERROR, field, "is required, and was not");
    else if (direction == ANSWERED && was_required && !is_required_now)
        say(c, LEVEL_ERROR, field, "may be missing");
    if (is)
        compare_schemas(c, field, was, is, direction, depth + 1);
}

static void compare_fields(struct comparison *c, const char *where, const json_t *before, const json_t *now, enum direction direction,
                           unsigned depth) {
    const char *name;
    json_t *schema, *old_fields = json_object_get(before, "properties"), *new_fields = json_object_get(now, "properties");
    json_object_foreach(old_fields, name, schema) compare_old_field(c, where, name, before, now, direction, depth);
    json_object_foreach(new_fields, name, schema) {
        if (direction == SENT && !json_object_get(old_fields, name) && is_required(now, name))
            say(c, LEVEL_ERROR, below(c, where, name), "is required, and is new");
    }
    bool was_closed = json_is_false(json_object_get(before, "additionalProperties"));
    if (direction == SENT && !was_closed && json_is_false(json_object_get(now, "additionalProperties")))
        say(c, LEVEL_ERROR, where, "takes no fields but those it names any more");
}

// A schema that holds itself.
static bool is_open(const struct comparison *c, const json_t *before, const json_t *now, unsigned depth) {
    for (unsigned i = 0; i < depth; i++)
        if (c->open[i].before == before && c->open[i].now == now)
            return true;
    return false;
}

static void compare_schemas(struct comparison *c, const char *where, const json_t *before, const json_t *now, enum direction direction,
                            unsigned depth) {
    struct plain was = plain_of(c->old_document, before), is = plain_of(c->new_document, now);
    if (depth >= DEPTH_MAX || is_open(c, was.schema, is.schema, depth))
        return;
    c->open[depth].before = was.schema;
    c->open[depth].now = is.schema;
    if (!was.schema || !is.schema || !compare_type(c, where, &was, &is, direction))
        return;
    compare_enum(c, where, was.schema, is.schema, direction);
    compare_bounds(c, where, was.schema, is.schema, direction);
    compare_fields(c, where, was.schema, is.schema, direction, depth);
    const json_t *old_items = json_object_get(was.schema, "items"), *new_items = json_object_get(is.schema, "items");
    if (old_items && new_items)
        compare_schemas(c, below(c, where, "[]"), old_items, new_items, direction, depth + 1);
}

// ---- operations

static const json_t *parameter_of(const json_t *operation, const json_t *like) {
    const json_t *one;
    size_t index;
    json_array_foreach(json_object_get(operation, "parameters"), index, one) {
        bool is_same = json_equal(json_object_get(one, "name"), json_object_get(like, "name")) &&
                       json_equal(json_object_get(one, "in"), json_object_get(like, "in"));
        if (is_same)
            return one;
    }
    return NULL;
}

static const char *parameter_name(struct comparison *c, const json_t *parameter) {
    const char *in = json_string_value(json_object_get(parameter, "in")), *name = json_string_value(json_object_get(parameter, "name"));
    return below(c, in ? in : "?", name ? name : "?");
}

static void compare_parameters(struct comparison *c, const json_t *before, const json_t *now) {
    const json_t *one;
    size_t index;
    json_array_foreach(json_object_get(before, "parameters"), index, one) {
        const json_t *other = parameter_of(now, one);
        const char *name = parameter_name(c, one);
        if (!other) {
            say(c, LEVEL_WARNING, name, "is not looked at any more");
            continue;
        }
        if (json_is_true(json_object_get(other, "required")) && !json_is_true(json_object_get(one, "required")))
            say(c, LEVEL_ERROR, name, "is required, and was not");
        compare_schemas(c, name, json_object_get(one, "schema"), json_object_get(other, "schema"), SENT, 0);
    }
    json_array_foreach(json_object_get(now, "parameters"), index, one) {
        if (json_is_true(json_object_get(one, "required")) && !parameter_of(before, one))
            say(c, LEVEL_ERROR, parameter_name(c, one), "is required, and is new");
    }
}

static void compare_contents(struct comparison *c, const char *where, const json_t *before, const json_t *now, enum direction direction) {
    const char *type;
    json_t *media, *new_contents = json_object_get(now, "content");
    json_object_foreach(json_object_get(before, "content"), type, media) {
        const json_t *other = json_object_get(new_contents, type);
        if (!other)
            say(c, LEVEL_ERROR, where, direction == SENT ? "is not taken as %s any more" : "does not come as %s any more", type);
        else
            compare_schemas(c, where, json_object_get(media, "schema"), json_object_get(other, "schema"), direction, 0);
    }
}

static void compare_bodies(struct comparison *c, const json_t *before, const json_t *now) {
    const json_t *was = json_object_get(before, "requestBody"), *is = json_object_get(now, "requestBody");
    bool is_required_now = json_is_true(json_object_get(is, "required"));
    if (is_required_now && !json_is_true(json_object_get(was, "required")))
        say(c, LEVEL_ERROR, "body", "is required, and was not");
    if (was && !is)
        say(c, LEVEL_WARNING, "body", "is not looked at any more");
    if (was && is)
        compare_contents(c, "body", was, is, SENT);
}

static void compare_responses(struct comparison *c, const json_t *before, const json_t *now) {
    const char *status;
    json_t *response, *new_responses = json_object_get(now, "responses");
    json_object_foreach(json_object_get(before, "responses"), status, response) {
        const json_t *other = json_object_get(new_responses, status);
        bool is_failure = *status == '4' || *status == '5';
        if (other)
            compare_contents(c, status, response, other, ANSWERED);
        else
            say(c, is_failure ? LEVEL_WARNING : LEVEL_ERROR, status, "is not answered any more");
    }
}

// Any of a list of sets of schemes; an empty list, or none: nothing is asked for.
static void compare_security(struct comparison *c, const json_t *before, const json_t *now) {
    const json_t *was = json_object_get(before, "security"), *is = json_object_get(now, "security"), *one;
    size_t index;
    if (!json_array_size(is))
        return;
    if (!json_array_size(was)) {
        say(c, LEVEL_ERROR, "", "asks for %s, and did not ask who it was", dumped(c, is));
        return;
    }
    json_array_foreach(was, index, one) {
        if (!is_in(is, one))
            say(c, LEVEL_ERROR, "", "does not take %s any more", dumped(c, one));
    }
}

static void compare_operation(struct comparison *c, const json_t *before, const json_t *now) {
    compare_security(c, before, now);
    compare_parameters(c, before, now);
    compare_bodies(c, before, now);
    compare_responses(c, before, now);
}

// ---- documents

// {user_id} and {id} are the same place.
static bool is_same_path(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        if (*a != *b)
            return false;
        if (*a == '{') {
            a += strcspn(a, "}");
            b += strcspn(b, "}");
            if (!*a || !*b)
                return false;
        }
    }
    return *a == *b;
}

static const json_t *path_like(const json_t *document, const char *path, const char **ret_path) {
    const char *other;
    json_t *item, *paths = json_object_get(document, "paths");
    *ret_path = path;
    if (json_object_get(paths, path))
        return json_object_get(paths, path);
    json_object_foreach(paths, other, item) {
        *ret_path = other;
        if (is_same_path(path, other))
            return item;
    }
    return NULL;
}

static bool is_method(const char *word) {
    static const char *const words[] = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static const char *in_capitals(struct comparison *c, const char *word) {
    str text = arena_format(c->findings->arena, "%s", word);
    for (size_t i = 0; text.ptr && i < text.len; i++)
        ((char *)text.ptr)[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 'a' + 'A' : word[i]);
    return text.ptr ? text.ptr : word;
}

static void compare_path(struct comparison *c, const char *path, const json_t *before) {
    const char *word, *new_path;
    json_t *operation;
    const json_t *now = path_like(c->new_document, path, &new_path);
    json_object_foreach((json_t *)before, word, operation) {
        const json_t *other = json_object_get(now, word);
        if (!is_method(word))
            continue;
        c->method = in_capitals(c, word);
        c->path = path;
        c->place = (struct contract_place){c->contract->old_name, 0};
        if (!other) {
            say(c, LEVEL_ERROR, "", "is not served any more");
            continue;
        }
        c->place = c->contract->place(c->contract->arg, c->method, new_path);
        compare_operation(c, operation, other);
    }
}

static json_t *parse(str text, json_error_t *error) {
    return json_loadb(text.ptr, text.len, 0, error);
}

int contract_compare(const struct contract *contract, struct findings *findings) {
    json_error_t error = {0}, never;
    json_t *before = parse(contract->old_text, &error), *now = parse(contract->new_text, &never), *item;
    struct comparison comparison = {.contract = contract, .findings = findings, .old_document = before, .new_document = now};
    int status = !now ? -ENOMEM : json_is_object(json_object_get(before, "paths")) ? 0 : -EINVAL;
    const char *path;
    if (status == -EINVAL)
        findings_add(findings, LEVEL_ERROR, contract->old_name, error.line > 0 ? (unsigned)error.line : 0,
                     "this is no OpenAPI document%s%s", *error.text ? ": " : "", error.text);
    if (status == 0)
        json_object_foreach(json_object_get(before, "paths"), path, item) compare_path(&comparison, path, item);
    json_decref(before);
    json_decref(now);
    return status;
}
