// log.c — one line per event, for people and machines.
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level least = LOG_INFO;

static const char *const names[] = {[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};

void log_set_level(enum log_level level) {
    least = level;
}

static int put_time(char *out, size_t bytes) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(out, bytes, "%Y-%m-%dT%H:%M:%S", &utc);
    return (int)length + snprintf(out + length, bytes - length, ".%03ldZ", now.tv_nsec / 1000000);
}

// Control characters would end the line or talk to the terminal.
static void make_printable(char *text, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F)
            text[i] = '?';
}

void log_vline(enum log_level level, const char *event, const char *format, va_list args) {
    if (level < least)
        return;
    char line[2048];
    int head = put_time(line, sizeof line);
    head += snprintf(line + head, sizeof line - (size_t)head, " %s %s ", names[level], event);
    int wanted = format ? vsnprintf(line + head, sizeof line - (size_t)head, format, args) : 0;
    size_t bytes = (size_t)head + (size_t)(wanted < 0 ? 0 : wanted);
    if (bytes > sizeof line - 2)
        bytes = sizeof line - 2;
    make_printable(line, bytes);
    line[bytes++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, bytes);
    (void)ignored;
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_vline(level, event, format, args);
    va_end(args);
}

const char *log_value(char *out, str s) {
    size_t n = 0;
    out[n++] = '"';
    for (size_t i = 0; i < s.len && n < LOG_VALUE_BYTES - 4; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\')
            out[n++] = '\\';
        out[n++] = c < ' ' || c == 0x7F ? '?' : (char)c;
    }
    out[n++] = '"';
    out[n] = '\0';
    return out;
}
