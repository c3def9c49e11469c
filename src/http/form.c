// form.c — a form's fields out of a body that is here as a whole: urlencoded or multipart/form-data (RFC 7578).
#include "http/form.h"

#include <errno.h>
#include <string.h>

#include "http/characters.h"
#include "http/multipart.h"
#include "http/url.h"

static bool is_urlencoded(str content_type) {
    static const char type[] = "application/x-www-form-urlencoded";
    size_t bytes = sizeof type - 1;
    if (content_type.len < bytes || strncasecmp(content_type.ptr, type, bytes) != 0)
        return false;
    str rest = trim_blanks((str){content_type.ptr + bytes, content_type.len - bytes});
    return !rest.len || rest.ptr[0] == ';';
}

static int refuse(struct form *form, const char *problem) {
    form->problem = problem;
    return -EINVAL;
}

int form_add(struct form *form, struct form_field field, const struct form_limits *limits, struct arena *arena) {
    enum { STEP = 16 };
    if (form->count == (size_t)limits->field_count_max + limits->file_count_max)
        return refuse(form, "Too many fields.");
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

static int refuse_count(struct form *form, const struct form_limits *limits, struct arena *arena) {
    str words = arena_format(arena, "Too many fields. Maximum number of fields is %u.", limits->field_count_max);
    return words.ptr ? refuse(form, words.ptr) : -ENOMEM;
}

static int read_urlencoded(struct form *form, str body, const struct form_limits *limits, struct arena *arena) {
    str name, value;
    while (url_next_pair(&body, &name, &value)) {
        struct form_field field = {.name = url_decode(arena, name, true), .value = url_decode(arena, value, true)};
        if (!field.name.ptr || !field.value.ptr)
            return -ENOMEM;
        if (form->count == limits->field_count_max)
            return refuse_count(form, limits, arena);
        int error = form_add(form, field, limits, arena);
        if (error)
            return error;
    }
    return 0;
}

// What a part's head says, in memory that stays.
static int begin_field(struct form_field *field, const struct part_head *part, struct arena *arena) {
    *field = (struct form_field){.name = arena_copy(arena, part->name), .value = S("")};
    if (part->is_file)
        field->filename = arena_copy(arena, part->filename);
    if (part->content_type.ptr)
        field->part_type = arena_copy(arena, part->content_type);
    return field->name.ptr && (field->filename.ptr || !part->is_file) ? 0 : -ENOMEM;
}

static int end_field(struct form *form, const struct form_field *field, const struct form_limits *limits, struct arena *arena) {
    if (field->filename.ptr || field->value.len <= limits->field_bytes_max)
        return form_add(form, *field, limits, arena);
    str words = arena_format(arena, "Part exceeded maximum size of %uKB.", limits->field_bytes_max / 1024);
    return words.ptr ? refuse(form, words.ptr) : -ENOMEM;
}

// The body is one piece, so a field's value is one slice of it.
static int read_multipart(struct form *form, struct multipart *multipart, str body, struct arena *arena) {
    struct form_field field = {0};
    str data;
    int event, status = 0;
    while (!status && (event = multipart_next(multipart, &body, &data)) > 0) {
        if (event == MULTIPART_PART)
            status = begin_field(&field, &multipart->part, arena);
        else if (event == MULTIPART_DATA)
            field.value = data;
        else
            status = end_field(form, &field, multipart->limits, arena);
    }
    if (status)
        return status;
    if (event == -EINVAL || multipart_end(multipart))
        return refuse(form, multipart->problem);
    return 0;
}

int form_read(struct form *form, str content_type, str body, const struct form_limits *limits, struct arena *arena) {
    *form = (struct form){0};
    if (is_urlencoded(content_type))
        return read_urlencoded(form, body, limits, arena);
    if (!multipart_is_type(content_type))
        return 0;
    struct multipart *multipart = arena_alloc(arena, sizeof *multipart);
    char *head = multipart ? arena_raw(arena, limits->part_head_bytes_max < body.len ? limits->part_head_bytes_max : body.len + 1) : NULL;
    if (!head)
        return -ENOMEM;
    if (multipart_begin(multipart, content_type, limits, head))
        return refuse(form, multipart->problem);
    return read_multipart(form, multipart, body, arena);
}
