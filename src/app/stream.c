// stream.c — the author's answers in pieces: bytes, Server-Sent Events, JSON Lines.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <leat/response.h>

#include "base/str.h"
#include "header.h"
#include "http/characters.h"
#include "outflow.h"
#include "schema/json_write.h"

enum { FORMAT_BYTES = 512, JSON_ROOM_BYTES = 256 };

static struct outflow *outflow_of(void *out) {
    return out;
}

// ---- bytes

Stream *stream(req *r, const char *type) {
    if (!is_one_line(str_of(type)))
        refuse_header(r, "Content-Type", "the value holds CR or LF");
    return (Stream *)outflow_create(r, LEAT_STREAM, str_of(type), BODY_BYTES_UNKNOWN);
}

void send_bytes(Stream *out, str piece) {
    outflow_write(outflow_of(out), piece);
}

// Twice where it is long: its length is known behind it.
void send_format(Stream *out, const char *text, ...) {
    struct outflow *outflow = outflow_of(out);
    struct piece piece;
    outflow_open(outflow);
    piece_begin(&piece, outflow->request->session);
    size_t room_bytes = FORMAT_BYTES;
    for (char *room; (room = piece_reserve(&piece, room_bytes));) {
        va_list args;
        va_start(args, text);
        int bytes = vsnprintf(room, room_bytes, text, args);
        va_end(args);
        if (bytes < (int)room_bytes) {
            piece_commit(&piece, bytes > 0 ? (size_t)bytes : 0);
            break;
        }
        room_bytes = (size_t)bytes + 1;
    }
    outflow_wrote(outflow, piece_end(&piece));
}

// ---- a piece of several parts

static void put(struct piece *piece, str text) {
    char *room = piece_reserve(piece, text.len);
    if (!room || !text.len)
        return;
    memcpy(room, text.ptr, text.len);
    piece_commit(piece, text.len);
}

// JSON goes straight into the connection's output; the writer's three pointers move with it.
static bool grow_into_piece(leat_json *writer, size_t bytes) {
    struct piece *piece = writer->sink;
    size_t written = (size_t)(writer->cursor - writer->start), room_bytes = bytes > written ? bytes : written;
    room_bytes = room_bytes < JSON_ROOM_BYTES ? JSON_ROOM_BYTES : room_bytes;
    piece_commit(piece, written); // for as long as it takes to move
    char *cursor = piece_reserve(piece, room_bytes);
    if (!cursor)
        return false;
    piece->used -= written;
    writer->start = cursor - written;
    writer->cursor = cursor;
    writer->end = cursor + room_bytes;
    return true;
}

static void put_json(struct piece *piece, const leat_schema *schema, const void *value) {
    char *start = piece_reserve(piece, JSON_ROOM_BYTES);
    leat_json writer = {
        .start = start, .cursor = start, .end = start ? start + JSON_ROOM_BYTES : NULL, .grow = grow_into_piece, .sink = piece};
    json_write(&writer, schema, value);
    if (writer.out_of_memory)
        piece->out_of_memory = true;
    else
        piece_commit(piece, (size_t)(writer.cursor - writer.start));
}

// ---- JSON Lines

void *leat_lines(req *r) {
    return outflow_create(r, LEAT_LINES, S("application/jsonl"), BODY_BYTES_UNKNOWN);
}

void leat_send_line(void *lines, const leat_schema *schema, const void *value) {
    struct outflow *outflow = lines;
    struct piece piece;
    outflow_open(outflow);
    piece_begin(&piece, outflow->request->session);
    put_json(&piece, schema, value);
    put(&piece, S("\n"));
    outflow_wrote(outflow, piece_end(&piece));
}

// ---- Server-Sent Events

Events *events(req *r) {
    return (Events *)outflow_create(r, LEAT_EVENTS, S("text/event-stream"), BODY_BYTES_UNKNOWN);
}

// Takes a line off the front, without its end: CRLF, LF or CR. False where there is none left.
static bool next_line(str *rest, str *ret_line) {
    if (!rest->ptr)
        return false;
    size_t bytes = 0;
    while (bytes < rest->len && rest->ptr[bytes] != '\r' && rest->ptr[bytes] != '\n')
        bytes++;
    *ret_line = (str){rest->ptr, bytes};
    if (bytes == rest->len) {
        *rest = (str){0};
        return true;
    }
    size_t end = rest->len - bytes > 1 && memcmp(rest->ptr + bytes, "\r\n", 2) == 0 ? 2 : 1;
    *rest = (str){rest->ptr + bytes + end, rest->len - bytes - end};
    return true;
}

static void put_field(struct piece *piece, const char *name, str value) {
    put(piece, str_of(name));
    put(piece, value);
    put(piece, S("\n"));
}

// A line's end within would begin another field.
static void put_first_line(struct piece *piece, const char *name, str value) {
    str line;
    if (next_line(&value, &line))
        put_field(piece, name, line);
}

static void put_lines(struct piece *piece, const char *name, str value) {
    str line;
    while (next_line(&value, &line))
        put_field(piece, name, line);
}

void leat_send_event(Events *out, const struct leat_event *event, const leat_schema *schema, const void *value) {
    struct outflow *outflow = outflow_of(out);
    struct piece piece;
    outflow_open(outflow);
    piece_begin(&piece, outflow->request->session);
    put_first_line(&piece, "event: ", event->event);
    put_first_line(&piece, "id: ", event->id);
    if (event->retry_ms > 0) {
        char digits[24];
        put_field(&piece, "retry: ", (str){digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)event->retry_ms)});
    }
    put_lines(&piece, "data: ", event->data);
    if (schema) {
        put(&piece, S("data: "));
        put_json(&piece, schema, value);
        put(&piece, S("\n"));
    }
    put(&piece, S("\n"));
    outflow_wrote(outflow, piece_end(&piece));
}

void send_comment(Events *out, str text) {
    struct outflow *outflow = outflow_of(out);
    struct piece piece;
    outflow_open(outflow);
    piece_begin(&piece, outflow->request->session);
    put_lines(&piece, ": ", text.len ? text : S(""));
    put(&piece, S("\n"));
    outflow_wrote(outflow, piece_end(&piece));
}
