// digits.c — numbers as decimal text, the shortest that reads back the same.
//
// Most doubles a service writes are short decimals: prices, coordinates, ratios. They are found by multiplying with growing powers of ten
// until an integer m appears with m / 10^k == value. Both are exact in a double there (m below 2^53, k at most 22), so the division is the
// correctly rounded one and the text reads back the same; below 16 digits no other text of that length does. What is left goes through
// printf with 15, 16 and 17 digits.
#include "digits.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                            "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

char *digits_of_two(char *out, unsigned value) {
    memcpy(out, pairs + value * 2, 2);
    return out + 2;
}

static unsigned digit_count(uint64_t value) {
    unsigned count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *digits_of_u64(char *out, uint64_t value) {
    char *end = out + digit_count(value), *cursor = end;
    for (; value >= 100; value /= 100)
        memcpy(cursor -= 2, pairs + value % 100 * 2, 2);
    if (value >= 10)
        memcpy(cursor - 2, pairs + value * 2, 2);
    else
        cursor[-1] = (char)('0' + value);
    return end;
}

char *digits_of_i64(char *out, int64_t value) {
    if (value >= 0)
        return digits_of_u64(out, (uint64_t)value);
    *out++ = '-';
    return digits_of_u64(out, -(uint64_t)value);
}

// value = 0.d1d2d3... times ten to the power of `point`
struct decimal {
    char digits[20];
    int count, point;
};

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool decimal_is_short(double value, struct decimal *ret) {
    for (int k = 0; k <= 22; k++) {
        double scaled = value * powers_of_ten[k];
        if (scaled >= 1e15)
            return false;
        double whole = rint(scaled);
        if (whole < 1 || whole / powers_of_ten[k] != value)
            continue;
        ret->count = (int)(digits_of_u64(ret->digits, (uint64_t)whole) - ret->digits);
        ret->point = ret->count - k;
        return true;
    }
    return false;
}

static void decimal_by_printf(double value, struct decimal *ret) {
    char text[F64_TEXT_BYTES_MAX];
    for (int precision = value < DBL_MIN ? 1 : 15; precision <= 17; precision++) { // a subnormal has fewer digits
        snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    ret->count = 0;
    const char *c = text;
    for (; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9') // whatever the locale's decimal point is
            ret->digits[ret->count++] = *c;
    ret->point = atoi(c + 1) + 1;
}

// Of a positive, finite value.
static void decimal_of(double value, struct decimal *ret) {
    if (!decimal_is_short(value, ret))
        decimal_by_printf(value, ret);
    while (ret->count > 1 && ret->digits[ret->count - 1] == '0')
        ret->count--;
}

static char *put(char *out, const char *text, int bytes) {
    memcpy(out, text, (size_t)bytes);
    return out + bytes;
}

static char *put_zeros(char *out, int count) {
    memset(out, '0', (size_t)count);
    return out + count;
}

static char *put_fixed(char *out, const struct decimal *decimal) {
    int count = decimal->count, point = decimal->point;
    if (point <= 0) {
        out = put_zeros(put(out, "0.", 2), -point);
        return put(out, decimal->digits, count);
    }
    if (point >= count)
        return put_zeros(put(out, decimal->digits, count), point - count);
    out = put(out, decimal->digits, point);
    *out++ = '.';
    return put(out, decimal->digits + point, count - point);
}

static char *put_exponent(char *out, const struct decimal *decimal) {
    *out++ = decimal->digits[0];
    if (decimal->count > 1) {
        *out++ = '.';
        out = put(out, decimal->digits + 1, decimal->count - 1);
    }
    int exponent = decimal->point - 1;
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    unsigned size = (unsigned)abs(exponent);
    return size < 100 ? digits_of_two(out, size) : digits_of_u64(out, size);
}

static char *put_sign(char *out, double *value) {
    if (signbit(*value)) {
        *out++ = '-';
        *value = -*value;
    }
    return out;
}

char *digits_of_f64(char *out, double value) {
    out = put_sign(out, &value);
    if (value < 1e15 && value == (double)(int64_t)value)
        return put(digits_of_u64(out, (uint64_t)value), ".0", 2);
    struct decimal decimal;
    decimal_of(value, &decimal);
    if (decimal.point <= -4 || decimal.point > 16)
        return put_exponent(out, &decimal);
    out = put_fixed(out, &decimal);
    return decimal.point >= decimal.count ? put(out, ".0", 2) : out;
}

char *digits_of_f64_plain(char *out, double value) {
    out = put_sign(out, &value);
    if (value < 1e15 && value == (double)(int64_t)value)
        return digits_of_u64(out, (uint64_t)value);
    struct decimal decimal;
    decimal_of(value, &decimal);
    return put_fixed(out, &decimal);
}
