// openapi_form.c — the body of a route with files, as the document has it: multipart/form-data, each file a string that is binary.
//
// OpenAPI 3.1 would do with contentMediaType alone, but what reads documents looks for the `format: binary` of FastAPI and of OpenAPI 3.0:
// by it Swagger UI offers to choose a file, and generators make a Blob. Both are said.
#include "openapi_form.h"

#include <stdio.h>
#include <string.h>

#include <leat/upload.h>

#include "base/str.h"

static bool is_file(const struct step *step) {
    return step->kind == STEP_FILE || step->kind == STEP_FILES;
}

static const struct leat_file_opts *options_of(const struct step *step) {
    return step->file->opts;
}

static const char *name_of(const struct step *step) {
    return options_of(step)->alias ? options_of(step)->alias : step->file->name;
}

static void put_number(leat_json *writer, const char *name, i64 value) {
    if (!value)
        return;
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    json_pair_raw(writer, name, digits);
}

static void put_binary(leat_json *writer, const struct leat_file_opts *options) {
    json_pair(writer, "type", "string");
    json_pair(writer, "format", "binary");
    json_pair(writer, "contentMediaType", "application/octet-stream");
    put_number(writer, "maxLength", options->max_bytes);
}

static void put_file(leat_json *writer, const struct step *step) {
    const struct leat_file_opts *options = options_of(step);
    json_key(writer, name_of(step));
    leat_put_open(writer);
    if (step->kind == STEP_FILES) {
        json_pair(writer, "type", "array");
        json_key(writer, "items");
        leat_put_open(writer);
        put_binary(writer, options);
        leat_put_close(writer);
        put_number(writer, "minItems", options->min_items);
        put_number(writer, "maxItems", options->max_items);
    } else {
        put_binary(writer, options);
    }
    json_title(writer, name_of(step));
    if (options->description)
        json_pair(writer, "description", options->description);
    leat_put_close(writer);
}

static bool has_required_file(const struct endpoint *endpoint) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (is_file(&endpoint->steps[i]) && !options_of(&endpoint->steps[i])->optional)
            return true;
    return false;
}

static void put_required(leat_json *writer, const struct endpoint *endpoint, const leat_schema *form) {
    if (!has_required_file(endpoint) && !(form && component_has_required(form)))
        return;
    json_key(writer, "required");
    json_list_open(writer);
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (is_file(&endpoint->steps[i]) && !options_of(&endpoint->steps[i])->optional)
            json_put_text(writer, name_of(&endpoint->steps[i]));
    if (form)
        component_required_names(writer, form);
    json_list_close(writer);
}

// Which types a file may be of.
static void put_encoding(leat_json *writer, const struct endpoint *endpoint) {
    bool any = false;
    for (unsigned i = 0; i < endpoint->step_count; i++) {
        const struct step *step = &endpoint->steps[i];
        if (!is_file(step) || !options_of(step)->content_types)
            continue;
        if (!any) {
            json_key(writer, "encoding");
            leat_put_open(writer);
        }
        any = true;
        json_key(writer, name_of(step));
        leat_put_open(writer);
        json_pair(writer, "contentType", options_of(step)->content_types);
        leat_put_close(writer);
    }
    if (any)
        leat_put_close(writer);
}

static void put_schema(struct components *components, leat_json *writer, const struct endpoint *endpoint, const leat_schema *form) {
    char title[128];
    snprintf(title, sizeof title, "Body_%.100s", endpoint->route->name);
    json_key(writer, "schema");
    leat_put_open(writer);
    json_key(writer, "properties");
    leat_put_open(writer);
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (is_file(&endpoint->steps[i]))
            put_file(writer, &endpoint->steps[i]);
    if (form)
        component_properties(components, writer, form);
    leat_put_close(writer);
    json_pair(writer, "type", "object");
    put_required(writer, endpoint, form);
    json_pair(writer, "title", title);
    leat_put_close(writer);
}

void openapi_form_write(struct components *components, leat_json *writer, const struct endpoint *endpoint, const leat_schema *form) {
    bool is_required = has_required_file(endpoint) || (form && component_has_required(form));
    json_key(writer, "requestBody");
    leat_put_open(writer);
    json_pair_raw(writer, "required", is_required ? "true" : "false");
    json_key(writer, "content");
    leat_put_open(writer);
    json_key(writer, "multipart/form-data");
    leat_put_open(writer);
    put_schema(components, writer, endpoint, form);
    put_encoding(writer, endpoint);
    leat_put_close(writer);
    leat_put_close(writer);
    leat_put_close(writer);
}
