// json_scan.h — the grammar of JSON (RFC 8259): values found in a text, and where a text breaks it.
//
// A scan goes through the text once, from value to value; nothing is kept of what it passes. What CPython's json module says of a broken
// text, and where, is said here in the same words.
#ifndef SCHEMA_JSON_SCAN_H
#define SCHEMA_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/values.h>

enum { JSON_DEPTH_MAX = 64 };

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_token {
    const char *start, *end; // a string's: with its quotes
    uint8_t kind;
    bool has_escape, has_non_ascii; // of a string
};

struct json_scan {
    const char *start, *cursor, *end;
    const char *error; // what is wrong, as CPython says it; NULL: nothing, or not a matter of grammar
    const char *error_at;
    bool is_undecodable; // nested too deep, or no UTF-8
};

/** A byte order mark is skipped. */
void json_scan_init(struct json_scan *scan, str text);
void json_scan_skip_blanks(struct json_scan *scan);
/** The next value and the blanks before and after it; false: the scan has failed, and says why. */
bool json_scan_value(struct json_scan *scan, unsigned depth, struct json_token *ret_token);
/** True at the end of the text; else the scan fails with what is left. */
bool json_scan_end(struct json_scan *scan);

/**
 * Goes through an object or array whose opening bracket is at the cursor: enter, then next until it is false. `*is_first` starts as true.
 * False is either the end or a failure: json_scan_has_failed() tells. After next() the value is at the cursor.
 */
bool json_scan_enter(struct json_scan *scan, unsigned depth);
bool json_scan_next_member(struct json_scan *scan, bool *is_first, struct json_token *ret_key);
bool json_scan_next_item(struct json_scan *scan, bool *is_first);

static inline bool json_scan_has_failed(const struct json_scan *scan) {
    return scan->error || scan->is_undecodable;
}

static inline str json_token_text(const struct json_token *token) {
    return (str){token->start, (size_t)(token->end - token->start)};
}

/** What is between a string's quotes, escapes and all. */
static inline str json_token_inner(const struct json_token *token) {
    return (str){token->start + 1, (size_t)(token->end - token->start) - 2};
}

#endif
