// conformance.h — the OpenAPI document as a judge: is this value what a schema says, is this answer what an operation says?
#ifndef TESTING_CONFORMANCE_H
#define TESTING_CONFORMANCE_H

#include <jansson.h>

#include "testing/test_app.h"

enum { SCHEMA_DEPTH_MAX = 64 };

struct document {
    struct test_app *a;
    json_t *root;
};

/** The document of what is served. 0 or -EINVAL. */
int document_open(struct document *document, struct test_app *a);
void document_close(struct document *document);

/** The schema itself, or what its $ref leads to; borrowed. */
json_t *document_resolve(const struct document *document, json_t *schema);
/** The operation of a method (any case) and a path with values in it; a literal segment goes before a {name}. Borrowed; NULL: there is
 * none. */
json_t *document_operation(const struct document *document, const char *method, const char *path);

/** NULL where `value` is what `schema` says, and holds no member that it does not name; else why not, in the test's memory. */
const char *document_misfit(const struct document *document, json_t *schema, const json_t *value);
/** NULL where the operation has this status, and the body is as it says. */
const char *document_judge(const struct document *document, json_t *operation, const answer *x);

#endif
