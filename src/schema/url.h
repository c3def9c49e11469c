// url.h — URLs, judged as Pydantic's AnyUrl does: the parser of the WHATWG's URL standard.
#ifndef SCHEMA_URL_H
#define SCHEMA_URL_H

#include <leat/values.h>

enum { URL_BYTES_MAX = 65536 };

/** NULL, or what is wrong with `text`, in the words of Rust's url crate. */
const char *url_problem(str text);

#endif
