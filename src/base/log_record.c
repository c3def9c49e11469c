// log_record.c — a line of the log before it is text: what a thread leaves for the writer, and how that reads it out.
#include "base/log_record.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

enum { CLOSING_BYTES = 64, ESCAPED_BYTES_MAX = 8, NUMBER_DIGITS_MAX = 15 };

static const char *const level_names[] = {[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};
static const char *const level_colours[] = {
    [LOG_DEBUG] = "\x1b[2m", [LOG_INFO] = "\x1b[32m", [LOG_WARNING] = "\x1b[33m", [LOG_ERROR] = "\x1b[31m"};

// ---- made

uint32_t log_record_measure(const str parts[LOG_PARTS], uint16_t part_bytes[LOG_PARTS]) {
    size_t bytes = sizeof(struct log_record);
    for (size_t i = 0; i < LOG_PARTS; i++) {
        size_t most = i == LOG_TEXT ? LOG_TEXT_BYTES_MAX : LOG_TEXT_BYTES_MAX / 4;
        part_bytes[i] = (uint16_t)(parts[i].len < most ? parts[i].len : most);
        bytes += part_bytes[i];
    }
    return (uint32_t)(bytes + 7) & ~7u;
}

void log_record_fill(struct log_record *record, const str parts[LOG_PARTS]) {
    char *at = (char *)(record + 1);
    for (size_t i = 0; i < LOG_PARTS; i++)
        if (record->part_bytes[i])
            at = mempcpy(at, parts[i].ptr, record->part_bytes[i]);
}

static str part_of(const struct log_record *record, enum log_part part) {
    const char *at = (const char *)(record + 1);
    for (size_t i = 0; i < part; i++)
        at += record->part_bytes[i];
    return (str){at, record->part_bytes[part]};
}

// ---- text put where there is room

struct line {
    char *start, *at, *end; // `end` leaves CLOSING_BYTES for what closes the line
};

static bool has_room(const struct line *line, size_t bytes) {
    return (size_t)(line->end - line->at) >= bytes;
}

static void put(struct line *line, str text) {
    size_t room = (size_t)(line->end - line->at), bytes = text.len < room ? text.len : room;
    line->at = mempcpy(line->at, text.ptr, bytes);
}

static void put_text(struct line *line, const char *text) {
    put(line, str_of(text));
}

static void put_char(struct line *line, char c) {
    put(line, (str){&c, 1});
}

static void put_number(struct line *line, uint64_t number, unsigned width) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[sizeof digits - ++count] = (char)('0' + number % 10);
        number /= 10;
    } while (number || count < width);
    put(line, (str){digits + sizeof digits - count, count});
}

// Days since 1970 to a date of the Gregorian calendar: eras of 400 years that begin in March, so that the leap day is a year's last.
static void put_date(struct line *line, int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    put_number(line, (uint64_t)(era * 400 + year_of_era + (month <= 2)), 4);
    put_char(line, '-');
    put_number(line, month, 2);
    put_char(line, '-');
    put_number(line, day_of_year - (153 * shifted_month + 2) / 5 + 1, 2);
}

static void put_time(struct line *line, int64_t wall_us) {
    uint64_t us = wall_us > 0 ? (uint64_t)wall_us : 0, seconds = us / 1000000;
    put_date(line, (int64_t)(seconds / 86400));
    put_char(line, 'T');
    put_number(line, seconds / 3600 % 24, 2);
    put_char(line, ':');
    put_number(line, seconds / 60 % 60, 2);
    put_char(line, ':');
    put_number(line, seconds % 60, 2);
    put_char(line, '.');
    put_number(line, us / 1000 % 1000, 3);
    put_char(line, 'Z');
}

// ---- the pairs of a text

struct pair {
    str key;   // empty: `value` is a word that is no pair
    str value; // without its quotes
    bool is_quoted;
};

static bool is_key(str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && !(i && ((c >= '0' && c <= '9') || c == '.' || c == '-')))
            return false;
    }
    return s.len;
}

// Behind the quote that ends the value, or the end; a backslash takes the meaning off what follows it.
static size_t quoted_bytes(str text) {
    size_t i = 0;
    while (i < text.len && text.ptr[i] != '"')
        i += text.ptr[i] == '\\' && i + 1 < text.len ? 2 : 1;
    return i < text.len ? i : text.len;
}

static size_t word_bytes(str text) {
    const char *blank = memchr(text.ptr, ' ', text.len);
    return blank ? (size_t)(blank - text.ptr) : text.len;
}

static bool next_pair(str *rest, struct pair *ret_pair) {
    while (rest->len && *rest->ptr == ' ')
        *rest = (str){rest->ptr + 1, rest->len - 1};
    if (!rest->len)
        return false;
    size_t bytes = word_bytes(*rest);
    const char *equals = memchr(rest->ptr, '=', bytes);
    str key = {rest->ptr, equals ? (size_t)(equals - rest->ptr) : 0};
    *ret_pair = (struct pair){.value = {rest->ptr, bytes}};
    if (equals && is_key(key)) {
        str value = {equals + 1, rest->len - key.len - 1};
        ret_pair->is_quoted = value.len && *value.ptr == '"';
        if (ret_pair->is_quoted)
            value = (str){value.ptr + 1, value.len - 1};
        value.len = ret_pair->is_quoted ? quoted_bytes(value) : word_bytes(value);
        ret_pair->key = key;
        ret_pair->value = value;
        bytes = (size_t)(value.ptr + value.len - rest->ptr) + ret_pair->is_quoted;
        bytes = bytes < rest->len ? bytes : rest->len;
    }
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return true;
}

// ---- JSON

// Bytes that stand for themselves, as nearly all do.
static size_t plain_bytes(str text) {
    size_t i = 0;
    while (i < text.len && text.ptr[i] >= ' ' && text.ptr[i] <= '~' && text.ptr[i] != '"' && text.ptr[i] != '\\')
        i++;
    return i;
}

static void put_json_text(struct line *line, str text, bool is_escaped) {
    static const char hex[] = "0123456789abcdef";
    for (uint32_t c; has_room(line, ESCAPED_BYTES_MAX);) {
        size_t plain = plain_bytes(text);
        put(line, (str){text.ptr, plain});
        text = (str){text.ptr + plain, text.len - plain};
        if (!has_room(line, ESCAPED_BYTES_MAX) || !utf8_next(&text, &c))
            return;
        if (is_escaped && c == '\\' && text.len) // of `key="..."`: what follows means itself
            utf8_next(&text, &c);
        if (c == '"' || c == '\\')
            put(line, (str){(char[]){'\\', (char)c}, 2});
        else if (c < ' ' || c == 0x7F)
            put(line, (str){(char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6});
        else
            line->at += utf8_put(line->at, c);
    }
}

// The line's own keys are nobody else's, so that a text cannot speak for them.
static bool is_own_key(str key) {
    static const char *const own[] = {"time", "level", "event", "plugin", "route", "request_id", "message"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (key.len == strlen(own[i]) && memcmp(key.ptr, own[i], key.len) == 0)
            return true;
    return false;
}

static bool put_json_key(struct line *line, str key) {
    if (!has_room(line, key.len + ESCAPED_BYTES_MAX + 8))
        return false;
    put(line, S(",\""));
    put(line, key);
    put(line, S("\":"));
    return true;
}

static void put_json_string(struct line *line, const char *key, str value) {
    if (!value.len || !put_json_key(line, str_of(key)))
        return;
    put_char(line, '"');
    put_json_text(line, value, false);
    *line->at++ = '"';
}

static void put_json_number(struct line *line, const char *key, uint64_t number) {
    if (has_room(line, 64) && put_json_key(line, str_of(key)))
        put_number(line, number, 1);
}

static bool is_number(str s) {
    size_t sign = s.len && *s.ptr == '-', digits = s.len - sign;
    if (!digits || digits > NUMBER_DIGITS_MAX || (s.ptr[sign] == '0' && digits > 1))
        return false;
    for (size_t i = sign; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

static void put_json_pair(struct line *line, const struct pair *pair) {
    char key[80];
    size_t bytes = pair->key.len < sizeof key - 1 ? pair->key.len : sizeof key - 1;
    char *end = mempcpy(key, pair->key.ptr, bytes);
    if (is_own_key(pair->key))
        *end++ = '_';
    if (!put_json_key(line, (str){key, (size_t)(end - key)}))
        return;
    if (!pair->is_quoted && is_number(pair->value) && has_room(line, pair->value.len)) {
        put(line, pair->value);
        return;
    }
    put_char(line, '"');
    put_json_text(line, pair->value, pair->is_quoted);
    *line->at++ = '"';
}

// The pairs first, then the words that are none, as they stand.
static void put_json_pairs(struct line *line, str text) {
    struct pair pair;
    bool has_words = false;
    for (str rest = text; next_pair(&rest, &pair);) {
        if (pair.key.len)
            put_json_pair(line, &pair);
        has_words |= !pair.key.len;
    }
    if (!has_words || !put_json_key(line, S("message")))
        return;
    put_char(line, '"');
    bool is_first = true;
    for (str rest = text; next_pair(&rest, &pair);) {
        if (pair.key.len)
            continue;
        if (!is_first)
            put_char(line, ' ');
        is_first = false;
        put_json_text(line, pair.value, false);
    }
    *line->at++ = '"';
}

static void put_json_head(struct line *line, int64_t wall_us, enum log_level level, str event) {
    put(line, S("{\"time\":\""));
    put_time(line, wall_us);
    put_char(line, '"');
    put_json_string(line, "level", str_of(level_names[level]));
    put_json_string(line, "event", event);
}

static void put_json(struct line *line, const struct log_record *record) {
    put_json_head(line, record->wall_us, record->level, part_of(record, LOG_EVENT));
    put_json_string(line, "plugin", part_of(record, LOG_PLUGIN));
    put_json_string(line, "route", part_of(record, LOG_ROUTE));
    put_json_string(line, "request_id", part_of(record, LOG_REQUEST_ID));
    if (record->kind == LOG_KIND_REQUEST) {
        put_json_string(line, "method", part_of(record, LOG_METHOD));
        put_json_string(line, "path", part_of(record, LOG_TEXT));
        put_json_number(line, "status", record->status);
        put_json_number(line, "us", record->duration_us);
        put_json_number(line, "bytes_in", record->bytes_in);
        put_json_number(line, "bytes_out", record->bytes_out);
        put_json_number(line, "queries", record->query_count);
        if (record->call_count)
            put_json_number(line, "calls", record->call_count);
    } else if (record->kind == LOG_KIND_WORDS) {
        put_json_string(line, "message", part_of(record, LOG_TEXT));
    } else {
        put_json_pairs(line, part_of(record, LOG_TEXT));
    }
    *line->at++ = '}';
}

// ---- text

// Control characters would end the line or talk to the terminal.
static void put_printable(struct line *line, str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        put_char(line, c < ' ' || c == 0x7F ? '?' : (char)c);
    }
}

static bool needs_quotes(str value) {
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == ' ' || value.ptr[i] == '"' || value.ptr[i] == '\\' || value.ptr[i] == '=')
            return true;
    return false;
}

static void put_value(struct line *line, const char *key, str value) {
    if (!value.len)
        return;
    put_char(line, ' ');
    put_text(line, key);
    if (!needs_quotes(value)) {
        put_printable(line, value);
        return;
    }
    char quoted[LOG_VALUE_BYTES];
    put_text(line, log_value(quoted, value));
}

static void put_figure(struct line *line, const char *key, uint64_t number) {
    put_char(line, ' ');
    put_text(line, key);
    put_number(line, number, 1);
}

static void put_answer(struct line *line, const struct log_record *record) {
    put_value(line, "method=", part_of(record, LOG_METHOD));
    put_value(line, "path=", part_of(record, LOG_TEXT));
    put_figure(line, "status=", record->status);
    put_figure(line, "us=", record->duration_us);
    put_figure(line, "bytes_in=", record->bytes_in);
    put_figure(line, "bytes_out=", record->bytes_out);
    put_figure(line, "queries=", record->query_count);
    if (record->call_count)
        put_figure(line, "calls=", record->call_count);
}

static void put_plain(struct line *line, const struct log_record *record, bool is_coloured) {
    put_time(line, record->wall_us);
    put_char(line, ' ');
    if (is_coloured)
        put_text(line, level_colours[record->level]);
    put_text(line, level_names[record->level]);
    if (is_coloured)
        put(line, S("\x1b[0m"));
    put_char(line, ' ');
    if (is_coloured)
        put(line, S("\x1b[1m"));
    put_printable(line, part_of(record, LOG_EVENT));
    if (is_coloured)
        put(line, S("\x1b[0m"));
    if (record->kind == LOG_KIND_REQUEST)
        put_answer(line, record);
    put_value(line, "plugin=", part_of(record, LOG_PLUGIN));
    put_value(line, "route=", part_of(record, LOG_ROUTE));
    put_value(line, "request_id=", part_of(record, LOG_REQUEST_ID));
    if (record->kind != LOG_KIND_REQUEST) {
        put_char(line, ' ');
        put_printable(line, part_of(record, LOG_TEXT));
    }
}

size_t log_record_render(const struct log_record *record, enum log_format format, char *out) {
    struct line line = {out, out, out + LOG_RENDERED_BYTES_MAX - CLOSING_BYTES};
    if (format == LOG_JSON)
        put_json(&line, record);
    else
        put_plain(&line, record, format == LOG_COLOURED);
    *line.at++ = '\n';
    return (size_t)(line.at - line.start);
}

size_t log_record_render_words(enum log_level level, const char *event, str text, int64_t wall_us, char *out) {
    struct line line = {out, out, out + LOG_RENDERED_BYTES_MAX - CLOSING_BYTES};
    put_json_head(&line, wall_us, level, str_of(event));
    put_json_string(&line, "message", (str){text.ptr, text.len - (text.len && text.ptr[text.len - 1] == '\n')});
    *line.at++ = '}';
    *line.at++ = '\n';
    return (size_t)(line.at - line.start);
}
