// form.h — a form's fields out of a body that is here as a whole: urlencoded or multipart/form-data (RFC 7578).
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "base/arena.h"
#include "http/limits.h"

struct form_field {
    str name, value;         // decoded
    str filename, part_type; // of a multipart file; `filename.ptr` is NULL for a plain field
};

struct form {
    struct form_field *fields; // in the arena; values may be slices of the body
    size_t count;
    const char *problem; // a sentence for the client, where form_read() says -EINVAL
};

/**
 * Reads `body` as its Content-Type says; any other type has no fields. 0; -EINVAL and `problem` for a multipart body that is none, or more
 * of anything than `limits` allow; -ENOMEM.
 */
int form_read(struct form *form, str content_type, str body, const struct form_limits *limits, struct arena *arena);
/** Adds one, of which no more than `limits->field_count_max` plus `limits->file_count_max` are taken. The same answers. */
int form_add(struct form *form, struct form_field field, const struct form_limits *limits, struct arena *arena);

#endif
