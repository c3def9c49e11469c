// rule_time.c — timestamps as Pydantic's datetime takes them: ISO 8601 text, seconds or milliseconds since 1970.
//
// A text without an offset is UTC. A number up to 2e10 counts seconds, beyond that milliseconds; both may have a fraction.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "schema/rule.h"
#include "schema/timestamp.h"

static const char too_short[] = "input is too short";
static const char before_year_0[] = "dates before 0000 are not supported as unix timestamps";
static const char after_year_9999[] = "dates after 9999 are not supported as unix timestamps";
static const char year_0[] = "year 0 is out of range";

#define SECONDS_MAX INT64_C(20000000000) // from here on it is milliseconds
#define YEAR_0_SECONDS INT64_C(-62167219200)
#define YEAR_9999_SECONDS INT64_C(253402300799)

static int refuse(const struct rule *rule, const struct spot *spot, enum problem_type type, const char *reason) {
    return rule_refuse(rule, spot, type, &DETAIL_OF_TEXT(str_of(reason)));
}

static int store(const struct rule *rule, const struct spot *spot, i64 us, void *out) {
    if (us < TIMESTAMP_US_MIN)
        return refuse(rule, spot, PROBLEM_DATETIME_PARSING, year_0);
    if (us > TIMESTAMP_US_MAX)
        return refuse(rule, spot, PROBLEM_DATETIME_PARSING, "year 10000 is out of range");
    *(timestamp *)out = (timestamp){us};
    return rule_check(rule, spot, out);
}

// ---- numbers

// `whole` seconds or milliseconds and a fraction of 0 to 1 of them. NULL, or the reason why not.
static const char *us_of_number(i64 whole, double fraction, i64 *ret_us) {
    i64 unit = 1000000;
    if (whole > SECONDS_MAX || whole < -SECONDS_MAX)
        unit = 1000;
    i64 per_second = 1000000 / unit, seconds = whole / per_second - (whole % per_second < 0);
    if (seconds < YEAR_0_SECONDS)
        return before_year_0;
    if (seconds > YEAR_9999_SECONDS)
        return after_year_9999;
    *ret_us = whole * unit + (i64)rint(fraction * (double)unit);
    return NULL;
}

static const char *us_of_real(double value, i64 *ret_us) {
    if (value >= 9e18)
        return after_year_9999;
    if (value <= -9e18)
        return before_year_0;
    double whole = floor(value);
    return us_of_number((i64)whole, value - whole, ret_us);
}

int rule_take_time_numeral(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out) {
    i64 us;
    const char *reason = numeral->is_negative ? before_year_0 : after_year_9999;
    if (numeral->fits)
        reason = us_of_number(numeral->value, 0, &us);
    return reason ? refuse(rule, spot, PROBLEM_DATETIME_PARSING, reason) : store(rule, spot, us, out);
}

int rule_take_time_real(const struct rule *rule, const struct spot *spot, double value, void *out) {
    i64 us;
    const char *reason = us_of_real(value, &us);
    return reason ? refuse(rule, spot, PROBLEM_DATETIME_PARSING, reason) : store(rule, spot, us, out);
}

// ---- text

// The number that `count` digits at `at` make; -1 where they are not there.
static int digits_at(str text, size_t at, size_t count) {
    int value = 0;
    if (at + count > text.len)
        return -1;
    for (size_t i = at; i < at + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static bool is_at(str text, size_t at, char c) {
    return at < text.len && text.ptr[at] == c;
}

static int days_of_month(int year, int month) {
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

enum { DATE_BYTES = 10, FRACTION_DIGITS = 6, DAY_MINUTES = 24 * 60 };

static const char *read_date(str text, int *ret_year, i64 *ret_us) {
    if (text.len < DATE_BYTES)
        return too_short;
    int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
    if (year < 0)
        return "invalid character in year";
    if (!is_at(text, 4, '-'))
        return "invalid date separator, expected `-`";
    if (month < 0)
        return "invalid character in month";
    if (!is_at(text, 7, '-'))
        return "invalid date separator, expected `-`";
    if (day < 0)
        return "invalid character in day";
    if (month < 1 || month > 12)
        return "month value is outside expected range of 1-12";
    if (day < 1 || day > days_of_month(year, month))
        return "day value is outside expected range";
    *ret_year = year;
    *ret_us = timestamp_us_of_date((unsigned)year, (unsigned)month, (unsigned)day);
    return NULL;
}

// The fraction behind the point at `at`, cut to microseconds; moves behind it. False without a digit.
static bool read_fraction(str text, size_t *at, i64 *us) {
    size_t start = ++*at;
    i64 scale = 100000;
    for (; digits_at(text, *at, 1) >= 0; ++*at, scale /= 10)
        if (*at - start < FRACTION_DIGITS)
            *us += digits_at(text, *at, 1) * scale;
    return *at > start;
}

// Z, +HH:MM or +HHMM, with a hyphen or U+2212 for minus; moves behind it.
static bool read_offset(str text, size_t *at, i64 *us) {
    int sign = is_at(text, *at, '+') ? 1 : -1;
    size_t c = *at + 1;
    if (is_at(text, *at, 'Z') || is_at(text, *at, 'z')) {
        *at = c;
        return true;
    }
    if (text.len - *at >= 3 && memcmp(text.ptr + *at, "\xE2\x88\x92", 3) == 0)
        c = *at + 3;
    else if (!is_at(text, *at, '+') && !is_at(text, *at, '-'))
        return false;
    int hours = digits_at(text, c, 2);
    c += 2;
    c += is_at(text, c, ':');
    int minutes = digits_at(text, c, 2);
    if (hours < 0 || minutes < 0 || minutes > 59 || hours * 60 + minutes >= DAY_MINUTES)
        return false;
    *us -= (i64)sign * (hours * 60 + minutes) * 60 * 1000000;
    *at = c + 2;
    return true;
}

static bool read_time(str text, size_t at, i64 *us) {
    int hour = digits_at(text, at, 2), minute = digits_at(text, at + 3, 2), second = 0;
    if (hour < 0 || hour > 23 || !is_at(text, at + 2, ':') || minute < 0 || minute > 59)
        return false;
    at += 5;
    if (is_at(text, at, ':')) {
        second = digits_at(text, at + 1, 2);
        at += 3;
        if (second < 0 || second > 59)
            return false;
        if ((is_at(text, at, '.') || is_at(text, at, ',')) && !read_fraction(text, &at, us))
            return false;
    }
    *us += ((i64)hour * 3600 + minute * 60 + second) * 1000000;
    if (at < text.len && !read_offset(text, &at, us))
        return false;
    return at == text.len;
}

static bool is_separator(char c) {
    return c == 'T' || c == 't' || c == ' ' || c == '_';
}

// A text that is a number: seconds or milliseconds. Without a point it has to be an integer, exponents are for fractions only.
static int take_number_text(const struct rule *rule, const struct spot *spot, str text, const char *otherwise, void *out) {
    i64 us = 0;
    const char *reason = otherwise;
    bool has_point = memchr(text.ptr, '.', text.len) != NULL;
    if (is_number(text) && has_point) {
        double value;
        int error = f64_of_number(text, spot->reading->arena, &value);
        if (error)
            return error;
        reason = us_of_real(value, &us);
    } else if (is_number(text) && !memchr(text.ptr, 'e', text.len) && !memchr(text.ptr, 'E', text.len)) {
        struct numeral numeral;
        if (numeral_of_text(text, &numeral) == NUMERAL_OK && numeral.fits)
            reason = us_of_number(numeral.value, 0, &us);
    }
    return reason ? refuse(rule, spot, PROBLEM_DATETIME_FROM_DATE_PARSING, reason) : store(rule, spot, us, out);
}

int rule_take_time_text(const struct rule *rule, const struct spot *spot, str text, void *out) {
    int year = 0;
    i64 us = 0;
    const char *reason = read_date(text, &year, &us);
    if (!reason && text.len > DATE_BYTES && !(is_separator(text.ptr[DATE_BYTES]) && read_time(text, DATE_BYTES + 1, &us)))
        reason = "unexpected extra characters at the end of the input";
    if (reason)
        return take_number_text(rule, spot, text, reason, out);
    if (year == 0)
        return refuse(rule, spot, PROBLEM_DATETIME_PARSING, year_0);
    return store(rule, spot, us, out);
}
