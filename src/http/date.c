// date.c — dates of HTTP: the Date line of answers, made once a second, and the three forms that a client may write.
#include "http/date.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void two_digits(char *out, int number) {
    out[0] = (char)('0' + number / 10 % 10);
    out[1] = (char)('0' + number % 10);
}

void http_date_write(int64_t second, char out[HTTP_DATE_BYTES]) {
    static const char days[] = "SunMonTueWedThuFriSat";
    time_t time = (time_t)second;
    struct tm tm;
    gmtime_r(&time, &tm);
    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_BYTES);
    memcpy(out, days + (ptrdiff_t)3 * tm.tm_wday, 3);
    two_digits(out + 5, tm.tm_mday);
    memcpy(out + 8, months + (ptrdiff_t)3 * tm.tm_mon, 3);
    two_digits(out + 12, (tm.tm_year + 1900) / 100);
    two_digits(out + 14, (tm.tm_year + 1900) % 100);
    two_digits(out + 17, tm.tm_hour);
    two_digits(out + 20, tm.tm_min);
    two_digits(out + 23, tm.tm_sec);
}

// ---- read

// '0' digit, 'M' the three letters of a month, 'a' any letter, 'b' a digit or a blank; all else is itself.
static bool has_shape(str text, const char *shape) {
    if (text.len != strlen(shape))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_digit = c >= '0' && c <= '9', is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        bool fits = shape[i] == '0'                      ? is_digit
                    : shape[i] == 'b'                    ? is_digit || c == ' '
                    : shape[i] == 'a' || shape[i] == 'M' ? is_letter
                                                         : c == shape[i];
        if (!fits)
            return false;
    }
    return true;
}

static int number_at(str text, size_t at, size_t digits) {
    int number = 0;
    for (size_t i = at; i < at + digits; i++)
        number = number * 10 + (text.ptr[i] == ' ' ? 0 : text.ptr[i] - '0');
    return number;
}

// -1 where it is none.
static int month_at(str text, size_t at) {
    for (int month = 0; month < 12; month++)
        if (memcmp(months + (ptrdiff_t)3 * month, text.ptr + at, 3) == 0)
            return month;
    return -1;
}

static void read_clock(str text, size_t at, struct tm *tm) {
    tm->tm_hour = number_at(text, at, 2);
    tm->tm_min = number_at(text, at + 3, 2);
    tm->tm_sec = number_at(text, at + 6, 2);
}

// Two digits that seem to be more than fifty years ahead are of the century before.
static int year_of_two_digits(int year) {
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    int full = (tm.tm_year + 1900) / 100 * 100 + year;
    return full > tm.tm_year + 1900 + 50 ? full - 100 : full;
}

static int second_of(struct tm *tm, int64_t *ret_second) {
    int day = tm->tm_mday, month = tm->tm_mon;
    if (month < 0 || tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60 || day < 1)
        return -EINVAL;
    int64_t second = timegm(tm);
    if (tm->tm_mday != day && tm->tm_sec != 60) // the 31st of a month that has 30
        return -EINVAL;
    *ret_second = second;
    return 0;
}

int http_date_read(str text, int64_t *ret_second) {
    struct tm tm = {0};
    const char *comma = text.len ? memchr(text.ptr, ',', text.len) : NULL;
    str behind = comma ? (str){comma, text.len - (size_t)(comma - text.ptr)} : (str){0};
    if (has_shape(text, "aaa, 00 MMM 0000 00:00:00 GMT")) { // IMF-fixdate
        tm = (struct tm){.tm_mday = number_at(text, 5, 2), .tm_mon = month_at(text, 8), .tm_year = number_at(text, 12, 4) - 1900};
        read_clock(text, 17, &tm);
    } else if (has_shape(behind, ", 00-MMM-00 00:00:00 GMT")) { // RFC 850
        tm = (struct tm){.tm_mday = number_at(behind, 2, 2),
                         .tm_mon = month_at(behind, 5),
                         .tm_year = year_of_two_digits(number_at(behind, 9, 2)) - 1900};
        read_clock(behind, 12, &tm);
    } else if (has_shape(text, "aaa MMM b0 00:00:00 0000")) { // asctime
        tm = (struct tm){.tm_mday = number_at(text, 8, 2), .tm_mon = month_at(text, 4), .tm_year = number_at(text, 20, 4) - 1900};
        read_clock(text, 11, &tm);
    } else {
        return -EINVAL;
    }
    return second_of(&tm, ret_second);
}

str http_date_line(struct http_date *date, int64_t wall_us) {
    int64_t second = wall_us / 1000000;
    if (second != date->second || !date->line[0]) {
        memcpy(date->line, "Date: ", 6);
        http_date_write(second, date->line + 6);
        memcpy(date->line + 6 + HTTP_DATE_BYTES, "\r\n", 2);
        date->second = second;
    }
    return (str){date->line, HTTP_DATE_LINE_BYTES};
}
