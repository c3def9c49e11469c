// date.c — the Date line of answers, made once a second.
#include "http/date.h"

#include <string.h>
#include <time.h>

static void two_digits(char *out, int number) {
    out[0] = (char)('0' + number / 10 % 10);
    out[1] = (char)('0' + number % 10);
}

void http_date_write(int64_t second, char out[HTTP_DATE_BYTES]) {
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
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
