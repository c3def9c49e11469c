// form.c — a form's fields out of a body that is here as a whole: urlencoded or multipart/form-data (RFC 7578).
#include "http/form.h"

#include <errno.h>
#include <string.h>

#include "http/characters.h"
#include "http/url.h"

static bool starts_with(str s, const char *prefix) {
    size_t bytes = strlen(prefix);
    return s.len >= bytes && strncasecmp(s.ptr, prefix, bytes) == 0;
}

static str skip(str s, size_t bytes) {
    return (str){s.ptr + bytes, s.len - bytes};
}

// Where `needle` begins in `s`, or NULL.
static const char *find(str s, str needle) {
    return needle.len <= s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
}

// True for "type", "type;..." and "type ;...": the media type without its parameters.
static bool is_media_type(str content_type, const char *type) {
    size_t bytes = strlen(type);
    if (!starts_with(content_type, type))
        return false;
    str rest = trim_blanks(skip(content_type, bytes));
    return !rest.len || rest.ptr[0] == ';';
}

static int refuse(struct form *form, const char *problem) {
    form->problem = problem;
    return -EINVAL;
}

static int form_add(struct form *form, struct form_field field, struct arena *arena) {
    enum { STEP = 16 };
    if (form->count == FORM_FIELDS_MAX)
        return refuse(form, "Too many fields. Maximum number of fields is 1000.");
    if (form->count % STEP == 0) {
        struct form_field *fields = arena_alloc(arena, (form->count + STEP) * sizeof *fields);
        if (!fields)
            return -ENOMEM;
        if (form->count)
            memcpy(fields, form->fields, form->count * sizeof *fields);
        form->fields = fields;
    }
    form->fields[form->count++] = field;
    return 0;
}

static int read_urlencoded(struct form *form, str body, struct arena *arena) {
    str name, value;
    while (url_next_pair(&body, &name, &value)) {
        struct form_field field = {.name = url_decode(arena, name, true), .value = url_decode(arena, value, true)};
        if (!field.name.ptr || !field.value.ptr)
            return -ENOMEM;
        int status = form_add(form, field, arena);
        if (status)
            return status;
    }
    return 0;
}

// A parameter of a header's value, `name="text"` or name=text, with \" and \\ undone; `ptr` NULL where there is none.
static str parameter_of(str value, const char *name, struct arena *arena) {
    size_t name_bytes = strlen(name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != ';')
            continue;
        str rest = trim_blanks(skip(value, i + 1));
        if (!starts_with(rest, name) || rest.len <= name_bytes || rest.ptr[name_bytes] != '=')
            continue;
        rest = skip(rest, name_bytes + 1);
        if (!rest.len || rest.ptr[0] != '"') {
            size_t bytes = 0;
            while (bytes < rest.len && rest.ptr[bytes] != ';' && rest.ptr[bytes] != ' ')
                bytes++;
            return (str){rest.ptr, bytes};
        }
        char *out = arena_raw(arena, rest.len);
        size_t length = 0;
        for (size_t k = 1; out && k < rest.len && rest.ptr[k] != '"'; k++) {
            if (rest.ptr[k] == '\\' && k + 1 < rest.len && (rest.ptr[k + 1] == '"' || rest.ptr[k + 1] == '\\'))
                k++;
            out[length++] = rest.ptr[k];
        }
        return (str){out, length};
    }
    return (str){0};
}

// The lines of a part's head; fills the field's names. -EINVAL where it is no form-data.
static int read_part_head(struct form *form, str head, struct form_field *field, struct arena *arena) {
    while (head.len) {
        const char *end = find(head, S("\r\n"));
        str line = {head.ptr, end ? (size_t)(end - head.ptr) : head.len};
        head = end ? skip(head, line.len + 2) : (str){head.ptr + head.len, 0};
        if (starts_with(line, "content-disposition:")) {
            str value = trim_blanks(skip(line, strlen("content-disposition:")));
            field->name = parameter_of(value, "name", arena);
            field->filename = parameter_of(value, "filename", arena);
        } else if (starts_with(line, "content-type:")) {
            field->part_type = trim_blanks(skip(line, strlen("content-type:")));
        }
    }
    return field->name.ptr ? 0 : refuse(form, "The Content-Disposition header field \"name\" must be provided.");
}

static int read_multipart(struct form *form, str boundary, str body, struct arena *arena) {
    str delimiter = arena_format(arena, "\r\n--%.*s", (int)boundary.len, boundary.ptr);
    if (!delimiter.ptr)
        return -ENOMEM;
    if (body.len < delimiter.len - 2 || memcmp(body.ptr, delimiter.ptr + 2, delimiter.len - 2) != 0)
        return refuse(form, "There was an error parsing the body");
    body = skip(body, delimiter.len - 2);
    while (!(body.len >= 2 && memcmp(body.ptr, "--", 2) == 0)) {
        if (body.len < 2 || memcmp(body.ptr, "\r\n", 2) != 0)
            return refuse(form, "There was an error parsing the body");
        body = skip(body, 2);
        const char *head_end = find(body, S("\r\n\r\n"));
        if (!head_end || head_end - body.ptr > FORM_PART_HEADER_BYTES_MAX)
            return refuse(form, "There was an error parsing the body");
        struct form_field field = {0};
        int status = read_part_head(form, (str){body.ptr, (size_t)(head_end - body.ptr)}, &field, arena);
        if (status)
            return status;
        body = skip(body, (size_t)(head_end - body.ptr) + 4);
        const char *end = find(body, delimiter);
        if (!end)
            return refuse(form, "There was an error parsing the body");
        field.value = (str){body.ptr, (size_t)(end - body.ptr)};
        body = skip(body, field.value.len + delimiter.len);
        if ((status = form_add(form, field, arena)))
            return status;
    }
    return 0;
}

int form_read(struct form *form, str content_type, str body, struct arena *arena) {
    *form = (struct form){0};
    if (is_media_type(content_type, "application/x-www-form-urlencoded"))
        return read_urlencoded(form, body, arena);
    if (!is_media_type(content_type, "multipart/form-data"))
        return 0;
    str boundary = parameter_of(content_type, "boundary", arena);
    if (!boundary.len || boundary.len > 70) // RFC 2046, section 5.1.1
        return refuse(form, "Missing boundary in multipart.");
    return read_multipart(form, boundary, body, arena);
}
