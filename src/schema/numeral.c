// numeral.c — numbers read from text, as JSON writes them and as Pydantic's lax mode takes them.
//
// A double whose digits fit 53 bits and whose power of ten is at most 22 is one exact division or multiplication; the rest is strtod's
// work.
#include "numeral.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// ---- white space

static bool is_white(uint32_t c) {
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static str last_code_point(str text) {
    size_t start = text.len - 1;
    while (start && text.len - start < 4 && ((unsigned char)text.ptr[start] & 0xC0) == 0x80)
        start--;
    return (str){text.ptr + start, text.len - start};
}

str trimmed(str text) {
    uint32_t code_point;
    for (str rest = text; utf8_next(&rest, &code_point) && is_white(code_point);)
        text = rest;
    while (text.len) {
        str last = last_code_point(text), rest = last;
        if (!utf8_next(&rest, &code_point) || !is_white(code_point) || rest.len)
            break;
        text.len -= last.len;
    }
    return text;
}

// ---- integers

enum { DIGITS_SURE = 18 }; // no more than these always fit 63 bits

static struct numeral numeral_of_digits(bool is_negative, str digits, size_t count) {
    struct numeral numeral = {.is_negative = is_negative, .digits = digits, .fits = true};
    if (count > DIGITS_SURE + 1) {
        numeral.fits = false;
        return numeral;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] != '_')
            value = value * 10 + (unsigned)(digits.ptr[i] - '0');
    numeral.fits = value <= (uint64_t)INT64_MAX + is_negative;
    if (numeral.fits)
        numeral.value = (int64_t)(is_negative ? -value : value);
    return numeral;
}

struct numeral numeral_of_json(str text) {
    bool is_negative = *text.ptr == '-';
    str digits = {text.ptr + is_negative, text.len - is_negative};
    return numeral_of_digits(is_negative, digits, digits.len);
}

static str take_sign(str text, bool *ret_is_negative) {
    *ret_is_negative = text.len && *text.ptr == '-';
    size_t sign = text.len && (*text.ptr == '-' || *text.ptr == '+');
    return (str){text.ptr + sign, text.len - sign};
}

// Digits with single underscores between them; counts the digits, or 0 where it is something else.
static size_t count_digits(str text) {
    size_t count = 0;
    bool may_separate = false;
    for (size_t i = 0; i < text.len; i++) {
        if (is_digit(text.ptr[i]))
            count++;
        else if (text.ptr[i] != '_' || !may_separate)
            return 0;
        may_separate = text.ptr[i] != '_';
    }
    return may_separate ? count : 0;
}

static str without_zero_fraction(str text) {
    size_t zeros = 0;
    while (zeros < text.len && text.ptr[text.len - 1 - zeros] == '0')
        zeros++;
    if (zeros && zeros < text.len && text.ptr[text.len - 1 - zeros] == '.')
        text.len -= zeros + 1;
    return text;
}

static str without_leading_zeros(str text) {
    while (text.len > 1 && (*text.ptr == '0' || *text.ptr == '_'))
        text = (str){text.ptr + 1, text.len - 1};
    return text;
}

enum numeral_result numeral_of_text(str text, struct numeral *ret) {
    bool is_negative;
    text = without_zero_fraction(take_sign(trimmed(text), &is_negative));
    size_t count = count_digits(text);
    str digits = count ? without_leading_zeros(text) : text;
    if (digits.len > NUMERAL_DIGITS_MAX)
        return NUMERAL_TOO_LONG;
    if (!count)
        return NUMERAL_MALFORMED;
    *ret = numeral_of_digits(is_negative, digits, count_digits(digits));
    return NUMERAL_OK;
}

bool numeral_is_multiple(const struct numeral *numeral, int64_t divisor) {
    if (numeral->fits)
        return numeral->value % divisor == 0;
    unsigned __int128 rest = 0;
    for (size_t i = 0; i < numeral->digits.len; i++)
        if (numeral->digits.ptr[i] != '_')
            rest = (rest * 10 + (unsigned)(numeral->digits.ptr[i] - '0')) % (uint64_t)divisor;
    return rest == 0;
}

bool numeral_of_f64(double value, struct numeral *ret) {
    if (!isfinite(value) || value != trunc(value))
        return false;
    *ret = (struct numeral){.is_negative = value < 0, .fits = fabs(value) < 9223372036854775808.0};
    if (ret->fits)
        ret->value = (int64_t)value;
    return true;
}

// ---- doubles

static locale_t c_locale; // where a plugin calls setlocale(), the decimal point of a request stays a point

static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(c_locale);
}

static double by_strtod(const char *text) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return strtod_l(text, NULL, c_locale);
}

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

struct parts {
    uint64_t mantissa;
    size_t digits; // of the mantissa
    int exponent;
    bool is_negative;
};

// Takes a number apart; false where an exponent or the digits are too many to count in 64 bits.
static bool take_apart(str text, struct parts *ret) {
    text = take_sign(text, &ret->is_negative);
    size_t i = 0, point = text.len;
    for (; i < text.len && (is_digit(text.ptr[i]) || text.ptr[i] == '.'); i++) {
        if (text.ptr[i] == '.') {
            point = i;
            continue;
        }
        ret->mantissa = ret->mantissa * 10 + (unsigned)(text.ptr[i] - '0');
        ret->digits += ret->mantissa != 0;
        if (ret->digits > DIGITS_SURE)
            return false;
    }
    ret->exponent = point < i ? -(int)(i - point - 1) : 0;
    if (i == text.len)
        return true;
    if (text.len - i > 6)
        return false;
    bool is_negative;
    str power = take_sign((str){text.ptr + i + 1, text.len - i - 1}, &is_negative);
    int value = 0;
    for (size_t j = 0; j < power.len; j++)
        value = value * 10 + (power.ptr[j] - '0');
    ret->exponent += is_negative ? -value : value;
    return true;
}

static bool is_exact(const struct parts *parts) {
    return parts->mantissa <= UINT64_C(1) << 53 && parts->exponent >= -22 && parts->exponent <= 22;
}

enum { SHORT_BYTES = 128 };

int f64_of_number(str text, struct arena *arena, double *ret_value) {
    struct parts parts = {0};
    if (text.len < SHORT_BYTES && take_apart(text, &parts) && is_exact(&parts)) {
        double value = (double)parts.mantissa;
        value = parts.exponent < 0 ? value / powers_of_ten[-parts.exponent] : value * powers_of_ten[parts.exponent];
        *ret_value = parts.is_negative ? -value : value;
        return 0;
    }
    char brief[SHORT_BYTES], *copy = text.len < SHORT_BYTES ? brief : arena_raw(arena, text.len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text.ptr, text.len); // strtod wants an end that the request does not have
    copy[text.len] = 0;
    *ret_value = by_strtod(copy);
    return 0;
}

static str skip_digits(str text, size_t *count) {
    for (; text.len && is_digit(*text.ptr); (*count)++)
        text = (str){text.ptr + 1, text.len - 1};
    return text;
}

static bool is_exponent(str text) {
    if (!text.len || (*text.ptr | 0x20) != 'e')
        return false;
    bool is_negative;
    size_t count = 0;
    text = skip_digits(take_sign((str){text.ptr + 1, text.len - 1}, &is_negative), &count);
    return count && !text.len;
}

bool is_number(str text) {
    bool is_negative;
    size_t count = 0;
    text = skip_digits(take_sign(text, &is_negative), &count);
    if (text.len && *text.ptr == '.')
        text = skip_digits((str){text.ptr + 1, text.len - 1}, &count);
    return count && (!text.len || is_exponent(text));
}

static bool is_word(str text, const char *word) {
    if (text.len != strlen(word))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] | 0x20) != word[i])
            return false;
    return true;
}

static bool is_special(str text, double *ret_value) {
    bool is_negative;
    text = take_sign(text, &is_negative);
    if (is_word(text, "inf") || is_word(text, "infinity"))
        *ret_value = is_negative ? -INFINITY : INFINITY;
    else if (is_word(text, "nan"))
        *ret_value = NAN;
    else
        return false;
    return true;
}

// Python's rule for underscores, as Pydantic applies it to floats: not first, not last, not two in a row.
static bool has_underscores(str text) {
    if (!memchr(text.ptr, '_', text.len) || *text.ptr == '_' || text.ptr[text.len - 1] == '_')
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (text.ptr[i] == '_' && text.ptr[i - 1] == '_')
            return false;
    return true;
}

static int without_underscores(str *text, struct arena *arena) {
    char *copy = arena_raw(arena, text->len);
    if (!copy)
        return -ENOMEM;
    size_t bytes = 0;
    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] != '_')
            copy[bytes++] = text->ptr[i];
    *text = (str){copy, bytes};
    return 0;
}

static int f64_of_word(str text, struct arena *arena, double *ret_value) {
    if (is_special(text, ret_value))
        return 0;
    return is_number(text) ? f64_of_number(text, arena, ret_value) : -EINVAL;
}

int f64_of_text(str text, struct arena *arena, double *ret_value) {
    int error = f64_of_word(trimmed(text), arena, ret_value);
    if (error != -EINVAL || !has_underscores(text)) // as Pydantic: blanks or underscores, not both
        return error;
    error = without_underscores(&text, arena);
    return error ? error : f64_of_word(text, arena, ret_value);
}
