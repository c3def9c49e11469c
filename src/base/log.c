// log.c — one line per event, for people and machines.
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_writer.h"
#include "base/str.h"

static enum log_level least = LOG_INFO;

static struct {
    char name[LOG_PLUGIN_BYTES_MAX];
    enum log_level level;
} plugins[LOG_PLUGINS_MAX];
static size_t plugin_count;

// ---- how much, and in what form

void log_set_level(enum log_level level) {
    least = level;
}

bool log_set_plugin_level(const char *plugin, enum log_level level) {
    size_t i = 0;
    while (i < plugin_count && strcmp(plugins[i].name, plugin) != 0)
        i++;
    if (i == LOG_PLUGINS_MAX || strlen(plugin) >= LOG_PLUGIN_BYTES_MAX)
        return false;
    strcpy(plugins[i].name, plugin);
    plugins[i].level = level;
    plugin_count += i == plugin_count;
    return true;
}

enum log_level log_level_of(const char *plugin) {
    for (size_t i = 0; plugin && i < plugin_count; i++)
        if (strcmp(plugins[i].name, plugin) == 0)
            return plugins[i].level;
    return least;
}

void log_set_format(enum log_format format) {
    log_writer_format = format;
}

static bool is_only_json;

void log_set_only_json(bool is_wanted) {
    is_only_json = is_wanted;
}

// ---- lines

static void put_context(const struct log_context *context, str parts[LOG_PARTS]) {
    if (!context)
        return;
    parts[LOG_PLUGIN] = str_of(context->plugin);
    parts[LOG_ROUTE] = str_of(context->route);
    parts[LOG_REQUEST_ID] = context->request_id;
}

// Apart, so that a coroutine's stack is not touched so far down once there is a writer.
static __attribute__((noinline)) void write_now(const struct log_record *head, const str parts[LOG_PARTS]) {
    _Alignas(struct log_record) char room[LOG_RECORD_BYTES_MAX];
    struct log_record *record = (struct log_record *)room;
    *record = *head;
    log_record_fill(record, parts);
    log_writer_write(record);
}

// `head` with the parts behind it: into the thread's ring, or, where there is no writer, out at once.
static void leave(struct log_record *head, const str parts[LOG_PARTS]) {
    head->bytes = log_record_measure(parts, head->part_bytes);
    bool is_direct;
    struct log_record *record = log_writer_reserve(head->bytes, &is_direct);
    if (is_direct)
        write_now(head, parts);
    if (!record)
        return;
    *record = *head;
    log_record_fill(record, parts);
    log_writer_commit(record);
}

void log_vline_of(const struct log_context *context, enum log_level level, const char *event, const char *format, va_list args) {
    if (level < (context ? context->least : least))
        return;
    char text[LOG_TEXT_BYTES_MAX + 1];
    int wanted = format ? vsnprintf(text, sizeof text, format, args) : 0;
    size_t bytes = wanted < 0 ? 0 : (size_t)wanted;
    str parts[LOG_PARTS] = {[LOG_EVENT] = str_of(event), [LOG_TEXT] = {text, bytes < sizeof text ? bytes : sizeof text - 1}};
    put_context(context, parts);
    struct log_record head = {.kind = LOG_KIND_LINE, .level = (uint8_t)level, .wall_us = clock_wall_us()};
    leave(&head, parts);
}

void log_line_of(const struct log_context *context, enum log_level level, const char *event, const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_vline_of(context, level, event, format, args);
    va_end(args);
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_vline_of(NULL, level, event, format, args);
    va_end(args);
}

void log_request(const struct log_context *context, const struct log_request *request) {
    if (LOG_INFO < context->least)
        return;
    str parts[LOG_PARTS] = {[LOG_EVENT] = S("request"), [LOG_METHOD] = request->method, [LOG_TEXT] = request->path};
    put_context(context, parts);
    struct log_record head = {.kind = LOG_KIND_REQUEST,
                              .level = LOG_INFO,
                              .status = (uint16_t)request->status,
                              .query_count = request->query_count,
                              .call_count = request->call_count,
                              .wall_us = request->wall_us,
                              .duration_us = request->duration_us,
                              .bytes_in = request->bytes_in,
                              .bytes_out = request->bytes_out};
    leave(&head, parts);
}

// ---- words

static bool holds(str text, const char *words) {
    return text.len && memmem(text.ptr, text.len, words, strlen(words));
}

static void leave_words(enum log_level level, const char *event, str line) {
    level = holds(line, "error: ") ? LOG_ERROR : holds(line, "warning: ") ? LOG_WARNING : level;
    str parts[LOG_PARTS] = {[LOG_EVENT] = str_of(event), [LOG_TEXT] = line};
    struct log_record head = {.kind = LOG_KIND_WORDS, .level = (uint8_t)level, .wall_us = clock_wall_us()};
    leave(&head, parts);
}

void log_words(enum log_level level, const char *event, str lines) {
    if (!is_only_json) {
        fwrite(lines.len ? lines.ptr : "", 1, lines.len, stderr);
        return;
    }
    while (lines.len) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t bytes = end ? (size_t)(end - lines.ptr) : lines.len, taken = bytes + (end != NULL);
        if (bytes)
            leave_words(level, event, (str){lines.ptr, bytes});
        lines = (str){lines.ptr + taken, lines.len - taken};
    }
}

void log_say(enum log_level level, const char *event, const char *format, ...) {
    char line[4096];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    size_t bytes = wanted < 0 ? 0 : (size_t)wanted < sizeof line - 2 ? (size_t)wanted : sizeof line - 2;
    line[bytes++] = '\n';
    log_words(level, event, (str){line, bytes});
}

str log_words_render(enum log_level level, const char *event, str text, char *out) {
    return is_only_json ? (str){out, log_record_render_words(level, event, text, clock_wall_us(), out)} : text;
}

// ---- values

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
