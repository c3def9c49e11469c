// fuzz.c — requests to every operation of the OpenAPI document, made from what it says of them; and what it says of their answers.
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "db/rehearsal.h"
#include "testing/form_parts.h"
#include "testing/fuzz_parts.h"
#include "testing/fuzz_value.h"
#include "testing/test_app.h"

enum { COUNT_DEFAULT = 200, SHOWN_BYTES_MAX = 3000, STATUS_END = 600 };

// One operation under test.
struct campaign {
    struct test_app *a;
    const struct leat_fuzz *fuzz;
    struct document document;
    struct fuzz_maker maker;
    const char *method, *path;
    json_t *operation;
    unsigned answers[STATUS_END]; // by status
};

// One request: what is sent, and what it must not be answered.
struct shot {
    struct campaign *campaign;
    enum fuzz_quality quality;
    struct buffer path, query, headers;
    struct leat_sending sending;
    bool is_forbidden; // the document forbids it: no 2xx
    bool is_garbled;   // its bytes are no JSON, no UTF-8, or a NUL in the path: a 400 needs no mention in the document
};

// ---- text

static void put_text(struct buffer *out, const char *text) {
    buffer_append(out, text, strlen(text));
}

static void put_escaped(struct buffer *out, const char *text, size_t bytes) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool is_plain = c && strchr(plain, c);
        buffer_append(out, is_plain ? text + i : escaped, is_plain ? 1 : 3);
    }
}

// A scalar as it stands in a URL; what is none is its JSON.
static str scalar_text(struct campaign *campaign, const json_t *value) {
    if (json_is_string(value))
        return arena_copy(&campaign->a->test_arena, (str){json_string_value(value), json_string_length(value)});
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    str copy = arena_format(&campaign->a->test_arena, "%s", text ? text : "");
    free(text);
    return copy;
}

static const char *finished(struct campaign *campaign, struct buffer *buffer) {
    const char *text = text_of(campaign->a, "%.*s", (int)buffer_bytes(buffer), buffer->data ? buffer_head(buffer) : "");
    buffer_finish(buffer);
    return text;
}

// ---- parameters

static void put_pair(struct shot *shot, struct buffer *out, const char *name, const json_t *value) {
    str text = scalar_text(shot->campaign, value);
    put_text(out, buffer_bytes(out) ? "&" : "");
    put_escaped(out, name, strlen(name));
    put_text(out, "=");
    put_escaped(out, text.ptr, text.len);
}

static void put_pairs(struct shot *shot, struct buffer *out, const char *name, const json_t *value) {
    if (!json_is_array(value)) {
        put_pair(shot, out, name, value);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        put_pair(shot, out, name, json_array_get(value, i));
}

static bool is_text(struct campaign *campaign, json_t *schema) {
    schema = document_resolve(&campaign->document, schema);
    const char *type = json_string_value(json_object_get(schema, "type"));
    return !type || (strcmp(type, "string") == 0 && !json_object_get(schema, "format") && !json_object_get(schema, "enum"));
}

// In a URL all is text: what is a wrong type in JSON is a good string there, and a list may be empty.
static bool is_forbidden(struct shot *shot, json_t *schema, const json_t *value) {
    bool is_scalar_text = is_text(shot->campaign, schema) && !json_is_string(value);
    if (is_scalar_text || json_object_get(document_resolve(&shot->campaign->document, schema), "anyOf"))
        return false;
    if (json_is_array(value) && json_object_get(schema, "items") == NULL)
        return json_array_size(value) > 0;
    return document_misfit(&shot->campaign->document, schema, value) != NULL;
}

// Neither empty nor a path of its own: "/" and "." would be another route.
static void put_segment(struct shot *shot, const json_t *value) {
    str text = scalar_text(shot->campaign, value);
    struct buffer *out = &shot->path;
    if (!text.len || text.ptr[0] == '.')
        put_text(out, "x");
    for (size_t i = 0; i < text.len; i++)
        put_escaped(out, text.ptr[i] == '/' ? "_" : text.ptr + i, 1);
    shot->is_garbled |= memchr(text.ptr, '\0', text.len) != NULL;
}

static void put_header(struct shot *shot, const char *name, const json_t *value) {
    str text = scalar_text(shot->campaign, value);
    put_text(&shot->headers, name);
    put_text(&shot->headers, ": ");
    for (size_t i = 0; i < text.len; i++)
        buffer_append(&shot->headers, text.ptr[i] > ' ' && text.ptr[i] < 0x7F ? text.ptr + i : "_", 1);
    put_text(&shot->headers, "\n");
}

static json_t *make_parameter(struct shot *shot, json_t *parameter, bool *ret_is_forbidden) {
    json_t *schema = json_object_get(parameter, "schema");
    json_t *value = fuzz_value(&shot->campaign->maker, schema, json_string_value(json_object_get(parameter, "name")), shot->quality);
    *ret_is_forbidden = is_forbidden(shot, schema, value);
    return value;
}

static void put_parameter(struct shot *shot, json_t *parameter) {
    const char *name = json_string_value(json_object_get(parameter, "name")), *in = json_string_value(json_object_get(parameter, "in"));
    bool is_required = json_is_true(json_object_get(parameter, "required")), is_wrong;
    if (fuzz_one_in(&shot->campaign->maker, shot->quality == FUZZ_WRONG && is_required ? 4 : 2) &&
        (!is_required || shot->quality == FUZZ_WRONG)) {
        shot->is_forbidden |= is_required;
        return;
    }
    json_t *value = make_parameter(shot, parameter, &is_wrong);
    if (strcmp(in, "query") == 0) {
        put_pairs(shot, &shot->query, name, value);
        shot->is_forbidden |= is_wrong && !json_is_array(value); // what a list says is judged item by item
    } else if (strcmp(in, "header") == 0 && !json_is_array(value)) {
        put_header(shot, name, value);
    }
    json_decref(value);
}

static void put_parameters(struct shot *shot) {
    json_t *parameter;
    size_t i;
    json_array_foreach(json_object_get(shot->campaign->operation, "parameters"), i, parameter) {
        if (strcmp(json_string_value(json_object_get(parameter, "in")), "path") != 0)
            put_parameter(shot, parameter);
    }
}

static json_t *parameter_of(struct campaign *campaign, const char *name, size_t bytes) {
    json_t *parameter;
    size_t i;
    json_array_foreach(json_object_get(campaign->operation, "parameters"), i, parameter) {
        const char *own = json_string_value(json_object_get(parameter, "name"));
        if (strlen(own) == bytes && memcmp(own, name, bytes) == 0 &&
            strcmp(json_string_value(json_object_get(parameter, "in")), "path") == 0)
            return parameter;
    }
    return NULL;
}

static void put_path(struct shot *shot) {
    for (const char *p = shot->campaign->path; *p;) {
        size_t bytes = strcspn(p, "{");
        put_escaped(&shot->path, "", 0);
        buffer_append(&shot->path, p, bytes);
        p += bytes;
        if (*p != '{')
            break;
        size_t name_bytes = strcspn(p + 1, "}");
        json_t *parameter = parameter_of(shot->campaign, p + 1, name_bytes);
        bool is_wrong = false;
        json_t *value = parameter ? make_parameter(shot, parameter, &is_wrong) : json_string("x");
        put_segment(shot, value);
        bool has_format = parameter && !is_text(shot->campaign, json_object_get(parameter, "schema"));
        shot->is_forbidden |= is_wrong && has_format;
        json_decref(value);
        p += name_bytes + 2;
    }
}

// ---- bodies

// What a client that is broken, or worse, sends.
static void garble(struct shot *shot, const char *json) {
    struct campaign *campaign = shot->campaign;
    size_t bytes = strlen(json);
    char *deep;
    shot->is_garbled = shot->is_forbidden = true;
    shot->sending.json = NULL;
    const char *type = "Content-Type: application/json\n";
    switch (fuzz_below(&campaign->maker, 6)) {
    case 0:
        shot->sending.body = (str){json, bytes / 2};
        break;
    case 1:
        shot->sending.body = (str){text_of(campaign->a, "%s\xC3\x28", json), bytes + 2};
        break;
    case 2:
        deep = arena_alloc(&campaign->a->test_arena, 100000);
        if (deep)
            memset(deep, '[', 100000);
        shot->sending.body = (str){deep, deep ? 100000 : 0};
        break;
    case 3:
        shot->sending.body = (str){"", 0};
        break;
    case 4:
        shot->sending.body = (str){"{\"a\":1,}", 8};
        break;
    default:
        shot->sending.body = (str){json, bytes};
        type = "Content-Type: text/plain\n";
    }
    put_text(&shot->headers, type);
}

static void put_json_body(struct shot *shot, json_t *schema) {
    struct campaign *campaign = shot->campaign;
    json_t *value = fuzz_value(&campaign->maker, schema, NULL, shot->quality);
    shot->is_forbidden |= document_misfit(&campaign->document, schema, value) != NULL;
    char *text = json_dumps(value, JSON_ENCODE_ANY | (fuzz_one_in(&campaign->maker, 2) ? JSON_ENSURE_ASCII : JSON_COMPACT));
    json_decref(value);
    shot->sending.json = text_of(campaign->a, "%s", text ? text : "null");
    free(text);
    if (shot->quality == FUZZ_WRONG && fuzz_one_in(&campaign->maker, 3))
        garble(shot, shot->sending.json);
}

static void put_form(struct shot *shot, json_t *schema) {
    struct campaign *campaign = shot->campaign;
    struct buffer form = {0};
    json_t *value = fuzz_value(&campaign->maker, schema, NULL, shot->quality), *resolved = document_resolve(&campaign->document, schema);
    json_t *member, *name;
    const char *key;
    size_t i;
    json_object_foreach(value, key, member) {
        if (!json_is_null(member))
            put_pairs(shot, &form, key, member);
    }
    json_array_foreach(json_object_get(resolved, "required"), i, name) {
        json_t *there = json_object_get(value, json_string_value(name));
        shot->is_forbidden |= !there || json_is_null(there) || (json_is_array(there) && !json_array_size(there));
    }
    json_decref(value);
    shot->sending.form = finished(campaign, &form);
}

// Fields and files; now and then bytes that are no form.
static void put_parts(struct shot *shot, json_t *media) {
    struct campaign *campaign = shot->campaign;
    bool lacks_some = false;
    shot->sending.parts = fuzz_parts(&campaign->maker, media, shot->quality, &campaign->a->test_arena, &lacks_some);
    shot->is_forbidden |= lacks_some;
    if (shot->quality != FUZZ_WRONG || !fuzz_one_in(&campaign->maker, 3))
        return;
    shot->sending.body = form_parts_body(&campaign->a->test_arena, shot->sending.parts);
    shot->sending.body.len = fuzz_below(&campaign->maker, (unsigned)shot->sending.body.len);
    shot->sending.parts = NULL;
    put_text(&shot->headers, "Content-Type: " FORM_PARTS_TYPE "\n");
    shot->is_forbidden = shot->is_garbled = true; // it has no end
}

static void put_body(struct shot *shot) {
    json_t *content = json_object_get(json_object_get(shot->campaign->operation, "requestBody"), "content");
    json_t *json = json_object_get(content, "application/json"), *form = json_object_get(content, "application/x-www-form-urlencoded");
    if (json)
        put_json_body(shot, json_object_get(json, "schema"));
    else if (form)
        put_form(shot, json_object_get(form, "schema"));
    else if (json_object_get(content, "multipart/form-data"))
        put_parts(shot, json_object_get(content, "multipart/form-data"));
}

// ---- judged

static const char *problem_of(struct shot *shot, const answer *x) {
    struct campaign *campaign = shot->campaign;
    if (x->status >= 500)
        return "a 5xx";
    if (x->status < 300 && shot->is_forbidden)
        return "a 2xx to what the document forbids";
    if (shot->is_garbled && (x->status == 400 || x->status == 415))
        return NULL;
    return document_judge(&campaign->document, campaign->operation, x);
}

static int shown(size_t bytes) {
    return (int)(bytes < SHOWN_BYTES_MAX ? bytes : SHOWN_BYTES_MAX);
}

static void say(const struct shot *shot, const answer *x, const char *problem, unsigned seed, unsigned number) {
    const struct leat_sending *sent = &shot->sending;
    const char *body = sent->json ? sent->json : sent->form ? sent->form : sent->body.ptr ? sent->body.ptr : "";
    size_t bytes = sent->json || sent->form ? strlen(body) : sent->body.len;
    str parts = sent->parts ? form_parts_body(&shot->campaign->a->test_arena, sent->parts) : (str){body, bytes};
    print_error("%s\n", problem);
    print_error("request %u of seed %u: %s %s\n%s%.*s\n", number, seed, sent->method, sent->path, sent->headers, shown(parts.len),
                parts.ptr);
    print_error("answer: %d %.*s\n", x->status, shown(x->body.len), x->body.ptr ? x->body.ptr : "");
}

// ---- all of it

static void shoot(struct campaign *campaign, unsigned seed, unsigned number) {
    struct shot shot = {.campaign = campaign};
    shot.quality = fuzz_one_in(&campaign->maker, 2) ? FUZZ_RIGHT : fuzz_one_in(&campaign->maker, 2) ? FUZZ_AT_BOUNDS : FUZZ_WRONG;
    shot.sending = (struct leat_sending){.method = campaign->method, .file = campaign->fuzz->file, .line = campaign->fuzz->line};
    put_path(&shot);
    put_parameters(&shot);
    put_body(&shot);
    if (campaign->fuzz->token && json_object_get(campaign->operation, "security") && !fuzz_one_in(&campaign->maker, 10))
        shot.sending.token = campaign->fuzz->token;
    const char *path = finished(campaign, &shot.path), *query = finished(campaign, &shot.query);
    shot.sending.path = *query ? text_of(campaign->a, "%s?%s", path, query) : path;
    shot.sending.headers = finished(campaign, &shot.headers);
    const answer *x = test_app_send(campaign->a, &shot.sending);
    const char *problem = problem_of(&shot, x);
    campaign->answers[x->status < STATUS_END ? x->status : 0]++;
    if (!problem)
        return;
    say(&shot, x, problem, seed, number);
    document_close(&campaign->document);
    _fail(campaign->fuzz->file, (int)campaign->fuzz->line);
}

static void run_sql(struct campaign *campaign, const char *sql) {
    str value;
    const char *why = campaign->a->database.conninfo ? test_app_sql(campaign->a, sql, &value) : NULL;
    if (why)
        fail_msg("%s: %s", sql, why);
}

// How far the requests came: a comment in TAP.
static void report(struct campaign *campaign) {
    print_message("# %s %s:", campaign->method, campaign->path);
    for (unsigned status = 0; status < STATUS_END; status++)
        if (campaign->answers[status])
            print_message(" %u x %u", campaign->answers[status], status);
    print_message("\n");
    memset(campaign->answers, 0, sizeof campaign->answers);
}

static void fuzz_operation(struct campaign *campaign, unsigned seed) {
    static const char *const methods[] = {"get", "post", "put", "patch", "delete"};
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    unsigned count = campaign->fuzz->count ? campaign->fuzz->count : COUNT_DEFAULT;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        json_t *item = json_object_get(json_object_get(campaign->document.root, "paths"), campaign->path);
        campaign->operation = json_object_get(item, methods[i]);
        campaign->method = names[i];
        if (!campaign->operation)
            continue;
        campaign->maker.random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
        run_sql(campaign, rehearsal_mark);
        for (unsigned number = 0; number < count; number++) {
            shoot(campaign, seed, number);
            if (fuzz_one_in(&campaign->maker, 4)) { // so that what a DELETE took is there again
                run_sql(campaign, rehearsal_return);
                run_sql(campaign, rehearsal_mark);
            }
        }
        run_sql(campaign, rehearsal_return);
        report(campaign);
    }
}

void test_app_fuzz(app *a, const struct leat_fuzz *fuzz) {
    struct campaign campaign = {.a = a, .fuzz = fuzz};
    const char *chosen = getenv("LEAT_FUZZ_SEED");
    unsigned seed = chosen ? (unsigned)strtoul(chosen, NULL, 10) : fuzz->seed ? fuzz->seed : 1, operation_count = 0;
    if (document_open(&campaign.document, a) < 0)
        fail_msg("there is no OpenAPI document");
    campaign.maker = (struct fuzz_maker){.document = &campaign.document, .known = fuzz->known};
    json_t *item;
    json_object_foreach(json_object_get(campaign.document.root, "paths"), campaign.path, item) {
        if (fuzz->only && strncmp(campaign.path, fuzz->only, strlen(fuzz->only)) != 0)
            continue;
        operation_count++;
        fuzz_operation(&campaign, seed);
    }
    document_close(&campaign.document);
    if (operation_count)
        return;
    print_error("the document has no operation below %s\n", fuzz->only ? fuzz->only : "/");
    _fail(fuzz->file, (int)fuzz->line);
}
