// digits.c — numbers as decimal text, the shortest that reads back the same.
//
// A double stands for every number that is nearer to it than to its neighbours, and the shortest decimal of those is wanted. Between 1e-5
// and 2^53, where nearly all that a service writes is, the bounds of that interval times a power of ten fit 128 bits exactly, and digits
// are dropped for as long as a decimal is left between them. What is outside goes through printf with 15, 16 and 17 digits.
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

static char *digits_of_u64(char *out, uint64_t value) {
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

static const uint64_t powers_of_ten[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
    10000000000000000000u,
};

enum { SIGNIFICANT_DIGITS = 17, MANTISSA_BITS = 52, EXPONENT_BIAS = 1075 };

static unsigned __int128 power_of_ten(int k) {
    return k <= 19 ? powers_of_ten[k] : (unsigned __int128)powers_of_ten[19] * powers_of_ten[k - 19];
}

// How many digits can go from the end so that a decimal is left from `least` to `most`: what holds for many holds for fewer.
static int drop_digits(uint64_t least, uint64_t most) {
    static const uint8_t steps[] = {8, 8, 4, 2, 1};
    int dropped = 0;
    for (size_t i = 0; i < sizeof steps; i++) {
        uint64_t power = powers_of_ten[steps[i]], next_least = (least + power - 1) / power, next_most = most / power;
        if (next_least > next_most)
            continue;
        least = next_least;
        most = next_most;
        dropped += steps[i];
    }
    return dropped;
}

// (whole + fraction / one) / divisor to the nearest integer, the even one of two.
static uint64_t rounded(uint64_t whole, uint64_t divisor, unsigned __int128 fraction, unsigned __int128 one) {
    uint64_t quotient = whole / divisor, rest = whole % divisor;
    unsigned __int128 twice = divisor == 1 ? fraction * 2 : (unsigned __int128)rest * 2, unit = divisor == 1 ? one : divisor;
    bool is_tie = twice == unit && (divisor == 1 || !fraction);
    bool is_up = is_tie ? quotient & 1 : twice >= unit;
    return quotient + is_up;
}

// `value` is within EXACT_LEAST and EXACT_MOST. Everything is counted in units of 2^-shift * 10^-k.
static void decimal_exactly(double value, struct decimal *ret) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1), mantissa = fraction | UINT64_C(1) << MANTISSA_BITS;
    int shift = EXPONENT_BIAS - (int)(bits >> MANTISSA_BITS) + 2, k = SIGNIFICANT_DIGITS;
    if (value >= 1)
        k -= (int)digit_count((uint64_t)value);
    for (double scaled = value; scaled < 0.1; scaled *= 10)
        k++;
    unsigned __int128 scale = power_of_ten(k), middle = scale * mantissa << 2, one = (unsigned __int128)1 << shift;
    bool is_open = mantissa & 1; // a bound itself rounds to the even neighbour
    unsigned __int128 low = middle - (fraction ? scale << 1 : scale), high = middle + (scale << 1);
    uint64_t least = (uint64_t)((low + one - 1 + is_open) >> shift), most = (uint64_t)((high - is_open) >> shift);
    int dropped = drop_digits(least, most);
    uint64_t nearest = rounded((uint64_t)(middle >> shift), powers_of_ten[dropped], middle & (one - 1), one);
    ret->count = (int)(digits_of_u64(ret->digits, nearest) - ret->digits);
    ret->point = ret->count - k + dropped;
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

#define EXACT_LEAST 1e-4
#define EXACT_MOST 9007199254740992.0

// Of a positive, finite value.
static void decimal_of(double value, struct decimal *ret) {
    if (value >= EXACT_LEAST && value < EXACT_MOST)
        decimal_exactly(value, ret);
    else
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
