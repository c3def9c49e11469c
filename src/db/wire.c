// wire.c — Postgres' protocol 3.0: messages made, messages found in a stream of bytes.
#include "db/wire.h"

#include <errno.h>

// What a server may say after the first ReadyForQuery, in the chapter's order of "Message Formats". Rows alone may be long.
static bool is_server_type(char type) {
    switch (type) {
    case '2': // BindComplete
    case '3': // CloseComplete
    case 'C': // CommandComplete
    case 'G': // CopyInResponse
    case 'H': // CopyOutResponse
    case 'W': // CopyBothResponse
    case 'd': // CopyData
    case 'c': // CopyDone
    case 'D': // DataRow
    case 'I': // EmptyQueryResponse
    case 'E': // ErrorResponse
    case 'n': // NoData
    case 'N': // NoticeResponse
    case 'A': // NotificationResponse
    case 't': // ParameterDescription
    case 'S': // ParameterStatus
    case '1': // ParseComplete
    case 's': // PortalSuspended
    case 'Z': // ReadyForQuery
    case 'T': // RowDescription
        return true;
    }
    return false;
}

int64_t wire_length(const char *head) {
    uint32_t length = wire_u32(head + 1); // counts itself, not the type
    if (!is_server_type(head[0]) || length < 4 || length > INT32_MAX)
        return -EPROTO;
    if (head[0] != 'D' && head[0] != 'd' && length > WIRE_CONTROL_BYTES_MAX)
        return -EPROTO;
    return (int64_t)length + 1;
}

int64_t wire_next(const char *data, size_t bytes, struct wire_message *ret_message) {
    if (bytes < WIRE_HEAD_BYTES)
        return bytes && !is_server_type(data[0]) ? -EPROTO : 0;
    int64_t length = wire_length(data);
    if (length < 0)
        return length;
    if ((size_t)length > bytes)
        return 0;
    *ret_message = (struct wire_message){data[0], data + WIRE_HEAD_BYTES, (size_t)length - WIRE_HEAD_BYTES};
    return length;
}

struct wire_reader wire_read(const struct wire_message *message) {
    return (struct wire_reader){message->body, message->body + message->bytes, false};
}

static bool has(struct wire_reader *reader, size_t bytes) {
    if ((size_t)(reader->end - reader->cursor) >= bytes)
        return true;
    reader->is_short = true;
    reader->cursor = reader->end;
    return false;
}

uint16_t wire_read_u16(struct wire_reader *reader) {
    if (!has(reader, 2))
        return 0;
    reader->cursor += 2;
    return wire_u16(reader->cursor - 2);
}

uint32_t wire_read_u32(struct wire_reader *reader) {
    if (!has(reader, 4))
        return 0;
    reader->cursor += 4;
    return wire_u32(reader->cursor - 4);
}

str wire_read_text(struct wire_reader *reader) {
    const char *nul = memchr(reader->cursor, '\0', (size_t)(reader->end - reader->cursor));
    if (!nul) {
        has(reader, SIZE_MAX);
        return (str){"", 0};
    }
    str text = {reader->cursor, (size_t)(nul - reader->cursor)};
    reader->cursor = nul + 1;
    return text;
}

static char *put_head(char *p, char type, size_t body_bytes) {
    *p++ = type;
    return wire_put_u32(p, (uint32_t)(body_bytes + 4));
}

char *wire_put_sync(char *p) {
    return put_head(p, 'S', 0);
}

int wire_put_prepare(struct buffer *out, const char *name, str sql) {
    size_t name_bytes = strlen(name) + 1, parse = name_bytes + sql.len + 1 + 2, describe = 1 + name_bytes;
    size_t bytes = 3 * WIRE_HEAD_BYTES + parse + describe;
    char *p = buffer_reserve(out, bytes);
    if (!p)
        return -ENOMEM;
    p = put_head(p, 'P', parse);
    p = wire_put_bytes(p, name, name_bytes);
    p = wire_put_bytes(p, sql.ptr, sql.len);
    *p++ = '\0';
    p = wire_put_u16(p, 0);
    p = put_head(p, 'D', describe);
    *p++ = 'S';
    p = wire_put_bytes(p, name, name_bytes);
    wire_put_sync(p);
    buffer_commit(out, bytes);
    return 0;
}

int wire_put_close(struct buffer *out, const char *name) {
    size_t body = 1 + strlen(name) + 1, bytes = 2 * WIRE_HEAD_BYTES + body;
    char *p = buffer_reserve(out, bytes);
    if (!p)
        return -ENOMEM;
    p = put_head(p, 'C', body);
    *p++ = 'S';
    p = wire_put_bytes(p, name, body - 1);
    wire_put_sync(p);
    buffer_commit(out, bytes);
    return 0;
}

int wire_put_query(struct buffer *out, const char *sql) {
    size_t body = strlen(sql) + 1;
    char *p = buffer_reserve(out, WIRE_HEAD_BYTES + body);
    if (!p)
        return -ENOMEM;
    wire_put_bytes(put_head(p, 'Q', body), sql, body);
    buffer_commit(out, WIRE_HEAD_BYTES + body);
    return 0;
}

char *wire_put_execute(char *p) {
    p = put_head(p, 'E', 1 + 4);
    *p++ = '\0';
    return wire_put_u32(p, 0);
}
