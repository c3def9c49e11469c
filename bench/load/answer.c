// answer.c — reads the answers on one connection, as they come, and holds each against what was wanted.
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char start[] = "HTTP/1.1 ";
enum { START_BYTES = sizeof start - 1, STATUS_BYTES = 3 };

static void remember_first(struct answers *answers, const char *text, size_t bytes) {
    if (answers->errors.first[0])
        return;
    size_t kept = bytes < sizeof answers->errors.first - 1 ? bytes : sizeof answers->errors.first - 1;
    memcpy(answers->errors.first, text, kept);
    answers->errors.first[kept] = '\0';
}

static bool is_like_the_last(const struct answer_pattern *pattern, const char *data, size_t bytes) {
    return pattern->head_bytes && bytes >= pattern->head_bytes && memcmp(data, pattern->start, START_BYTES + STATUS_BYTES) == 0 &&
           memcmp(data + pattern->line_at, pattern->line, pattern->line_bytes) == 0 &&
           memcmp(data + pattern->head_bytes - 4, "\r\n\r\n", 4) == 0;
}

/** The line "Content-Length: 13\r\n" with the line end before it. */
static const char *length_line(const char *head, size_t head_bytes) {
    static const char name[] = "content-length:";
    const char *end = head + head_bytes;
    for (const char *line = memchr(head, '\n', head_bytes); line && end - line > (long)sizeof name;
         line = memchr(line + 1, '\n', (size_t)(end - line - 1)))
        if (strncasecmp(line + 1, name, sizeof name - 1) == 0)
            return line;
    return NULL;
}

static bool has_no_body(const char *head) {
    return memcmp(head + START_BYTES, "204", STATUS_BYTES) == 0 || memcmp(head + START_BYTES, "304", STATUS_BYTES) == 0;
}

/** Reads a whole head and remembers it. -1: it does not say where the answer ends. */
static int learn(struct answer_pattern *pattern, const char *head, size_t head_bytes) {
    pattern->head_bytes = 0;
    if (head_bytes < START_BYTES + STATUS_BYTES || memcmp(head, start, START_BYTES) != 0)
        return -1;
    const char *line = length_line(head, head_bytes);
    if (!line && !has_no_body(head))
        return -1;
    pattern->body_bytes = line ? strtoul(strchr(line, ':') + 1, NULL, 10) : 0;
    if (!line)
        line = head + START_BYTES;
    const char *line_end = line == head + START_BYTES ? line + STATUS_BYTES : (const char *)memchr(line + 1, '\n', head_bytes) + 1;
    if (line_end - line > ANSWER_LINE_MAX)
        return -1;
    pattern->line_at = (size_t)(line - head);
    pattern->line_bytes = (size_t)(line_end - line);
    memcpy(pattern->line, line, pattern->line_bytes);
    memcpy(pattern->start, head, START_BYTES + STATUS_BYTES);
    pattern->head_bytes = head_bytes;
    return 0;
}

static void begin_body(struct answers *answers, struct answer_reader *reader, const char *head) {
    const struct answer_wanted *wanted = &answers->wanted;
    reader->is_in_body = true;
    reader->is_wrong = false;
    reader->body_left = answers->pattern.body_bytes;
    reader->body_seen = 0;
    if (memcmp(head + START_BYTES, wanted->status, STATUS_BYTES) != 0) {
        answers->errors.status++;
        reader->is_wrong = true;
    } else if (wanted->body_bytes >= 0 && (size_t)wanted->body_bytes != reader->body_left) {
        answers->errors.length++;
        reader->is_wrong = true;
    } else if (wanted->body && reader->body_left < wanted->body_prefix_bytes) {
        answers->errors.body++;
        reader->is_wrong = true;
    }
}

/** The bytes of the head at `data`; 0 while it is not whole; -1 when it is none. */
static int head_at(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes) {
    if (!is_like_the_last(&answers->pattern, data, bytes)) {
        const char *end = memmem(data, bytes, "\r\n\r\n", 4);
        if (!end)
            return 0;
        if (learn(&answers->pattern, data, (size_t)(end - data) + 4) < 0) {
            remember_first(answers, data, bytes);
            return -1;
        }
    }
    begin_body(answers, reader, data);
    if (reader->is_wrong)
        remember_first(answers, data, bytes);
    return (int)answers->pattern.head_bytes;
}

static void check_body(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes) {
    const struct answer_wanted *wanted = &answers->wanted;
    if (!wanted->body || reader->is_wrong || reader->body_seen >= wanted->body_prefix_bytes)
        return;
    size_t left = wanted->body_prefix_bytes - reader->body_seen;
    if (memcmp(data, wanted->body + reader->body_seen, left < bytes ? left : bytes) == 0)
        return;
    answers->errors.body++;
    reader->is_wrong = true;
    remember_first(answers, data, bytes);
}

static size_t read_body(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes) {
    size_t taken = bytes < reader->body_left ? bytes : reader->body_left;
    check_body(answers, reader, data, taken);
    reader->body_left -= taken;
    reader->body_seen += taken;
    return taken;
}

/** Puts what came behind what is held, as far as a head may go. How much of it belongs to the head: all of it while that is not whole. */
static int read_held(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes) {
    size_t room = ANSWER_HEAD_MAX - reader->held, added = bytes < room ? bytes : room;
    if (!reader->head && !(reader->head = malloc(ANSWER_HEAD_MAX)))
        return -1;
    memcpy(reader->head + reader->held, data, added);
    int head_bytes = head_at(answers, reader, reader->head, reader->held + added);
    if (head_bytes < 0 || (head_bytes == 0 && added < bytes))
        return -1;
    if (head_bytes == 0) {
        reader->held += (unsigned)added;
        return (int)added;
    }
    int taken = head_bytes - (int)reader->held;
    reader->held = 0;
    return taken;
}

static int read_head(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes) {
    int taken = reader->held ? 0 : head_at(answers, reader, data, bytes);
    return taken ? taken : read_held(answers, reader, data, bytes);
}

int answer_read(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes) {
    int count = 0;
    while (bytes) {
        int taken = reader->is_in_body ? (int)read_body(answers, reader, data, bytes) : read_head(answers, reader, data, bytes);
        if (taken < 0) {
            answers->errors.broken++;
            return -1;
        }
        data += taken;
        bytes -= (size_t)taken;
        if (reader->is_in_body && reader->body_left == 0) {
            reader->is_in_body = false;
            count++;
        }
    }
    return count;
}

void answer_reader_clear(struct answer_reader *reader) {
    char *head = reader->head;
    *reader = (struct answer_reader){.head = head};
}
