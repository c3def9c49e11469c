// url.h — URLs, judged as Pydantic's AnyUrl does: the parser of the WHATWG's URL standard.
#ifndef SCHEMA_URL_H
#define SCHEMA_URL_H

#include "base/arena.h"

enum { URL_BYTES_MAX = 65536 };

/**
 * `*text` loses the blanks around it and the line feeds and tabs in it, and is otherwise kept as it was sent. 0; -EINVAL: *ret_reason says
 * why, in the words of Rust's url crate; -ENOMEM.
 */
int url_take(struct arena *arena, str *text, const char **ret_reason);

#endif
