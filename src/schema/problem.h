// problem.h — what is wrong with a request, all of it, in Pydantic 2's types and words.
//
// Types, messages and ctx are data in one table (problem.c); nobody else spells a message. A problem's `input` is a slice of the request,
// never of a secret.
#ifndef SCHEMA_PROBLEM_H
#define SCHEMA_PROBLEM_H

#include <stdbool.h>

#include "base/arena.h"
#include "schema/json_write.h"

/** One step of where a value is: a name, or an index where `name.ptr` is NULL. */
struct location {
    const struct location *parent; // NULL at the root, whose name is "path", "query", "header", "cookie", "body" or "settings"
    str name;
    size_t index;
};

struct problem;

struct problems {
    struct arena *arena; // of the request: problems and copies of locations live there
    struct problem *first, **last;
    unsigned count;
    bool is_overflown; // past PROBLEMS_MAX only the count goes on
};

enum { PROBLEMS_MAX = 100 };

void problems_init(struct problems *problems, struct arena *arena);
/** {"detail":[{"type","loc","msg","input","ctx"?}, ...]} */
void problems_write(const struct problems *problems, leat_json *writer);
/** One sentence per problem, "secret_key: String should have at least 32 characters", for settings and start-up messages. */
str problems_text(const struct problems *problems, struct arena *arena);

// ---- adding one

enum problem_type {
    PROBLEM_BOOL_PARSING,
    PROBLEM_BOOL_TYPE,
    PROBLEM_BYTES_TOO_LONG,             // max_length
    PROBLEM_DATETIME_FROM_DATE_PARSING, // error
    PROBLEM_DATETIME_PARSING,           // error
    PROBLEM_DATETIME_TYPE,
    PROBLEM_EMAIL, // reason
    PROBLEM_ENUM,  // expected
    PROBLEM_FINITE_NUMBER,
    PROBLEM_FLOAT_PARSING,
    PROBLEM_FLOAT_TYPE,
    PROBLEM_GREATER_THAN,       // gt
    PROBLEM_GREATER_THAN_EQUAL, // ge
    PROBLEM_INT_FROM_FLOAT,
    PROBLEM_INT_PARSING,
    PROBLEM_INT_PARSING_SIZE,
    PROBLEM_INT_TYPE,
    PROBLEM_JSON_INVALID,    // error
    PROBLEM_LESS_THAN,       // lt
    PROBLEM_LESS_THAN_EQUAL, // le
    PROBLEM_LIST_TYPE,
    PROBLEM_MISSING,
    PROBLEM_MODEL_ATTRIBUTES_TYPE,
    PROBLEM_MULTIPLE_OF,             // multiple_of
    PROBLEM_STRING_PATTERN_MISMATCH, // pattern
    PROBLEM_STRING_TOO_LONG,         // max_length
    PROBLEM_STRING_TOO_SHORT,        // min_length
    PROBLEM_STRING_TYPE,
    PROBLEM_STRING_UNICODE,
    PROBLEM_TOO_LONG,     // field_type, max_length, actual_length
    PROBLEM_TOO_SHORT,    // field_type, min_length, actual_length
    PROBLEM_URL_PARSING,  // error
    PROBLEM_URL_TOO_LONG, // max_length
    PROBLEM_URL_TYPE,
    PROBLEM_UUID_PARSING, // error
    PROBLEM_UUID_TYPE,
    PROBLEM_VALUE_ERROR, // the message of a check
};

/** What a problem says of the value that was sent. */
enum input_kind {
    INPUT_NULL,         // null: what was not sent
    INPUT_WITHHELD,     // no "input" at all: it is a secret, or holds one
    INPUT_JSON,         // `text` as it is, well-formed JSON
    INPUT_TEXT,         // `text` as a string
    INPUT_EMPTY_OBJECT, // {}
};
struct input {
    enum input_kind kind;
    str text;
};

/** It is a secret, or holds one; that nothing came, or an empty list or object, is none. */
void input_withhold(struct input *input);

/** A value of ctx, also told in the message. */
struct detail {
    enum detail_kind { DETAIL_NONE, DETAIL_INT, DETAIL_FLOAT, DETAIL_TEXT } kind;
    int64_t integer;
    double real;
    str text; // lives as long as the request
};
enum { DETAILS_MAX = 3 };
#define DETAIL_OF_INT(value_) ((struct detail){.kind = DETAIL_INT, .integer = (value_)})
#define DETAIL_OF_FLOAT(value_) ((struct detail){.kind = DETAIL_FLOAT, .real = (value_)})
#define DETAIL_OF_TEXT(value_) ((struct detail){.kind = DETAIL_TEXT, .text = (value_)})

/** Adds one, with as many details as its type has in ctx (`details` may be NULL for none). -EINVAL, always, or -ENOMEM. */
int problems_add(struct problems *problems, enum problem_type type, const struct location *location, struct input input,
                 const struct detail *details);

#endif
