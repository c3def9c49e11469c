// numeral.h — numbers read from text, as JSON writes them and as Pydantic's lax mode takes them.
#ifndef SCHEMA_NUMERAL_H
#define SCHEMA_NUMERAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/** An integer of any size. */
struct numeral {
    bool fits; // into `value`; else only sign and digits say what it is
    bool is_negative;
    int64_t value;
    str digits; // without sign and leading zeros; may hold single underscores
};
/** More digits than CPython turns into an integer. */
enum { NUMERAL_DIGITS_MAX = 4300 };

/** A JSON integer, already scanned. */
struct numeral numeral_of_json(str text);
enum numeral_result { NUMERAL_OK, NUMERAL_MALFORMED, NUMERAL_TOO_LONG };
/** "5", " +5 ", "1_000", "10.00"; not "1.5", "1e1", "0x1". */
enum numeral_result numeral_of_text(str text, struct numeral *ret);
/** The remainder's being 0; `divisor` is positive. */
bool numeral_is_multiple(const struct numeral *numeral, int64_t divisor);
/** The integral value of a double, where it has one. False for fractions and infinities. */
bool numeral_of_f64(double value, struct numeral *ret);

/** A number of JSON's form, or "1.", ".5", "+1"; infinite where it is too large. 0, or -ENOMEM for a long text. */
int f64_of_number(str text, struct arena *arena, double *ret_value);
/** The same for lax text: blanks around, single underscores, inf, infinity, nan. -EINVAL: it is none of these. */
int f64_of_text(str text, struct arena *arena, double *ret_value);
/** True where `text` has the form of a number: [+-] digits [. digits] [e [+-] digits], with a digit before or behind the point. */
bool is_number(str text);

/** Without the white space of Unicode at both ends. */
str trimmed(str text);

#endif
