// rule.h — what one value must be: a type with its options, compiled from a descriptor.
//
// A rule takes a value in the forms that JSON and text have, judges it as Pydantic's lax mode does, and stores it as its C type. Where the
// value was is the reader's business: a spot.
#ifndef SCHEMA_RULE_H
#define SCHEMA_RULE_H

#include <leat/schema.h>

#include "schema/model.h"
#include "schema/numeral.h"
#include "schema/problem.h"

struct pattern;

struct integer_rule {
    i64 ge, gt, le, lt, multiple_of;
    bool has_ge, has_gt, has_le, has_lt;
};
struct real_rule {
    f64 ge, gt, le, lt, multiple_of; // infinite or 0: no bound
};
struct text_rule {
    uint32_t length_min, length_max; // code points; 0: no bound
    enum leat_format format;
    const struct pattern *pattern;
};
struct list_rule {
    const struct rule *item;
    uint32_t count_min, count_max; // 0: no bound
};

struct rule {
    const leat_schema *schema;
    enum leat_kind kind;
    bool is_nullable, is_secret;
    bool is_withheld; // is a secret or holds one: never the `input` of a problem
    const char *(*check)(req *, void *);
    union {
        struct integer_rule integer; // LEAT_I32, LEAT_I64
        struct real_rule real;
        struct text_rule text;
        struct list_rule list;
        const struct model *model; // LEAT_OBJECT
        str expected;              // LEAT_ENUM: "'admin' or 'user'"
    };
};

/** Where a value was, and how a problem shows it. */
struct spot {
    const struct reading *reading;
    const struct location *location;
    struct input input;
};

// Each stores the value and returns 0, or adds a problem and returns -EINVAL, or returns -ENOMEM.

/** A string, of JSON or elsewhere: well-formed UTF-8 without NUL. */
int rule_take_text(const struct rule *rule, const struct spot *spot, str text, void *out);
/** A number, true or false of JSON. */
int rule_take_numeral(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out);
int rule_take_real(const struct rule *rule, const struct spot *spot, double value, void *out);
int rule_take_bool(const struct rule *rule, const struct spot *spot, bool value, void *out);
/** A value of a type that this rule has no use for. Always fails. */
int rule_refuse_type(const struct rule *rule, const struct spot *spot);
/** Fails with this problem. `details` as problems_add() wants them. */
int rule_refuse(const struct rule *rule, const struct spot *spot, enum problem_type type, const struct detail *details);
/** The author's check of a value that has been stored. */
int rule_check(const struct rule *rule, const struct spot *spot, void *out);

// The single types, in files of their own.
int rule_take_string(const struct rule *rule, const struct spot *spot, str text, void *out);
int rule_take_time_text(const struct rule *rule, const struct spot *spot, str text, void *out);
int rule_take_time_numeral(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out);
int rule_take_time_real(const struct rule *rule, const struct spot *spot, double value, void *out);
int rule_take_uuid_text(const struct rule *rule, const struct spot *spot, str text, void *out);
int rule_take_integer(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out);
int rule_store_real(const struct rule *rule, const struct spot *spot, double value, void *out);

#endif
