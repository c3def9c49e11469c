// fuzz_parts.h — forms with files, made from what the document says of one.
#ifndef TESTING_FUZZ_PARTS_H
#define TESTING_FUZZ_PARTS_H

#include "base/arena.h"
#include "testing/fuzz_value.h"

#include <leat/test.h>

/** `media` is the document's multipart/form-data. NULL without memory; `*ret_lacks_some`: of what is required. */
const struct leat_test_part *fuzz_parts(struct fuzz_maker *maker, json_t *media, enum fuzz_quality quality, struct arena *arena,
                                        bool *ret_lacks_some);

#endif
