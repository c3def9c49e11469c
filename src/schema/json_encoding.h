// json_encoding.h — JSON that is not in UTF-8, as Python's json.loads() takes it.
#ifndef SCHEMA_JSON_ENCODING_H
#define SCHEMA_JSON_ENCODING_H

#include "base/arena.h"

/** `body` itself, or UTF-8 made of its UTF-16 or UTF-32, told by a byte order mark or by zero bytes. -EILSEQ: it is broken; -ENOMEM. */
int json_encoding_to_utf8(str body, struct arena *arena, str *ret_text);

#endif
