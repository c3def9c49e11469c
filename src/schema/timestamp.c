// timestamp.c — timestamps between microseconds and text.
#include "schema/timestamp.h"

#include "schema/digits.h"

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; the year is counted from March, so that leap days come last.
static int64_t days_of_date(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400), month_from_march = month > 2 ? month - 3 : month + 9;
    unsigned day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *ret_month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_year = (unsigned)(year_of_era + era * 400) + (*ret_month <= 2);
}

static int64_t clamped(int64_t us) {
    return us < TIMESTAMP_US_MIN ? TIMESTAMP_US_MIN : us > TIMESTAMP_US_MAX ? TIMESTAMP_US_MAX : us;
}

static char *put_two(char *out, unsigned value, char before) {
    *out++ = before;
    return digits_of_two(out, value);
}

size_t timestamp_format(char *out, timestamp time) {
    int64_t us = clamped(time.us), days = us / DAY_US;
    int64_t us_of_day = us % DAY_US;
    if (us_of_day < 0) {
        us_of_day += DAY_US;
        days--;
    }
    unsigned year, month, day, second = (unsigned)(us_of_day / 1000000), fraction = (unsigned)(us_of_day % 1000000);
    date_of_days(days, &year, &month, &day);
    char *cursor = digits_of_two(digits_of_two(out, year / 100), year % 100);
    cursor = put_two(put_two(cursor, month, '-'), day, '-');
    cursor = put_two(put_two(put_two(cursor, second / 3600, 'T'), second / 60 % 60, ':'), second % 60, ':');
    if (fraction) {
        cursor = put_two(cursor, fraction / 10000, '.');
        cursor = digits_of_two(digits_of_two(cursor, fraction / 100 % 100), fraction % 100);
    }
    *cursor++ = 'Z';
    return (size_t)(cursor - out);
}

int64_t timestamp_us_of_date(unsigned year, unsigned month, unsigned day) {
    return days_of_date(year, month, day) * DAY_US;
}
