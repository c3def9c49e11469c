// json_raw.c — JSON that is kept as its text: what may not be in it.
#include "json_raw.h"

#include <math.h>
#include <string.h>

#include "schema/json_string.h"
#include "schema/numeral.h"

static str skip_string(str rest) {
    for (rest = (str){rest.ptr + 1, rest.len - 1}; *rest.ptr != '"';) {
        size_t step = *rest.ptr == '\\' ? 2 : 1;
        rest = (str){rest.ptr + step, rest.len - step};
    }
    return (str){rest.ptr + 1, rest.len - 1};
}

static bool is_of_number(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || (c | 0x20) == 'e';
}

enum { EXPONENT_SAFE_BYTES = 300 }; // a number this short without an exponent is finite

static bool is_good_number(str number) {
    double value;
    bool has_exponent = memchr(number.ptr, 'e', number.len) || memchr(number.ptr, 'E', number.len);
    if (!has_exponent && number.len < EXPONENT_SAFE_BYTES)
        return true;
    if (!has_exponent && !memchr(number.ptr, '.', number.len))
        return number.len <= NUMERAL_DIGITS_MAX;
    return number.len <= NUMERAL_DIGITS_MAX && f64_of_number(number, NULL, &value) == 0 && isfinite(value);
}

static bool has_good_numbers(str rest) {
    while (rest.len) {
        if (*rest.ptr == '"') {
            rest = skip_string(rest);
            continue;
        }
        str number = {rest.ptr, 0};
        if (*rest.ptr == '-' || (*rest.ptr >= '0' && *rest.ptr <= '9'))
            while (number.len < rest.len && is_of_number(number.ptr[number.len]))
                number.len++;
        if (number.len && !is_good_number(number))
            return false;
        size_t step = number.len ? number.len : 1;
        rest = (str){rest.ptr + step, rest.len - step};
    }
    return true;
}

enum json_raw_fault json_raw_fault_of(str value) {
    if (!json_strings_are_clean(value))
        return JSON_RAW_TEXT;
    return has_good_numbers(value) ? JSON_RAW_GOOD : JSON_RAW_NUMBER;
}
