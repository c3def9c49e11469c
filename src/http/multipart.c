// multipart.c — multipart/form-data taken apart as it comes, in whatever pieces (RFC 2046, section 5.1; RFC 7578).
//
// A delimiter is CRLF, two hyphens and the boundary, which holds no CR: so where a match breaks off, none of what was matched can begin
// another, and looking back is never needed. The first delimiter needs no CRLF before it: matching begins behind one that was never sent.
#include "http/multipart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/characters.h"

enum state {
    PREAMBLE,
    DELIMITED, // behind a delimiter: "--" or the end of its line
    LAST_HYPHEN,
    PADDING, // blanks before the end of its line
    LINE_FEED,
    HEAD,
    CONTENT,
    EPILOGUE,
};

static int refuse(struct multipart *multipart, const char *problem) {
    multipart->problem = problem;
    return -EINVAL;
}

static int refuse_delimiter(struct multipart *multipart) {
    return refuse(multipart, BROKEN_FORM "a boundary must stand alone in its line");
}

bool multipart_is_type(str content_type) {
    static const char type[] = "multipart/form-data";
    size_t bytes = sizeof type - 1;
    if (content_type.len < bytes || strncasecmp(content_type.ptr, type, bytes) != 0)
        return false;
    str rest = trim_blanks((str){content_type.ptr + bytes, content_type.len - bytes});
    return !rest.len || rest.ptr[0] == ';';
}

static bool is_boundary(str text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return text.len && text.len <= MULTIPART_BOUNDARY_BYTES_MAX && text.ptr[text.len - 1] != ' ';
}

int multipart_begin(struct multipart *multipart, str content_type, const struct form_limits *limits, char *head) {
    char copy[512]; // decoding is done in place
    str boundary = {0};
    *multipart = (struct multipart){.limits = limits, .head = head, .state = PREAMBLE, .matched = 2};
    size_t bytes = content_type.len < sizeof copy ? content_type.len : sizeof copy;
    memcpy(copy, content_type.ptr, bytes);
    if (header_parameter(copy, bytes, "boundary", &boundary) || !is_boundary(boundary))
        return refuse(multipart, "Missing boundary in multipart.");
    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary.ptr, boundary.len);
    multipart->delimiter_bytes = (uint8_t)(4 + boundary.len);
    return 0;
}

static void drop(str *rest, size_t bytes) {
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
}

// ---- content, up to a delimiter

// How much of `text` is no part of a delimiter that begins in it: all, or up to the CR of one that is there or may be coming.
static size_t content_bytes(const struct multipart *multipart, str text) {
    const char *end = text.ptr + text.len, *from = text.ptr;
    for (;;) {
        const char *cr = memchr(from, '\r', (size_t)(end - from));
        if (!cr)
            return text.len;
        size_t left = (size_t)(end - cr), bytes = left < multipart->delimiter_bytes ? left : multipart->delimiter_bytes;
        if (memcmp(cr, multipart->delimiter, bytes) == 0)
            return (size_t)(cr - text.ptr);
        from = cr + 1;
    }
}

// Goes on with a delimiter that has begun. 1 when it is whole, 0 when it was none, -EAGAIN.
static int match(struct multipart *multipart, str *rest) {
    while (multipart->matched < multipart->delimiter_bytes) {
        if (!rest->len)
            return -EAGAIN;
        if (*rest->ptr != multipart->delimiter[multipart->matched])
            return 0;
        multipart->matched++;
        drop(rest, 1);
    }
    return 1;
}

// MULTIPART_DATA, 0 behind a delimiter, or -EAGAIN.
static int read_content(struct multipart *multipart, str *rest, str *ret_data) {
    if (!multipart->matched) {
        if (!rest->len)
            return -EAGAIN;
        *ret_data = (str){rest->ptr, content_bytes(multipart, *rest)};
        drop(rest, ret_data->len);
        if (ret_data->len)
            return MULTIPART_DATA;
    }
    int status = match(multipart, rest);
    if (status < 0)
        return status;
    *ret_data = (str){multipart->delimiter, multipart->matched};
    multipart->matched = 0;
    return status ? 0 : MULTIPART_DATA;
}

static int pad(struct multipart *multipart, size_t bytes) {
    if (bytes > MULTIPART_PADDING_BYTES_MAX - multipart->padding_bytes)
        return refuse(multipart, multipart->state == PREAMBLE ? BROKEN_FORM "its boundary does not come in the first 8192 bytes"
                                                              : BROKEN_FORM "more than 8192 bytes stand around its parts");
    multipart->padding_bytes += (uint32_t)bytes;
    return 0;
}

static int read_preamble(struct multipart *multipart, str *rest) {
    str dropped;
    int status = read_content(multipart, rest, &dropped);
    if (status == MULTIPART_DATA)
        return pad(multipart, dropped.len);
    multipart->state = status ? PREAMBLE : DELIMITED;
    return status;
}

static int read_part(struct multipart *multipart, str *rest, str *ret_data) {
    int status = read_content(multipart, rest, ret_data);
    if (status)
        return status;
    multipart->state = DELIMITED;
    return MULTIPART_PART_END;
}

// ---- lines

static int move_to(struct multipart *multipart, enum state state) {
    multipart->state = (uint8_t)state;
    return 0;
}

static int read_delimiter_end(struct multipart *multipart, char c) {
    switch ((enum state)multipart->state) {
    case DELIMITED:
        if (c == '-')
            return move_to(multipart, LAST_HYPHEN);
        __attribute__((fallthrough));
    case PADDING:
        if (is_blank(c) && multipart->padding_bytes++ < MULTIPART_PADDING_BYTES_MAX)
            return move_to(multipart, PADDING);
        return c == '\r' ? move_to(multipart, LINE_FEED) : refuse_delimiter(multipart);
    case LAST_HYPHEN:
        return c == '-' ? move_to(multipart, EPILOGUE) : refuse_delimiter(multipart);
    default:
        multipart->head_bytes = 0;
        return c == '\n' ? move_to(multipart, HEAD) : refuse_delimiter(multipart);
    }
}

static bool is_head_whole(const struct multipart *multipart) {
    const char *end = multipart->head + multipart->head_bytes;
    return (multipart->head_bytes >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0) ||
           (multipart->head_bytes == 2 && memcmp(end - 2, "\r\n", 2) == 0);
}

static int count_part(struct multipart *multipart) {
    const struct form_limits *limits = multipart->limits;
    bool is_file = multipart->part.is_file;
    uint32_t count = is_file ? ++multipart->file_count : ++multipart->field_count;
    uint32_t count_max = is_file ? limits->file_count_max : limits->field_count_max;
    if (count <= count_max)
        return 0;
    const char *noun = is_file ? "files" : "fields";
    snprintf(multipart->words, sizeof multipart->words, "Too many %s. Maximum number of %s is %u.", noun, noun, count_max);
    return refuse(multipart, multipart->words);
}

static int begin_part(struct multipart *multipart) {
    const struct form_limits *limits = multipart->limits;
    if (part_head_read(multipart->head, multipart->head_bytes, &multipart->part, &multipart->problem))
        return -EINVAL;
    if (multipart->part.name.len > limits->name_bytes_max || multipart->part.filename.len > limits->name_bytes_max) {
        snprintf(multipart->words, sizeof multipart->words, "Name too long. Maximum length of a name is %u bytes.", limits->name_bytes_max);
        return refuse(multipart, multipart->words);
    }
    int status = count_part(multipart);
    multipart->state = CONTENT;
    return status ? status : MULTIPART_PART;
}

static int read_head(struct multipart *multipart, str *rest) {
    if (multipart->head_bytes == multipart->limits->part_head_bytes_max)
        return refuse(multipart, "Part headers too large");
    multipart->head[multipart->head_bytes++] = *rest->ptr;
    drop(rest, 1);
    return is_head_whole(multipart) ? begin_part(multipart) : 0;
}

// One step; 0: another is due.
static int step(struct multipart *multipart, str *rest, str *ret_data) {
    if (multipart->state == PREAMBLE)
        return read_preamble(multipart, rest);
    if (multipart->state == CONTENT)
        return read_part(multipart, rest, ret_data);
    if (!rest->len)
        return -EAGAIN;
    if (multipart->state == HEAD)
        return read_head(multipart, rest);
    if (multipart->state == EPILOGUE) {
        size_t bytes = rest->len;
        drop(rest, bytes);
        return pad(multipart, bytes);
    }
    char c = *rest->ptr;
    drop(rest, 1);
    return read_delimiter_end(multipart, c);
}

int multipart_next(struct multipart *multipart, str *rest, str *ret_data) {
    int status = 0;
    while (status == 0)
        status = step(multipart, rest, ret_data);
    return status;
}

int multipart_end(struct multipart *multipart) {
    if (multipart->state == EPILOGUE)
        return 0;
    return refuse(multipart, multipart->state == PREAMBLE ? BROKEN_FORM "the boundary that its Content-Type names does not come"
                                                          : BROKEN_FORM "it ends before its last boundary");
}
