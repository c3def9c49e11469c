// json_read.c — JSON into structs, by table.
//
// An object is scanned once, member by member, and only where each value stands is kept; when its end has been seen (the end of the text,
// for the outermost) the values are read in the order of the declaration. So a broken text is told before any field is judged, the last of
// two equal names wins, and no author's check sees a value of a text that is broken. What lies deeper is scanned again when it is its turn:
// as many times as schemas are nested, which the declaration decides, not the client.
#include "json_read.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "schema/compiled.h"
#include "schema/json_encoding.h"
#include "schema/json_raw.h"
#include "schema/json_scan.h"
#include "schema/json_string.h"
#include "schema/list.h"

static int read_value(const struct rule *rule, const struct reading *reading, const struct location *location, unsigned depth,
                      const struct json_token *token, void *out);

// ---- objects

// The member that a name in the text is for. `expected`: clients mostly send members in the order of their declaration.
static int find_member(const struct model *model, const struct json_token *name, unsigned expected) {
    str text = json_token_inner(name);
    if (!name->has_escape) {
        if (expected < model->count && model->members[expected].name.len == text.len &&
            memcmp(model->members[expected].name.ptr, text.ptr, text.len) == 0)
            return (int)expected;
        return lookup_find(&model->lookup, text);
    }
    for (unsigned i = 0; i < model->count; i++)
        if (json_string_is(name, model->members[i].name))
            return (int)i;
    return LOOKUP_NONE;
}

// Where the values of an object's members stand; `start` stays NULL for those that are absent.
static bool scan_members(const struct model *model, struct json_scan *scan, unsigned depth, struct json_token *slots) {
    bool is_first = true;
    int index = -1;
    struct json_token name, unknown;
    if (!json_scan_enter(scan, depth))
        return false;
    while (json_scan_next_member(scan, &is_first, &name)) {
        index = find_member(model, &name, (unsigned)(index + 1));
        if (!json_scan_value(scan, depth + 1, index == LOOKUP_NONE ? &unknown : &slots[index]))
            return false;
    }
    return !json_scan_has_failed(scan);
}

static int read_member(const struct model *model, const struct member *member, const struct spot *whole, unsigned depth,
                       const struct json_token *token, char *object) {
    const struct location location = {whole->location, member->name, 0};
    void *out = object + member->offset;
    if (member->is_read_only) {
        member_store_default(member, out);
        return 0;
    }
    if (!token->start)
        return member_take_absence(member, &(struct spot){whole->reading, &location, whole->input}, out);
    model_mark_set(model, member, object);
    if (token->kind == JSON_NULL && member->rule.is_nullable) {
        model_mark_null(model, member, object);
        return 0;
    }
    return read_value(&member->rule, whole->reading, &location, depth + 1, token, out);
}

static int read_members(const struct rule *rule, const struct spot *spot, unsigned depth, const struct json_token *slots, void *out) {
    const struct model *model = rule->model;
    struct spot whole = *spot;
    int result = 0;
    if (rule->is_withheld)
        input_withhold(&whole.input);
    for (unsigned i = 0; i < model->count; i++) {
        int error = read_member(model, &model->members[i], &whole, depth, &slots[i], out);
        if (error == -ENOMEM)
            return error;
        result = error ? error : result;
    }
    if (!result)
        result = model_validate(model, &whole, out);
    return result ? result : rule_check(rule, &whole, out);
}

// The object at the cursor of `scan`, which moves behind it.
static int read_object(const struct rule *rule, const struct reading *reading, const struct location *location, unsigned depth,
                       struct json_scan *scan, void *out) {
    struct json_token slots[rule->model->count + 1];
    const char *start = scan->cursor;
    memset(slots, 0, sizeof slots);
    bool is_whole = scan_members(rule->model, scan, depth, slots);
    assert(is_whole); // it was scanned with what is around it
    str text = {start, (size_t)(scan->cursor - start)};
    return read_members(rule, &(struct spot){reading, location, {INPUT_JSON, text}}, depth, slots, out);
}

// ---- lists

static size_t count_items(const struct json_token *token, unsigned depth) {
    struct json_scan scan;
    struct json_token item;
    bool is_first = true;
    size_t count = 0;
    json_scan_init(&scan, json_token_text(token));
    json_scan_enter(&scan, depth);
    for (; json_scan_next_item(&scan, &is_first); count++)
        json_scan_value(&scan, depth + 1, &item);
    assert(!json_scan_has_failed(&scan));
    return count;
}

// The value at the cursor: an object is scanned no more than once for it.
static int read_item(const struct rule *rule, const struct reading *reading, const struct location *location, unsigned depth,
                     struct json_scan *scan, void *out) {
    struct json_token value;
    if (rule->kind == LEAT_OBJECT && *scan->cursor == '{') {
        int error = read_object(rule, reading, location, depth, scan, out);
        json_scan_skip_blanks(scan);
        return error;
    }
    json_scan_value(scan, depth, &value);
    return read_value(rule, reading, location, depth, &value, out);
}

static int read_items(const struct rule *rule, const struct spot *spot, unsigned depth, const struct json_token *token,
                      const struct descriptor_list *list) {
    struct json_scan scan;
    bool is_first = true;
    int result = 0;
    json_scan_init(&scan, json_token_text(token));
    json_scan_enter(&scan, depth);
    for (size_t i = 0; i < list->count; i++) {
        const struct location location = {spot->location, {0}, i};
        json_scan_next_item(&scan, &is_first);
        int error = read_item(rule->list.item, spot->reading, &location, depth + 1, &scan, list_item(rule, list, i));
        if (error == -ENOMEM)
            return error;
        result = error ? error : result;
    }
    return result;
}

static int read_list(const struct rule *rule, const struct spot *spot, unsigned depth, const struct json_token *token, void *out) {
    struct descriptor_list list;
    int error = list_begin(rule, spot, count_items(token, depth), &list);
    if (!error)
        error = read_items(rule, spot, depth, token, &list);
    return error ? error : list_finish(rule, spot, &list, out);
}

// ---- single values

static int read_string(const struct rule *rule, const struct spot *spot, const struct json_token *token, void *out) {
    str text;
    if (rule->kind == LEAT_OBJECT || rule->kind == LEAT_LIST)
        return rule_refuse_type(rule, spot);
    int error = json_string_decode(token, spot->reading->arena, &text);
    if (error == -EILSEQ)
        return rule_refuse(rule, spot, PROBLEM_STRING_UNICODE, NULL);
    return error ? error : rule_take_text(rule, spot, text, out);
}

static int read_integer(const struct rule *rule, const struct spot *spot, const struct json_token *token, void *out) {
    struct numeral numeral = numeral_of_json(json_token_text(token));
    return rule_take_numeral(rule, spot, &numeral, out);
}

static int read_real(const struct rule *rule, const struct spot *spot, const struct json_token *token, void *out) {
    double value;
    int error = f64_of_number(json_token_text(token), spot->reading->arena, &value);
    return error ? error : rule_take_real(rule, spot, value, out);
}

static int read_raw(const struct rule *rule, const struct spot *spot, const struct json_token *token, void *out) {
    str raw = json_token_text(token);
    switch (json_raw_fault_of(raw)) {
    case JSON_RAW_TEXT:
        return rule_refuse(rule, spot, PROBLEM_STRING_UNICODE, NULL);
    case JSON_RAW_NUMBER:
        return rule_refuse(rule, spot, PROBLEM_FINITE_NUMBER, NULL);
    case JSON_RAW_GOOD:
        break;
    }
    *(json_value *)out = (json_value){raw};
    return rule_check(rule, spot, out);
}

static int read_value(const struct rule *rule, const struct reading *reading, const struct location *location, unsigned depth,
                      const struct json_token *token, void *out) {
    const struct spot spot = {reading, location, {INPUT_JSON, json_token_text(token)}};
    struct json_scan scan;
    if (rule->kind == LEAT_JSON)
        return read_raw(rule, &spot, token, out);
    switch ((enum json_kind)token->kind) {
    case JSON_STRING:
        return read_string(rule, &spot, token, out);
    case JSON_INTEGER:
        return read_integer(rule, &spot, token, out);
    case JSON_REAL:
        return read_real(rule, &spot, token, out);
    case JSON_TRUE:
    case JSON_FALSE:
        return rule_take_bool(rule, &spot, token->kind == JSON_TRUE, out);
    case JSON_OBJECT:
        if (rule->kind != LEAT_OBJECT)
            return rule_refuse_type(rule, &spot);
        json_scan_init(&scan, spot.input.text);
        return read_object(rule, reading, location, depth, &scan, out);
    case JSON_ARRAY:
        return rule->kind == LEAT_LIST ? read_list(rule, &spot, depth, token, out) : rule_refuse_type(rule, &spot);
    case JSON_NULL:
        break;
    }
    return rule_refuse_type(rule, &spot);
}

// ---- the whole text

// Python decodes before it parses: bytes that are no UTF-8 anywhere come before whatever else is wrong.
static int refuse_scan(const struct json_scan *scan, const struct reading *reading, const struct location *location) {
    if (scan->is_undecodable || !utf8_is_valid((str){scan->start, (size_t)(scan->end - scan->start)}))
        return -EBADMSG;
    size_t position = utf8_count((str){scan->start, (size_t)(scan->error_at - scan->start)});
    const struct location at = {location, {0}, position};
    str error = str_of(scan->error);
    return problems_add(reading->problems, PROBLEM_JSON_INVALID, &at, (struct input){.kind = INPUT_EMPTY_OBJECT}, &DETAIL_OF_TEXT(error));
}

static int read_whole_object(const struct rule *rule, const struct reading *reading, const struct location *location,
                             struct json_scan *scan, void *out) {
    struct json_token slots[rule->model->count + 1];
    const char *start = scan->cursor;
    memset(slots, 0, sizeof slots);
    if (!scan_members(rule->model, scan, 0, slots))
        return refuse_scan(scan, reading, location);
    str text = {start, (size_t)(scan->cursor - start)};
    json_scan_skip_blanks(scan);
    if (!json_scan_end(scan))
        return refuse_scan(scan, reading, location);
    return read_members(rule, &(struct spot){reading, location, {INPUT_JSON, text}}, 0, slots, out);
}

static int read_whole(const struct rule *rule, const struct reading *reading, const struct location *location, struct json_scan *scan,
                      void *out) {
    struct json_token token;
    if (!json_scan_value(scan, 0, &token) || !json_scan_end(scan))
        return refuse_scan(scan, reading, location);
    if (token.kind == JSON_NULL && !rule->is_nullable)
        return problems_add(reading->problems, PROBLEM_MISSING, location, (struct input){.kind = INPUT_NULL}, NULL);
    return read_value(rule, reading, location, 0, &token, out);
}

// A scan at the first byte of what there is to scan.
static int open_scan(struct json_scan *scan, const struct reading *reading, const struct location *location, str text) {
    int error = json_encoding_to_utf8(text, reading->arena, &text);
    if (error)
        return error == -EILSEQ ? -EBADMSG : error;
    if (!text.len)
        return problems_add(reading->problems, PROBLEM_MISSING, location, (struct input){.kind = INPUT_NULL}, NULL);
    json_scan_init(scan, text);
    json_scan_skip_blanks(scan);
    return 0;
}

int json_read(const struct rule *rule, const struct reading *reading, const struct location *location, str text, void *out) {
    struct json_scan scan;
    int error = open_scan(&scan, reading, location, text);
    if (error)
        return error;
    if (rule->kind == LEAT_OBJECT && scan.cursor < scan.end && *scan.cursor == '{')
        return read_whole_object(rule, reading, location, &scan, out);
    return read_whole(rule, reading, location, &scan, out);
}

int model_read_json(const struct model *model, const struct reading *reading, const struct location *root, str text, void *out) {
    return json_read(&model->rule, reading, root, text, out);
}
