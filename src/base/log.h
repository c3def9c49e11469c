// log.h — one line per event, for people and machines.
//
// A line is `time level event key=value...`; values that hold blanks, quotes or control characters are quoted, so that nothing a client
// sends can forge a line. The lower floors never log above debug: an error is logged where it is handled, once.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <leat/values.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/** Lines below `level` are dropped from now on. INFO at the start. Called before threads are. */
void log_set_level(enum log_level level);
/** `format` makes "key=value key=value". Writes to standard error in one write(2); safe from every thread. */
void log_line(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_vline(enum log_level level, const char *event, const char *format, va_list args);
/** Writes `s` to `out` (at least LOG_VALUE_BYTES) as a safe value, cut where it is too long; returns `out`. */
enum { LOG_VALUE_BYTES = 256 };
const char *log_value(char *out, str s);

#endif
