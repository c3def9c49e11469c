// openapi.c — the OpenAPI 3.1 document of a snapshot: made once, from the descriptors that also make the validation.
#include "openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/str.h"
#include "failure_body.h"
#include "http/media_type.h"
#include "http/session.h"
#include "openapi_components.h"
#include "openapi_form.h"
#include "openapi_security.h"
#include "snapshot_internal.h"

struct document {
    const struct snapshot *snapshot;
    struct components components;
    leat_json writer;
};

// ---- an operation's own words

// "get_user" on GET /v1/users/{user_id} is get_user_v1_users__user_id__get, as FastAPI has it.
static void put_operation_id(leat_json *writer, const struct endpoint *endpoint) {
    char id[512];
    int n = snprintf(id, sizeof id, "%s%s_%s", endpoint->route->name, endpoint->path, http_method_name(endpoint->method));
    n = n < (int)sizeof id ? n : (int)sizeof id - 1;
    size_t method_at = (size_t)n - strlen(http_method_name(endpoint->method));
    for (size_t i = 0; i < (size_t)n; i++)
        id[i] = i >= method_at ? (char)tolower((unsigned char)id[i]) : isalnum((unsigned char)id[i]) ? id[i] : '_';
    json_pair(writer, "operationId", endpoint->route->operation_id ? endpoint->route->operation_id : id);
}

static void put_summary(leat_json *writer, const leat_route *route) {
    char words[128];
    size_t n = 0;
    for (const char *p = route->name; *p && n < sizeof words - 1; p++) {
        bool begins = p == route->name || p[-1] == '_';
        words[n++] = *p == '_' ? ' ' : begins ? (char)toupper((unsigned char)*p) : *p;
    }
    words[n] = '\0';
    json_pair(writer, "summary", route->summary ? route->summary : words);
    json_pair(writer, "description", route->description ? route->description : route->summary ? route->summary : words);
}

static const char *tag_of(const struct endpoint *endpoint) {
    const leat_plugin *plugin = endpoint->plugin;
    return endpoint->route->tag ? endpoint->route->tag : plugin->tag ? plugin->tag : plugin->name;
}

static void put_tags(leat_json *writer, const struct endpoint *endpoint) {
    json_key(writer, "tags");
    json_list_open(writer);
    json_write_string(writer, str_of(tag_of(endpoint)));
    json_list_close(writer);
}

// ---- parameters and bodies: the handler's and its providers', as the program reads them

static const leat_param *param_of(const struct endpoint *endpoint, const struct step *step) {
    const leat_param *params = endpoint->route->params;
    unsigned count = endpoint->route->nparams;
    uint32_t args_at = 0;
    for (unsigned i = 0; step->unit && i < endpoint->step_count; i++) {
        const struct step *call = &endpoint->steps[i];
        if (call->unit != step->unit || (call->kind != STEP_CALL && call->kind != STEP_HOOK))
            continue;
        params = call->kind == STEP_CALL ? call->provider->params : call->hook->params;
        count = call->kind == STEP_CALL ? call->provider->nparams : call->hook->nparams;
        args_at = call->from;
    }
    for (unsigned i = 0; i < count; i++)
        if (args_at + params[i].off == step->to && params[i].in != LEAT_IN_DEPENDS)
            return &params[i];
    return NULL;
}

static void put_parameter(struct document *document, str name, const char *in, const leat_schema *type, const void *opts) {
    leat_json *writer = &document->writer;
    const struct leat_common_opts *common = opts;
    json_object_open(writer);
    json_key(writer, "name");
    json_write_string(writer, name);
    json_pair(writer, "in", in);
    json_key(writer, "required");
    json_write_raw(writer, strcmp(in, "path") == 0 || component_is_required(type, opts) ? S("true") : S("false"));
    if (common && common->description)
        json_pair(writer, "description", common->description);
    if (common && common->deprecated) {
        json_key(writer, "deprecated");
        json_write_raw(writer, S("true"));
    }
    char title[128];
    snprintf(title, sizeof title, "%.*s", (int)(name.len < 120 ? name.len : 120), name.ptr);
    json_key(writer, "schema");
    component_write(&document->components, writer, type, opts, title);
    leat_put_close(writer);
}

static const char *const places[] = {[STEP_PATH] = "path", [STEP_QUERY] = "query", [STEP_HEADER] = "header", [STEP_COOKIE] = "cookie"};

static void put_query_model(struct document *document, const leat_schema *schema) {
    for (unsigned i = 0; i < schema->nfields; i++) {
        const struct leat_common_opts *common = schema->fields[i].opts;
        put_parameter(document, str_of(common->alias ? common->alias : schema->fields[i].name), "query", schema->fields[i].type, common);
    }
}

static void put_parameters(struct document *document, const struct endpoint *endpoint) {
    bool any = false;
    for (unsigned i = 0; i < endpoint->step_count; i++) {
        const struct step *step = &endpoint->steps[i];
        const leat_param *param = step->kind <= STEP_QUERY_MODEL ? param_of(endpoint, step) : NULL;
        if (!param)
            continue;
        if (!any) {
            json_key(&document->writer, "parameters");
            json_list_open(&document->writer);
        }
        any = true;
        if (step->kind == STEP_QUERY_MODEL)
            put_query_model(document, param->type);
        else
            put_parameter(document, parameter_name(step->parameter), places[step->kind], param->type, param->opts);
    }
    if (any)
        json_list_close(&document->writer);
}

static void put_content(struct document *document, const char *type, const leat_schema *schema, const char *title) {
    leat_json *writer = &document->writer;
    json_key(writer, "content");
    leat_put_open(writer);
    json_key(writer, type);
    leat_put_open(writer);
    json_key(writer, "schema");
    component_write(&document->components, writer, schema, NULL, title);
    leat_put_close(writer);
    leat_put_close(writer);
}

// A form with files is one body of two kinds of parameters: written once, with whatever form there is.
static void put_form_with_files(struct document *document, const struct endpoint *endpoint) {
    const leat_schema *form = NULL;
    for (unsigned i = 0; i < endpoint->step_count; i++) {
        const leat_param *param = endpoint->steps[i].kind == STEP_FORM ? param_of(endpoint, &endpoint->steps[i]) : NULL;
        form = param ? param->type : form;
    }
    openapi_form_write(&document->components, &document->writer, endpoint, form);
}

// What it says of the body is up to its handler.
static void put_stream(leat_json *writer) {
    json_pair_raw(
        writer, "requestBody",
        "{\"required\":false,\"content\":{\"application/octet-stream\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}}");
}

static void put_request_body(struct document *document, const struct endpoint *endpoint) {
    if (endpoint->has_files)
        return put_form_with_files(document, endpoint);
    if (endpoint->route->stream_body)
        return put_stream(&document->writer);
    for (unsigned i = 0; i < endpoint->step_count; i++) {
        const struct step *step = &endpoint->steps[i];
        const leat_param *param = step->kind == STEP_BODY || step->kind == STEP_FORM ? param_of(endpoint, step) : NULL;
        if (!param)
            continue;
        json_key(&document->writer, "requestBody");
        leat_put_open(&document->writer);
        json_key(&document->writer, "required");
        json_write_raw(&document->writer, S("true"));
        put_content(document, step->kind == STEP_FORM ? "application/x-www-form-urlencoded" : "application/json", param->type, param->name);
        leat_put_close(&document->writer);
    }
}

// ---- responses

static void put_status(leat_json *writer, unsigned status) {
    char digits[8];
    snprintf(digits, sizeof digits, "%u", status);
    json_key(writer, digits);
}

// Bytes that no schema describes; `type` may be a range of media types.
static void put_raw_content(leat_json *writer, const char *type, const char *schema) {
    json_key(writer, "content");
    leat_put_open(writer);
    json_key(writer, type);
    leat_put_open(writer);
    json_pair_raw(writer, "schema", schema);
    leat_put_close(writer);
    leat_put_close(writer);
}

static const char binary_schema[] = "{\"type\":\"string\",\"format\":\"binary\"}", text_schema[] = "{\"type\":\"string\"}";

static const char *schema_of_type(str type) {
    bool is_json = str_eq(type, S("application/json")) || (type.len > 5 && memcmp(type.ptr + type.len - 5, "+json", 5) == 0);
    return is_json ? "{}" : type.len > 5 && memcmp(type.ptr, "text/", 5) == 0 ? text_schema : binary_schema;
}

// What the route .produces, else `type`.
static void put_produced(struct document *document, const leat_route *route, const char *type) {
    leat_json *writer = &document->writer;
    const char *types = ITEM_OPTION(route, produces);
    str rest = str_of(types ? types : type), one;
    json_key(writer, "content");
    leat_put_open(writer);
    while (media_type_next(&rest, &one)) {
        char name[MEDIA_TYPE_BYTES_MAX + 1] = "";
        memcpy(name, one.ptr, one.len);
        json_key(writer, name);
        leat_put_open(writer);
        json_pair_raw(writer, "schema", schema_of_type(one));
        leat_put_close(writer);
    }
    leat_put_close(writer);
}

// OpenAPI 3.1 has no word for a sequence of values; 3.2 calls it itemSchema.
static void put_lines_content(struct document *document, const leat_schema *lines) {
    leat_json *writer = &document->writer;
    json_key(writer, "content");
    leat_put_open(writer);
    json_key(writer, "application/jsonl");
    leat_put_open(writer);
    json_pair_raw(writer, "schema", text_schema);
    json_key(writer, "x-itemSchema");
    component_write(&document->components, writer, lines->elem, NULL, lines->elem->name);
    leat_put_close(writer);
    leat_put_close(writer);
}

static void put_success_content(struct document *document, const struct endpoint *endpoint) {
    const leat_schema *returns = endpoint->route->returns;
    char title[128];
    switch (returns->kind) {
    case LEAT_EMPTY:
        return;
    case LEAT_RESPONSE:
        if (endpoint->status < 300 && endpoint->status != 204) // a redirect has no body
            put_produced(document, endpoint->route, "*/*");
        return;
    case LEAT_FILE:
        return put_produced(document, endpoint->route, "application/octet-stream");
    case LEAT_STREAM:
        return put_produced(document, endpoint->route, "*/*");
    case LEAT_EVENTS:
        return put_raw_content(&document->writer, "text/event-stream", text_schema);
    case LEAT_LINES:
        return put_lines_content(document, returns);
    default:
        snprintf(title, sizeof title, "Response %.100s", endpoint->route->name);
        put_content(document, "application/json", returns, title);
    }
}

// Of a route that is cached: what its answers say of themselves.
static const char cached_headers[] =
    "{\"ETag\":{\"description\":\"What tells this answer from another of the same address\",\"schema\":{\"type\":\"string\"}},"
    "\"Cache-Control\":{\"description\":\"How long it may be kept\",\"schema\":{\"type\":\"string\"}},"
    "\"Age\":{\"description\":\"Seconds since it was made\",\"schema\":{\"type\":\"integer\",\"minimum\":0}},"
    "\"X-Cache\":{\"description\":\"Whether it was made for this "
    "request\",\"schema\":{\"type\":\"string\",\"enum\":[\"HIT\",\"MISS\",\"STALE\","
    "\"BYPASS\"]}}}";

static void put_not_modified(leat_json *writer) {
    put_status(writer, 304);
    leat_put_open(writer);
    json_pair(writer, "description", "Not Modified: the client has it, by its If-None-Match");
    json_pair_raw(writer, "headers", cached_headers);
    leat_put_close(writer);
}

static void put_success(struct document *document, const struct endpoint *endpoint) {
    leat_json *writer = &document->writer;
    put_status(writer, endpoint->status);
    leat_put_open(writer);
    json_pair(writer, "description", "Successful Response");
    if (endpoint->cached)
        json_pair_raw(writer, "headers", cached_headers);
    put_success_content(document, endpoint);
    leat_put_close(writer);
}

// What ranges and conditions make of a file.
static void put_partial_answers(struct document *document, const leat_route *route) {
    leat_json *writer = &document->writer;
    put_status(writer, 206);
    leat_put_open(writer);
    json_pair(writer, "description", "Partial Content");
    json_pair_raw(writer, "headers",
                  "{\"Content-Range\":{\"description\":\"Which bytes these are, and of how many\",\"schema\":{\"type\":\"string\"}}}");
    put_produced(document, route, "application/octet-stream");
    leat_put_close(writer);
    json_pair_raw(writer, "304", "{\"description\":\"Not Modified\"}");
}

static bool is_of_files(const struct endpoint *endpoint, unsigned status) {
    return endpoint->route->returns->kind == LEAT_FILE && (status == 404 || status == 412 || status == 416);
}

// Two plugins may each have an error of that name: the first is the example.
static bool is_first_of_its_name(const leat_error *const *errors, const leat_error *const *error) {
    for (; errors < error; errors++)
        if ((*errors)->status == (*error)->status && strcmp((*errors)->name, (*error)->name) == 0)
            return false;
    return true;
}

// "content": {type: {"schema": ...}: of the server's own component, or of the application's ERROR_SHAPE.
static void open_failure_content(struct document *document, const char *component) {
    const struct leat_error_shape *shape = document->snapshot->shape;
    leat_json *writer = &document->writer;
    char reference[128];
    json_key(writer, "content");
    leat_put_open(writer);
    json_key(writer, failure_body_type(shape).ptr);
    leat_put_open(writer);
    if (shape) {
        json_key(writer, "schema");
        component_write(&document->components, writer, shape->schema, NULL, shape->schema->name);
        return;
    }
    snprintf(reference, sizeof reference, "{\"$ref\":\"#/components/schemas/%s\"}", component);
    json_pair_raw(writer, "schema", reference);
}

static void close_failure_content(leat_json *writer) {
    leat_put_close(writer);
    leat_put_close(writer);
}

static void put_failure_example(struct document *document, const leat_error *error) {
    leat_json *writer = &document->writer;
    struct leat_failure failure = {
        .size = sizeof failure,
        .status = error->status,
        .error = error,
        .reason = str_of(http_reason(error->status)),
        .detail = str_of(error->detail),
    };
    json_key(writer, error->name);
    leat_put_open(writer);
    json_key(writer, "value");
    failure_body_write(writer, document->snapshot->shape, &failure, NULL);
    leat_put_close(writer);
}

// All declared failures of one status: their details are its examples.
static void put_failures(struct document *document, const struct endpoint *endpoint, unsigned status) {
    leat_json *writer = &document->writer;
    put_status(writer, status);
    leat_put_open(writer);
    json_pair(writer, "description", http_reason(status));
    open_failure_content(document, "ErrorResponse");
    json_key(writer, "examples");
    leat_put_open(writer);
    for (const leat_error *const *error = endpoint->errors; *error; error++)
        if ((*error)->status == status && is_first_of_its_name(endpoint->errors, error))
            put_failure_example(document, *error);
    leat_put_close(writer);
    close_failure_content(writer);
    leat_put_close(writer);
}

// A failure that is not declared: of what kind it is, and how it looks.
static void put_plain_failure(struct document *document, unsigned status, const char *description, const char *component) {
    put_status(&document->writer, status);
    leat_put_open(&document->writer);
    json_pair(&document->writer, "description", description);
    open_failure_content(document, component);
    close_failure_content(&document->writer);
    leat_put_close(&document->writer);
}

static bool reads_parameters(const struct endpoint *endpoint) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (endpoint->steps[i].kind < STEP_CALL)
            return true;
    return false;
}

static bool has_failure(const struct endpoint *endpoint, unsigned status) {
    for (const leat_error *const *error = endpoint->errors; *error; error++)
        if ((*error)->status == status)
            return true;
    return false;
}

static bool has_client_failure(const struct endpoint *endpoint) {
    for (const leat_error *const *error = endpoint->errors; *error; error++)
        if ((*error)->status >= 400 && (*error)->status < 500)
            return true;
    return reads_parameters(endpoint);
}

// A request that is no HTTP is a 400 anywhere; it is said where a route has no other refusal of its own.
static void put_responses(struct document *document, const struct endpoint *endpoint) {
    leat_json *writer = &document->writer;
    json_key(writer, "responses");
    leat_put_open(writer);
    put_success(document, endpoint);
    if (endpoint->route->returns->kind == LEAT_FILE)
        put_partial_answers(document, endpoint->route);
    if (endpoint->cached)
        put_not_modified(writer);
    bool may_be_no_form = endpoint->has_files && !has_failure(endpoint, 400); // what is no multipart is no problem of a field's
    if (!has_client_failure(endpoint) || may_be_no_form)
        put_plain_failure(document, 400, "Bad Request", "ErrorResponse");
    for (unsigned status = 400; status < 600; status++) {
        if (status == 422 && reads_parameters(endpoint))
            put_plain_failure(document, 422, "Validation Error", "HTTPValidationError");
        else if (has_failure(endpoint, status))
            put_failures(document, endpoint, status);
        else if (is_of_files(endpoint, status))
            put_plain_failure(document, status, http_reason(status), "ErrorResponse");
    }
    leat_put_close(writer);
}

// ---- the document

static void put_operation(struct document *document, const struct endpoint *endpoint) {
    leat_json *writer = &document->writer;
    char method[16] = "";
    for (size_t i = 0; http_method_name(endpoint->method)[i]; i++)
        method[i] = (char)tolower((unsigned char)http_method_name(endpoint->method)[i]);
    document->components.plugin = endpoint->plugin->name;
    json_key(writer, method);
    leat_put_open(writer);
    put_tags(writer, endpoint);
    put_summary(writer, endpoint->route);
    put_operation_id(writer, endpoint);
    if (endpoint->route->deprecated)
        json_pair_raw(writer, "deprecated", "true");
    security_write(writer, endpoint);
    put_parameters(document, endpoint);
    put_request_body(document, endpoint);
    put_responses(document, endpoint);
    leat_put_close(writer);
}

static bool is_first_of_its_path(const struct snapshot *snapshot, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (!snapshot->endpoints[i].route->hidden && strcmp(snapshot->endpoints[i].path, snapshot->endpoints[index].path) == 0)
            return false;
    return true;
}

// "/files/{name:path}" is "/files/{name}" in the document.
static void put_path_key(leat_json *writer, const char *path) {
    char key[512];
    size_t n = 0;
    for (bool skips = false; *path && n < sizeof key - 1; path++) {
        skips = *path == '}' ? false : skips || *path == ':';
        if (!skips)
            key[n++] = *path;
    }
    key[n] = '\0';
    json_key(writer, key);
}

static void put_paths(struct document *document) {
    const struct snapshot *snapshot = document->snapshot;
    leat_json *writer = &document->writer;
    json_key(writer, "paths");
    leat_put_open(writer);
    for (size_t i = 0; i < snapshot->endpoint_count; i++) {
        if (snapshot->endpoints[i].route->hidden || !is_first_of_its_path(snapshot, i))
            continue;
        put_path_key(writer, snapshot->endpoints[i].path);
        leat_put_open(writer);
        for (size_t k = i; k < snapshot->endpoint_count; k++)
            if (!snapshot->endpoints[k].route->hidden && strcmp(snapshot->endpoints[k].path, snapshot->endpoints[i].path) == 0)
                put_operation(document, &snapshot->endpoints[k]);
        leat_put_close(writer);
    }
    leat_put_close(writer);
}

static bool has_member(const leat_schema *schema, const char *name) {
    for (unsigned i = 0; i < schema->nfields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return true;
    return false;
}

// The login is the form with a username and a password, above all one that is answered with a token.
static const char *token_url(const struct snapshot *snapshot) {
    const char *first = NULL;
    for (size_t i = 0; i < snapshot->endpoint_count; i++)
        for (unsigned k = 0; k < snapshot->endpoints[i].step_count; k++) {
            const struct step *step = &snapshot->endpoints[i].steps[k];
            const leat_param *param = step->kind == STEP_FORM ? param_of(&snapshot->endpoints[i], step) : NULL;
            if (!param || !has_member(param->type, "username") || !has_member(param->type, "password"))
                continue;
            const leat_schema *answer = snapshot->endpoints[i].route->returns;
            if (answer->kind == LEAT_OBJECT && has_member(answer, "access_token"))
                return snapshot->endpoints[i].path;
            first = first ? first : snapshot->endpoints[i].path;
        }
    return first;
}

static const char fixed_components[] =
    "\"ErrorResponse\":{\"properties\":{\"detail\":{\"type\":\"string\",\"title\":\"Detail\"}},\"type\":\"object\",\"required\":["
    "\"detail\"],"
    "\"title\":\"ErrorResponse\"},"
    "\"HTTPValidationError\":{\"properties\":{\"detail\":{\"items\":{\"$ref\":\"#/components/schemas/ValidationError\"},\"type\":\"array\","
    "\"title\":\"Detail\"}},\"type\":\"object\",\"title\":\"HTTPValidationError\"},"
    "\"ValidationError\":{\"properties\":{\"loc\":{\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]},\"type\":\"array\","
    "\"title\":\"Location\"},\"msg\":{\"type\":\"string\",\"title\":\"Message\"},\"type\":{\"type\":\"string\",\"title\":\"Error Type\"},"
    "\"input\":{\"title\":\"Input\"},\"ctx\":{\"type\":\"object\",\"title\":\"Context\"}},\"type\":\"object\",\"required\":[\"loc\","
    "\"msg\","
    "\"type\"],\"title\":\"ValidationError\"}";

static void put_components(struct document *document) {
    leat_json *writer = &document->writer;
    json_key(writer, "components");
    leat_put_open(writer);
    json_key(writer, "schemas");
    leat_put_open(writer);
    json_write_raw(writer, str_of(fixed_components));
    components_write(&document->components, writer);
    leat_put_close(writer);
    security_schemes_write(writer, document->snapshot, token_url(document->snapshot));
    leat_put_close(writer);
}

static void put_contact(leat_json *writer, const char *contact) {
    json_key(writer, "contact");
    leat_put_open(writer);
    json_pair(writer, strstr(contact, "://") ? "url" : strchr(contact, '@') ? "email" : "name", contact);
    leat_put_close(writer);
}

static void put_info(leat_json *writer, const struct openapi_info *info) {
    json_key(writer, "info");
    leat_put_open(writer);
    json_pair(writer, "title", info->title);
    json_pair(writer, "description", info->description ? info->description : info->title);
    put_contact(writer, info->contact ? info->contact : info->title);
    json_key(writer, "license");
    leat_put_open(writer);
    json_pair(writer, "name", info->license ? info->license : "Unspecified");
    json_pair(writer, "identifier", info->license ? info->license : "LicenseRef-Unspecified");
    leat_put_close(writer);
    json_pair(writer, "version", info->version);
    leat_put_close(writer);
    json_pair_raw(writer, "servers", "[{\"url\":\"/\"}]");
}

static bool is_first_of_its_tag(const struct snapshot *snapshot, size_t index) {
    for (size_t i = 0; i < index; i++) {
        const char *tag = tag_of(&snapshot->endpoints[i]);
        if (!snapshot->endpoints[i].route->hidden && strcmp(tag, tag_of(&snapshot->endpoints[index])) == 0)
            return false;
    }
    return true;
}

static void put_all_tags(struct document *document) {
    leat_json *writer = &document->writer;
    json_key(writer, "tags");
    json_list_open(writer);
    for (size_t i = 0; i < document->snapshot->endpoint_count; i++) {
        const struct endpoint *endpoint = &document->snapshot->endpoints[i];
        if (endpoint->route->hidden || !is_first_of_its_tag(document->snapshot, i))
            continue;
        json_object_open(writer);
        json_pair(writer, "name", tag_of(endpoint));
        json_pair(writer, "description", endpoint->plugin->description ? endpoint->plugin->description : endpoint->plugin->name);
        leat_put_close(writer);
    }
    json_list_close(writer);
}

str openapi_make(const struct snapshot *snapshot, const struct openapi_info *info, struct arena *arena) {
    struct document *document = arena_alloc(arena, sizeof *document);
    if (!document)
        return (str){0};
    document->snapshot = snapshot;
    document->components.arena = arena;
    leat_json *writer = &document->writer;
    json_write_to_arena(writer, arena);
    leat_put_open(writer);
    json_pair(writer, "openapi", "3.1.0");
    put_info(writer, info);
    put_all_tags(document);
    put_paths(document);
    put_components(document);
    leat_put_close(writer);
    return writer->out_of_memory ? (str){0} : json_written(writer);
}
