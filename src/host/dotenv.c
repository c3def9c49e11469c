// dotenv.c — a .env file: KEY=value lines, read into the environment.
#include "dotenv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    const char *cursor, *end;
    const char *path;
    unsigned line;
    struct arena *arena;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool is_at_end(const struct reader *reader) {
    return reader->cursor == reader->end;
}

static char peek(const struct reader *reader) {
    return is_at_end(reader) ? '\0' : *reader->cursor;
}

static void skip_blanks(struct reader *reader) {
    while (!is_at_end(reader) && is_blank(*reader->cursor))
        reader->cursor++;
}

static const char *line_end(const struct reader *reader) {
    const char *end = memchr(reader->cursor, '\n', (size_t)(reader->end - reader->cursor));
    return end ? end : reader->end;
}

static void skip_line(struct reader *reader) {
    reader->cursor = line_end(reader);
    if (!is_at_end(reader))
        reader->cursor++;
    reader->line++;
}

// What may follow a value: blanks, a comment, the line's end.
static bool is_rest_empty(const struct reader *reader) {
    const char *c = reader->cursor, *end = line_end(reader);
    while (c < end && (is_blank(*c) || *c == '\r'))
        c++;
    return c == end || *c == '#';
}

static str read_name(struct reader *reader) {
    const char *start = reader->cursor;
    while (!is_at_end(reader) && (isalnum((unsigned char)*reader->cursor) || strchr("_.-", *reader->cursor)) && *reader->cursor)
        reader->cursor++;
    return (str){start, (size_t)(reader->cursor - start)};
}

static str read_bare(struct reader *reader) {
    const char *start = reader->cursor, *end = line_end(reader), *c = start;
    while (c < end && !(*c == '#' && (c == start || is_blank(c[-1]))))
        c++;
    while (c > start && (is_blank(c[-1]) || c[-1] == '\r'))
        c--;
    reader->cursor = c;
    return (str){start, (size_t)(c - start)};
}

static char unescape(char c) {
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

// From behind the opening quote. `ptr` is NULL where it is not closed, or without memory.
static str read_quoted(struct reader *reader, char quote) {
    const char *start = reader->cursor;
    const char *c = start;
    while (c < reader->end && *c != quote)
        c += *c == '\\' && quote == '"' && c + 1 < reader->end ? 2 : 1;
    if (c >= reader->end)
        return (str){0};
    char *value = arena_raw(reader->arena, (size_t)(c - start));
    size_t bytes = 0;
    for (const char *from = start; value && from < c; from++) {
        if (*from == '\n')
            reader->line++;
        if (*from == '\\' && quote == '"' && strchr("nrt\"\\$", from[1]))
            value[bytes++] = unescape(*++from);
        else
            value[bytes++] = *from;
    }
    reader->cursor = c + 1;
    return (str){value, bytes};
}

// NULL, or what is wrong with the line.
static const char *read_assignment(struct reader *reader, str *ret_name, str *ret_value) {
    static const char shape[] = "is no NAME=value";
    str name = read_name(reader);
    if (name.len == 6 && !memcmp(name.ptr, "export", 6) && is_blank(peek(reader))) {
        skip_blanks(reader);
        name = read_name(reader);
    }
    skip_blanks(reader);
    if (!name.len || peek(reader) != '=')
        return shape;
    reader->cursor++;
    skip_blanks(reader);
    char quote = peek(reader);
    if (quote != '"' && quote != '\'') {
        *ret_name = name;
        *ret_value = read_bare(reader);
        return NULL;
    }
    reader->cursor++;
    str value = read_quoted(reader, quote);
    if (!value.ptr)
        return "opens a quote and does not close it";
    if (!is_rest_empty(reader))
        return "goes on behind its closing quote";
    *ret_name = name;
    *ret_value = value;
    return NULL;
}

static int read_as(enum environment_source source, str text, const char *path, struct environment *environment, struct messages *messages) {
    if (text.len >= 3 && !memcmp(text.ptr, "\xEF\xBB\xBF", 3)) // editors on Windows
        text = (str){text.ptr + 3, text.len - 3};
    struct reader reader = {text.ptr, text.ptr + text.len, path, 1, environment->arena};
    if (text.len && memchr(text.ptr, '\0', text.len)) {
        messages_add(messages, "%s: error: holds a NUL byte and is no text", path);
        return -EINVAL;
    }
    int status = 0;
    for (; !is_at_end(&reader) && reader.line <= DOTENV_LINES_MAX; skip_line(&reader)) {
        skip_blanks(&reader);
        if (is_rest_empty(&reader))
            continue;
        unsigned line = reader.line;
        str name, value;
        const char *problem = read_assignment(&reader, &name, &value);
        if (problem) {
            messages_add(messages, "%s:%u: error: this line %s; write NAME=value, or NAME=\"a value with blanks\"", path, line, problem);
            status = -EINVAL;
        } else if (environment_put(environment, source, name, value) < 0)
            return -ENOMEM;
    }
    if (is_at_end(&reader))
        return status;
    messages_add(messages, "%s: error: has more than %d lines", path, DOTENV_LINES_MAX);
    return -EINVAL;
}

// Bytes read, or a negative errno.
static ssize_t read_whole(int fd, char *out, size_t bytes) {
    size_t total = 0;
    while (total < bytes) {
        ssize_t got = read(fd, out + total, bytes - total);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : (ssize_t)total;
        total += (size_t)got;
    }
    return (ssize_t)total;
}

static int load_as(enum environment_source source, const char *path, struct environment *environment, struct messages *messages) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0) {
        messages_add(messages, "%s: error: cannot be read: %s", path, strerror(errno));
        return -EINVAL;
    }
    char *text = arena_raw(environment->arena, DOTENV_BYTES_MAX + 1);
    ssize_t bytes = text ? read_whole(fd, text, DOTENV_BYTES_MAX + 1) : -ENOMEM;
    close(fd);
    if (bytes == -ENOMEM)
        return -ENOMEM;
    if (bytes < 0 || bytes > DOTENV_BYTES_MAX) {
        messages_add(messages, "%s: error: %s", path, bytes < 0 ? strerror((int)-bytes) : "is larger than 256 KiB");
        return -EINVAL;
    }
    return read_as(source, (str){text, (size_t)bytes}, path, environment, messages);
}

int dotenv_read(str text, const char *path, struct environment *environment, struct messages *messages) {
    return read_as(FROM_FILE, text, path, environment, messages);
}

int dotenv_load(const char *path, struct environment *environment, struct messages *messages) {
    return load_as(FROM_FILE, path, environment, messages);
}

int dotenv_load_config(const char *path, struct environment *environment, struct messages *messages) {
    if (access(path, R_OK) < 0) {
        messages_add(messages, "%s: error: this file, which LEAT_CONFIG names, cannot be read: %s", path, strerror(errno));
        return -EINVAL;
    }
    return load_as(FROM_CONFIG, path, environment, messages);
}
