// part_head.c — the head of one part of multipart/form-data: the field's name, a file's name, its type (RFC 7578, section 4).
//
// What a name may hold is decided here, once: no control characters, so that whoever puts it into a header or a log line cannot be made to
// write another, and no path, so that whoever takes it for one stays in his folder.
#include "http/part_head.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "http/characters.h"

static int refuse(const char **problem, const char *sentence) {
    *problem = sentence;
    return -EINVAL;
}

static bool is_name(str name, const char *lower) {
    return name.len == strlen(lower) && strncasecmp(name.ptr, lower, name.len) == 0;
}

// ---- parameters

struct cursor {
    char *at, *end;
};

static void skip_blanks(struct cursor *cursor) {
    while (cursor->at < cursor->end && is_blank(*cursor->at))
        cursor->at++;
}

static str take_until(struct cursor *cursor, const char *stops) {
    char *from = cursor->at;
    while (cursor->at < cursor->end && !strchr(stops, *cursor->at))
        cursor->at++;
    return (str){from, (size_t)(cursor->at - from)};
}

// Behind the opening quote; only \" and \\ are escapes, as browsers of old sent C:\paths.
static int take_quoted(struct cursor *cursor, str *ret_text) {
    char *from = cursor->at, *to = from;
    for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
        bool is_escape = *cursor->at == '\\' && cursor->at + 1 < cursor->end && (cursor->at[1] == '"' || cursor->at[1] == '\\');
        cursor->at += is_escape;
        *to++ = *cursor->at;
    }
    if (cursor->at == cursor->end)
        return -EINVAL;
    cursor->at++;
    *ret_text = (str){from, (size_t)(to - from)};
    return 0;
}

// The next `name=value`; 1, 0 at the end, -EINVAL for an open quote.
static int next_parameter(struct cursor *cursor, str *ret_name, str *ret_value) {
    for (;;) {
        take_until(cursor, ";");
        if (cursor->at == cursor->end)
            return 0;
        cursor->at++;
        skip_blanks(cursor);
        *ret_name = trim_blanks(take_until(cursor, "=;"));
        if (cursor->at == cursor->end || *cursor->at == ';')
            continue;
        cursor->at++;
        skip_blanks(cursor);
        if (cursor->at < cursor->end && *cursor->at == '"') {
            cursor->at++;
            return take_quoted(cursor, ret_value) ? -EINVAL : 1;
        }
        *ret_value = trim_blanks(take_until(cursor, ";"));
        return 1;
    }
}

int header_parameter(char *value, size_t bytes, const char *name, str *ret_text) {
    struct cursor cursor = {value, value + bytes};
    str found = {0}, other, text;
    int status;
    while ((status = next_parameter(&cursor, &other, &text)) > 0)
        if (!found.ptr && is_name(other, name))
            found = text;
    if (status == 0)
        *ret_text = found;
    return status;
}

// ---- names

static bool is_plain_text(str text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return utf8_is_valid(text);
}

static str without_folders(str path) {
    for (size_t i = path.len; i > 0; i--)
        if (path.ptr[i - 1] == '/' || path.ptr[i - 1] == '\\') {
            path = (str){path.ptr + i, path.len - i};
            break;
        }
    bool is_folder = (path.len == 1 && path.ptr[0] == '.') || (path.len == 2 && path.ptr[0] == '.' && path.ptr[1] == '.');
    return is_folder ? (str){path.ptr, 0} : path;
}

// charset'language'percent-encoded text (RFC 8187, section 3.2), to UTF-8 where it lies: no character grows by that. 0 or -EINVAL.
static int decode_extended(str value, str *ret_text) {
    const char *quote = memchr(value.ptr, '\'', value.len);
    const char *second = quote ? memchr(quote + 1, '\'', value.len - (size_t)(quote + 1 - value.ptr)) : NULL;
    if (!second)
        return -EINVAL;
    str charset = {value.ptr, (size_t)(quote - value.ptr)};
    bool is_latin = is_name(charset, "iso-8859-1");
    if (!is_latin && !is_name(charset, "utf-8"))
        return -EINVAL;
    const char *end = value.ptr + value.len;
    char *from = (char *)second + 1, *to = from;
    for (const char *p = from; p < end; p++) {
        bool is_encoded = *p == '%' && end - p > 2 && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0;
        unsigned char byte = is_encoded ? (unsigned char)(hex_value(p[1]) << 4 | hex_value(p[2])) : (unsigned char)*p;
        p += is_encoded ? 2 : 0;
        if (is_latin && is_encoded)
            to += utf8_put(to, byte);
        else
            *to++ = (char)byte;
    }
    *ret_text = (str){from, (size_t)(to - from)};
    return 0;
}

static int take_filename(struct part_head *part, str plain, str extended, const char **problem) {
    str name = plain;
    if (extended.ptr && decode_extended(extended, &name))
        return refuse(problem, BROKEN_FORM "filename* is no text of UTF-8 or ISO-8859-1 as RFC 8187 has it");
    part->is_file = name.ptr;
    if (!part->is_file)
        return 0;
    if (!is_plain_text(name))
        return refuse(problem, "A file name holds what no name may hold");
    part->filename = without_folders(name);
    return 0;
}

static int read_disposition(struct part_head *part, char *value, size_t bytes, const char **problem) {
    struct cursor cursor = {value, value + bytes};
    str name, text, filename = {0}, extended = {0};
    int status;
    if (part->name.ptr) // which of two holds is not for us to guess
        return refuse(problem, BROKEN_FORM "a part has two Content-Disposition headers");
    while ((status = next_parameter(&cursor, &name, &text)) > 0) {
        if (is_name(name, "name"))
            part->name = text;
        else if (is_name(name, "filename"))
            filename = text;
        else if (is_name(name, "filename*"))
            extended = text;
    }
    if (status)
        return refuse(problem, BROKEN_FORM "a quoted text in Content-Disposition does not end");
    if (!part->name.ptr)
        return refuse(problem, "The Content-Disposition header field \"name\" must be provided.");
    if (!is_plain_text(part->name))
        return refuse(problem, "A field's name holds what no name may hold");
    return take_filename(part, filename, extended, problem);
}

// ---- lines

static int read_line(struct part_head *part, char *line, size_t bytes, const char **problem) {
    size_t name_bytes = 0;
    while (name_bytes < bytes && is_token_char(line[name_bytes]))
        name_bytes++;
    if (!name_bytes || name_bytes == bytes || line[name_bytes] != ':')
        return refuse(problem, BROKEN_FORM "a part's header is not 'Name: value'");
    for (size_t i = name_bytes; i < bytes; i++)
        if (!is_text(line[i]))
            return refuse(problem, BROKEN_FORM "a part's header holds a control character");
    str name = {line, name_bytes}, value = trim_blanks((str){line + name_bytes + 1, bytes - name_bytes - 1});
    if (is_name(name, "content-disposition"))
        return read_disposition(part, (char *)value.ptr, value.len, problem);
    if (is_name(name, "content-type"))
        part->content_type = value;
    return 0;
}

int part_head_read(char *head, size_t bytes, struct part_head *ret_part, const char **ret_problem) {
    struct part_head part = {0};
    char *end = head + bytes;
    while (head < end) {
        char *line_end = memmem(head, (size_t)(end - head), "\r\n", 2);
        size_t line_bytes = (size_t)((line_end ? line_end : end) - head);
        int status = line_bytes ? read_line(&part, head, line_bytes, ret_problem) : 0;
        if (status)
            return status;
        head += line_bytes + (line_end ? 2 : 0);
    }
    if (!part.name.ptr)
        return refuse(ret_problem, "The Content-Disposition header field \"name\" must be provided.");
    if (part.content_type.ptr && !utf8_is_valid(part.content_type))
        return refuse(ret_problem, BROKEN_FORM "a part's Content-Type is not UTF-8");
    *ret_part = part;
    return 0;
}
