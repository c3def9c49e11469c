// text_read.c — names and values of a form, a query string, a header or the environment into structs, by the same tables as JSON.
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "schema/compiled.h"
#include "schema/json_read.h"
#include "schema/json_room.h"
#include "schema/list.h"

static bool is_clean(str text) {
    return !memchr(text.ptr ? text.ptr : "", 0, text.len) && utf8_is_valid(text);
}

// JSON within a text. What would be a 400 of a body is here a string that is none.
static int read_json(const struct rule *rule, const struct spot *spot, str text, void *out) {
    int error = json_read(rule, spot->reading, spot->location, text, out);
    return error == -EBADMSG ? rule_refuse(rule, spot, PROBLEM_STRING_UNICODE, NULL) : error;
}

static int read_text(const struct rule *rule, const struct reading *reading, const struct location *location, str text, void *out) {
    const struct spot spot = {reading, location, {INPUT_TEXT, text}};
    if (!is_clean(text))
        return rule_refuse(rule, &spot, PROBLEM_STRING_UNICODE, NULL);
    if (rule->kind == LEAT_JSON)
        return read_json(rule, &spot, text, out);
    return rule_take_text(rule, &spot, text, out);
}

// ---- lists: one item per value

static str json_of_texts(const str *values, size_t count, struct arena *arena) {
    leat_json writer;
    json_write_to_arena(&writer, arena);
    json_put_bytes(&writer, "[", 1);
    for (size_t i = 0; i < count; i++)
        json_write_string(&writer, values[i]);
    json_put_bytes(&writer, "]", 1);
    return writer.out_of_memory ? (str){0} : json_written(&writer);
}

static int read_items(const struct rule *rule, const struct spot *spot, const str *values, const struct descriptor_list *list) {
    int result = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct location location = {spot->location, {0}, i};
        int error = read_text(rule->list.item, spot->reading, &location, values[i], list_item(rule, list, i));
        if (error == -ENOMEM)
            return error;
        result = error ? error : result;
    }
    return result;
}

static int read_texts(const struct rule *rule, const struct reading *reading, const struct location *location, const str *values,
                      size_t count, void *out) {
    struct spot spot = {reading, location, {INPUT_JSON, json_of_texts(values, count, reading->arena)}};
    struct descriptor_list list;
    if (!spot.input.text.ptr)
        return -ENOMEM;
    int error = list_begin(rule, &spot, count, &list);
    if (!error)
        error = read_items(rule, &spot, values, &list);
    return error ? error : list_finish(rule, &spot, &list, out);
}

// ---- parameters

static str root_of_parameter(enum leat_in in) {
    switch (in) {
    case LEAT_IN_PATH:
        return S("path");
    case LEAT_IN_QUERY:
        return S("query");
    case LEAT_IN_HEADER:
        return S("header");
    default:
        return S("cookie");
    }
}

int parameter_read(const struct parameter *parameter, const struct reading *reading, const str *values, size_t count, void *out) {
    const struct member *member = &parameter->member;
    const struct location root = {.name = root_of_parameter(parameter->in)}, location = {&root, member->name, 0};
    if (!count)
        return member_take_absence(member, &(struct spot){reading, &location, {INPUT_NULL, {0}}}, out);
    if (member->rule.kind == LEAT_LIST)
        return read_texts(&member->rule, reading, &location, values, count, out);
    return read_text(&member->rule, reading, &location, values[count - 1], out);
}

// ---- models

struct pairs {
    const struct text_pair *pairs;
    size_t count;
};

// What the pairs hold for a member.
struct found {
    const struct text_pair *last;
    size_t count;
};

// One look at each pair, however many there are.
static void find_members(const struct model *model, const struct pairs *pairs, struct found *found) {
    memset(found, 0, model->count * sizeof *found);
    for (size_t i = 0; i < pairs->count; i++) {
        int index = lookup_find(&model->lookup, pairs->pairs[i].name);
        if (index == LOOKUP_NONE)
            continue;
        found[index].last = &pairs->pairs[i];
        found[index].count++;
    }
}

static int read_member_list(const struct member *member, const struct spot *spot, const struct pairs *pairs, size_t count, void *out) {
    str *values = arena_raw(spot->reading->arena, count * sizeof *values);
    size_t filled = 0;
    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < pairs->count; i++)
        if (str_eq(pairs->pairs[i].name, member->name))
            values[filled++] = pairs->pairs[i].value;
    return read_texts(&member->rule, spot->reading, spot->location, values, count, out);
}

// A variable of the environment holds its list as JSON: BACKEND_CORS_ORIGINS=["http://localhost:3000"].
static bool is_json_list(const struct spot *whole, const struct member *member, str value) {
    str trimmed_value = trimmed(value);
    return member->rule.kind == LEAT_LIST && str_eq(whole->location->name, S("settings")) && trimmed_value.len && *trimmed_value.ptr == '[';
}

static int read_member(const struct model *model, const struct member *member, const struct spot *whole, const struct pairs *pairs,
                       const struct found *found, char *object) {
    const struct location location = {whole->location, member->name, 0};
    const struct spot spot = {whole->reading, &location, whole->input};
    void *out = object + member->offset;
    if (member->is_read_only) {
        member_store_default(member, out);
        return 0;
    }
    if (!found->count)
        return member_take_absence(member, &spot, out);
    str value = found->last->value;
    model_mark_set(model, member, object);
    if (is_json_list(whole, member, value))
        return read_json(&member->rule, &(struct spot){whole->reading, &location, {INPUT_TEXT, value}}, value, out);
    if (member->rule.kind == LEAT_LIST)
        return read_member_list(member, &spot, pairs, found->count, out);
    return read_text(&member->rule, whole->reading, &location, value, out);
}

static bool is_missing(const struct model *model, const struct found *found) {
    for (unsigned i = 0; i < model->count; i++) {
        const struct member *member = &model->members[i];
        if (!found[i].count && !member->is_optional && !member->is_read_only && !member->otherwise.is_given)
            return true;
    }
    return false;
}

// What a query holds, as the object that FastAPI makes of it: the model's members first, then what is unknown, the last of a name.
static void put_pair(leat_json *writer, const struct pairs *pairs, str name, bool is_list) {
    const struct text_pair *last = NULL;
    json_write_string(writer, name);
    json_put_bytes(writer, is_list ? ":[" : ":", is_list ? 2 : 1);
    for (size_t i = 0; i < pairs->count; i++) {
        if (!str_eq(pairs->pairs[i].name, name))
            continue;
        last = &pairs->pairs[i];
        if (is_list)
            json_write_string(writer, last->value);
    }
    if (is_list)
        json_put_bytes(writer, "]", 1);
    else
        json_put_string(writer, last->value);
}

static bool is_first_of_its_name(const struct pairs *pairs, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (str_eq(pairs->pairs[i].name, pairs->pairs[index].name))
            return false;
    return true;
}

static str json_of_pairs(const struct model *model, const struct pairs *pairs, const struct found *found, struct arena *arena) {
    leat_json writer;
    json_write_to_arena(&writer, arena);
    json_put_bytes(&writer, "{", 1);
    for (unsigned i = 0; i < model->count; i++)
        if (found[i].count)
            put_pair(&writer, pairs, model->members[i].name, model->members[i].rule.kind == LEAT_LIST);
    for (size_t i = 0; i < pairs->count; i++)
        if (lookup_find(&model->lookup, pairs->pairs[i].name) == LOOKUP_NONE && is_first_of_its_name(pairs, i))
            put_pair(&writer, pairs, pairs->pairs[i].name, false);
    json_put_bytes(&writer, "}", 1);
    return writer.out_of_memory ? (str){0} : json_written(&writer);
}

enum { SHOWN_PAIRS_MAX = 100 }; // of more, none are shown: the search is quadratic

// What `missing` shows: null of a form and of the environment, as FastAPI does; the whole of a query.
static int input_of_pairs(const struct rule *rule, const struct reading *reading, const struct location *root, const struct pairs *pairs,
                          const struct found *found, struct input *ret_input) {
    bool is_query = !str_eq(root->name, S("body")) && !str_eq(root->name, S("settings"));
    *ret_input = (struct input){.kind = is_query && rule->is_withheld ? INPUT_WITHHELD : INPUT_NULL};
    if (!is_query || rule->is_withheld || pairs->count > SHOWN_PAIRS_MAX || (!is_missing(rule->model, found) && !rule->model->validators))
        return 0;
    *ret_input = (struct input){INPUT_JSON, json_of_pairs(rule->model, pairs, found, reading->arena)};
    return ret_input->text.ptr ? 0 : -ENOMEM;
}

int model_read_pairs(const struct model *model, const struct reading *reading, const struct location *root, const struct text_pair *pairs,
                     size_t count, void *out) {
    const struct rule *rule = &model->rule;
    const struct pairs all = {pairs, count};
    struct spot whole = {reading, root, {0}};
    if (rule->kind != LEAT_OBJECT) // model_compile_body() refuses such a declaration
        return rule_refuse_type(rule, &whole);
    struct found found[rule->model->count + 1];
    find_members(rule->model, &all, found);
    int result = input_of_pairs(rule, reading, root, &all, found, &whole.input);
    if (result)
        return result;
    for (unsigned i = 0; i < rule->model->count; i++) {
        int error = read_member(rule->model, &rule->model->members[i], &whole, &all, &found[i], out);
        if (error == -ENOMEM)
            return error;
        result = error ? error : result;
    }
    if (!result)
        result = model_validate(rule->model, &whole, out);
    return result ? result : rule_check(rule, &whole, out);
}

int model_refuse_text(const struct model *model, const struct reading *reading, const struct location *root, str text) {
    return rule_refuse_type(&model->rule, &(struct spot){reading, root, {INPUT_TEXT, text}});
}
