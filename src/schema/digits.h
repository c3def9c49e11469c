// digits.h — numbers as decimal text, the shortest that reads back the same.
#ifndef SCHEMA_DIGITS_H
#define SCHEMA_DIGITS_H

#include <stddef.h>
#include <stdint.h>

enum { I64_TEXT_BYTES_MAX = 20, F64_TEXT_BYTES_MAX = 32, F64_PLAIN_BYTES_MAX = 352 };

/** Writes `value` to `out`, no NUL; returns the end. */
char *digits_of_i64(char *out, int64_t value);
/** Exactly two digits of a value below 100. */
char *digits_of_two(char *out, unsigned value);
/**
 * The shortest text that reads back as `value`, as Python's repr() writes it: 1.0, 0.1, 1e+16, 1e-05. `value` is finite. Returns the end.
 */
char *digits_of_f64(char *out, double value);
/** The same digits, but never an exponent and no ".0": how Rust, and so Pydantic's messages, write a bound. */
char *digits_of_f64_plain(char *out, double value);

#endif
