// url.h — percent-encoding, query strings and urlencoded forms (WHATWG URL, application/x-www-form-urlencoded).
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"

/**
 * `s` with %XX decoded, and '+' as a blank where `plus` says so; `s` itself where there is nothing to do. A broken %zz stays as it is.
 * `ptr` is NULL without memory.
 */
str url_decode(struct arena *arena, str s, bool plus);
/** What a decoded path must be, else it is answered 400: UTF-8, and no NUL in it. */
bool url_path_is_text(str path);
/** Takes the next `name=value` off `*rest`, still encoded; ';' is no separator. False at the end. */
bool url_next_pair(str *rest, str *ret_name, str *ret_value);
/**
 * Takes the next `name=value` off a Cookie field (RFC 6265, section 4.2), without blanks and the quotes around a value. The name is empty
 * where there is no '='.
 */
bool cookie_next_pair(str *rest, str *ret_name, str *ret_value);

#endif
