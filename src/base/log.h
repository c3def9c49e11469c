// log.h — one line per event, for people and machines.
//
// A line is an event and `key=value` pairs; values that hold blanks, quotes or control characters are quoted, so that nothing a client
// sends can forge a line. It is written as JSON or as text (log_set_format()). The lower floors never log above debug: an error is logged
// where it is handled, once.
//
// Before log_start(), and after log_stop(), a line is one write(2) by the thread that logs. In between a thread only leaves a record in a
// ring, and the writer thread does the rest (base/log_writer.h): nobody waits for whoever reads the log.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <leat/values.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_JSON, LOG_PLAIN, LOG_COLOURED };

/** Lines below `level` are dropped from now on. INFO at the start. Called before threads are, as are the next three. */
void log_set_level(enum log_level level);
/** The level of one plugin's lines, whatever the others' is. False: there are more than LOG_PLUGINS_MAX, or the name is too long. */
bool log_set_plugin_level(const char *plugin, enum log_level level);
/** The level of that plugin's lines. NULL: the server's own. */
enum log_level log_level_of(const char *plugin);
/** PLAIN at the start. */
void log_set_format(enum log_format format);
/**
 * True: what log_words() is told is lines of JSON too, so that whoever reads standard error reads nothing else: LOG_FORMAT=json of a
 * server. False at the start: it is told as it is, to people.
 */
void log_set_only_json(bool is_only_json);
enum { LOG_PLUGINS_MAX = 256, LOG_PLUGIN_BYTES_MAX = 64 };

/** `format` makes "key=value key=value"; what is no pair becomes the line's message. Safe from every thread. */
void log_line(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * What people are told, a line or several: why a plugin was refused, which migrations were applied. To standard error as it is, or each
 * line as an event whose message it is (of at most 2047 bytes); one that says "error:" or "warning:" is of that level, whatever `level` is.
 * No level leaves it out.
 */
void log_words(enum log_level level, const char *event, str lines);
/** printf one line of it, without its end. */
void log_say(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** `text` itself, or where JSON alone is wanted a line of that in `out` (LOG_RENDERED_BYTES_MAX). Safe in a signal's handler. */
str log_words_render(enum log_level level, const char *event, str text, char *out);

/** Whose line it is; what is empty is left out. */
struct log_context {
    enum log_level least; // of the plugin: a line below it is dropped
    const char *plugin, *route;
    str request_id;
};
/** A line of a request. `context` may be NULL. */
void log_vline_of(const struct log_context *context, enum log_level level, const char *event, const char *format, va_list args);
void log_line_of(const struct log_context *context, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** A request that has ended: event "request", at info. Nothing is formatted by the caller's thread. */
struct log_request {
    int64_t wall_us;
    unsigned status; // 0: it was never answered
    uint64_t duration_us, bytes_in, bytes_out;
    unsigned query_count, call_count; // call_count: to other servers; not told where there is none
    str method, path;                 // the path as it came, without its query
};
void log_request(const struct log_context *context, const struct log_request *request);

enum { LOG_VALUE_BYTES = 256 };
/** Writes `s` to `out` (at least LOG_VALUE_BYTES) as a safe value, cut where it is too long; returns `out`. */
const char *log_value(char *out, str s);

#endif
