// cors.h — which origins may read our answers (Fetch standard, section 3.2), as Starlette's middleware answers.
#ifndef APP_CORS_H
#define APP_CORS_H

#include <stdbool.h>

#include "base/arena.h"
#include "http/head.h"

struct cors {
    const str *origins; // exact: scheme, host and port
    size_t origin_count;
    bool is_any; // "*"
    bool is_without_credentials;
    const char *methods; // "GET, POST"; NULL: all
    const char *headers; // "X-Key, X-Tenant", allowed beside those that are always; NULL: those asked for
    unsigned max_age_s;  // of a preflight; 0: 600
};

/**
 * Reads the setting: a JSON list, or origins between commas; slices of `text`, which must outlive them. 0; -EINVAL and a sentence that
 * shows what is wrong: not a list, an origin with a path or without a scheme, "*" with credentials, or
 * beside others; -ENOMEM. Empty text: no origin. `*ret_cors` says beforehand whether it is without credentials.
 */
int cors_parse(str text, struct arena *arena, struct cors *ret_cors, str *ret_message);
enum { CORS_BYTES_MAX = 512 };
/** The header lines an answer to `origin` gets, each with its CRLF: of at most CORS_BYTES_MAX; empty where there is no list. */
str cors_lines(const struct cors *cors, str origin, char out[CORS_BYTES_MAX]);
/** A preflight is an OPTIONS with Origin and Access-Control-Request-Method. */
bool cors_is_preflight(const struct http_head *head);
bool cors_allows(const struct cors *cors, str origin);
/** Lists of names between commas, as settings hold them: methods that we have, headers that are tokens. NULL, or what is wrong. */
const char *cors_methods_problem(str methods);
const char *cors_headers_problem(str headers);
/** Why a preflight is refused, in Starlette's words: NULL where it is not. */
const char *cors_refusal(const struct cors *cors, const struct http_head *head);
/** The lines a preflight's answer gets beside cors_lines(). */
void cors_preflight_lines(const struct cors *cors, const struct http_head *head, str *ret_methods, str *ret_headers);

#endif
