// cors.h — which origins may read our answers (Fetch standard, section 3.2), as Starlette's middleware answers.
#ifndef APP_CORS_H
#define APP_CORS_H

#include <stdbool.h>

#include "base/arena.h"
#include "http/head.h"

struct cors {
    const str *origins; // exact: scheme, host and port
    size_t origin_count;
};

/**
 * Reads the setting: a JSON list, or origins between commas; slices of `text`, which must outlive them. 0; -EINVAL and a sentence that
 * shows what is wrong: not a list, an origin with a path or without a scheme, "*"; -ENOMEM. Empty text: no origin.
 */
int cors_parse(str text, struct arena *arena, struct cors *ret_cors, str *ret_message);
enum { CORS_BYTES_MAX = 512 };
/** The header lines an answer to `origin` gets, each with its CRLF: of at most CORS_BYTES_MAX; empty where there is no list. */
str cors_lines(const struct cors *cors, str origin, char out[CORS_BYTES_MAX]);
/** A preflight is an OPTIONS with Origin and Access-Control-Request-Method. */
bool cors_is_preflight(const struct http_head *head);
bool cors_allows(const struct cors *cors, str origin);

#endif
