// form_parts.h — a form of fields and files as multipart/form-data, written by a second opinion on what that is.
#ifndef TESTING_FORM_PARTS_H
#define TESTING_FORM_PARTS_H

#include "base/arena.h"

#include <leat/test.h>

#define FORM_PARTS_TYPE "multipart/form-data; boundary=leat-test-7d81c2f0"

/** The body; `ptr` NULL without memory. `parts` end with one without a name. */
str form_parts_body(struct arena *arena, const struct leat_test_part *parts);

#endif
