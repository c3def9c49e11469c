// intake_check.c — what a route says of its files, held against what has come: in Pydantic's words, where it has some.
#include "intake_check.h"

#include <string.h>

#include "base/str.h"
#include "http/characters.h"
#include "intake.h"

static const struct location body = {.name = S("body")};

str intake_name(const leat_param *param) {
    const struct leat_file_opts *options = param->opts;
    return str_of(options->alias ? options->alias : param->name);
}

static bool refuse(req *r, const leat_param *param) {
    struct refused_file *refused = new (r, struct refused_file);
    *refused = (struct refused_file){r->intake->refused, param};
    r->intake->refused = refused;
    return false;
}

static bool is_refused(const req *r, const leat_param *param) {
    for (const struct refused_file *refused = r->intake->refused; refused; refused = refused->next)
        if (refused->param == param)
            return true;
    return false;
}

// ---- types

static str without_parameters(str type) {
    const char *end = memchr(type.ptr, ';', type.len);
    return trim_blanks((str){type.ptr, end ? (size_t)(end - type.ptr) : type.len});
}

static bool is_one_of(str pattern, str type) {
    bool is_any = pattern.len >= 2 && memcmp(pattern.ptr + pattern.len - 2, "/*", 2) == 0;
    size_t bytes = is_any ? pattern.len - 1 : pattern.len; // the slash counts
    return (is_any ? type.len > bytes : type.len == bytes) && strncasecmp(pattern.ptr, type.ptr, bytes) == 0;
}

// "image/png, image/jpeg", or a slash and a star for any kind of image; any case, parameters ignored.
static bool is_type(const char *types, str type) {
    type = without_parameters(type);
    while (*types) {
        size_t bytes = strcspn(types, ",");
        if (is_one_of(trim_blanks((str){types, bytes}), type))
            return true;
        types += bytes + (types[bytes] == ',');
    }
    return false;
}

bool intake_check_type(req *r, const leat_param *param, const leat_upload *upload) {
    const struct leat_file_opts *options = param->opts;
    if (!options->content_types || is_type(options->content_types, upload->content_type))
        return true;
    struct location at = {.parent = &body, .name = intake_name(param)}, member = {.parent = &at, .name = S("content_type")};
    struct detail details[DETAILS_MAX] = {DETAIL_OF_TEXT(str_of(options->content_types))};
    problems_add(&r->problems, PROBLEM_ENUM, &member, (struct input){INPUT_TEXT, upload->content_type}, details);
    return refuse(r, param);
}

// ---- sizes and counts

bool intake_check_size(req *r, const leat_param *param, uint64_t bytes) {
    const struct leat_file_opts *options = param->opts;
    if (!options->max_bytes || bytes <= (uint64_t)options->max_bytes)
        return true;
    struct location at = {.parent = &body, .name = intake_name(param)};
    struct detail details[DETAILS_MAX] = {DETAIL_OF_INT(options->max_bytes)};
    problems_add(&r->problems, PROBLEM_BYTES_TOO_LONG, &at, (struct input){INPUT_WITHHELD, {0}}, details);
    return refuse(r, param);
}

static bool has_name(const struct upload *upload, str name) {
    return str_eq(upload->name, name);
}

static size_t count_of(const struct intake *intake, str name) {
    size_t count = 0;
    for (const struct upload *upload = intake->first; upload; upload = upload->next)
        count += has_name(upload, name);
    return count;
}

static bool refuse_count(req *r, const struct location *at, enum problem_type type, i64 bound, size_t count) {
    struct detail details[DETAILS_MAX] = {DETAIL_OF_TEXT(S("List")), DETAIL_OF_INT(bound), DETAIL_OF_INT((i64)count)};
    problems_add(&r->problems, type, at, (struct input){INPUT_WITHHELD, {0}}, details);
    return false;
}

// Nothing of that name: was it sent as text?
static bool refuse_missing(req *r, const struct location *at) {
    const struct form *form = &r->intake->form;
    for (size_t i = form->count; i-- > 0;) {
        if (!str_eq(form->fields[i].name, at->name))
            continue;
        struct detail details[DETAILS_MAX] = {DETAIL_OF_TEXT(S("Expected UploadFile, received: <class 'str'>"))};
        problems_add(&r->problems, PROBLEM_VALUE_ERROR, at, (struct input){INPUT_TEXT, form->fields[i].value}, details);
        return false;
    }
    problems_add(&r->problems, PROBLEM_MISSING, at, (struct input){INPUT_NULL, {0}}, NULL);
    return false;
}

static bool take_last(req *r, str name, void *to) {
    const leat_upload *last = NULL;
    for (const struct upload *upload = r->intake->first; upload; upload = upload->next)
        if (has_name(upload, name))
            last = &upload->shown;
    memcpy(to, &last, sizeof last);
    return last;
}

static void take_all(req *r, str name, size_t count, void *to) {
    leat_upload_list *list = new (r, leat_upload_list);
    const leat_upload **items = alloc(r, (count + 1) * sizeof *items);
    for (const struct upload *upload = r->intake->first; upload; upload = upload->next)
        if (has_name(upload, name))
            items[list->n++] = &upload->shown;
    list->items = items;
    memcpy(to, &list, sizeof list);
}

bool intake_take(req *r, const struct step *step, void *to) {
    const struct leat_file_opts *options = step->file->opts;
    str name = intake_name(step->file);
    struct location at = {.parent = &body, .name = name};
    size_t count = count_of(r->intake, name);
    if (is_refused(r, step->file))
        return false; // told already why it is not there
    if (!count && !options->optional)
        return refuse_missing(r, &at);
    if (step->kind == STEP_FILE)
        return take_last(r, name, to) || options->optional;
    if (count && count < (size_t)options->min_items)
        return refuse_count(r, &at, PROBLEM_TOO_SHORT, options->min_items, count);
    if (options->max_items && count > (size_t)options->max_items)
        return refuse_count(r, &at, PROBLEM_TOO_LONG, options->max_items, count);
    take_all(r, name, count, to);
    return true;
}
