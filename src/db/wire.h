// wire.h — Postgres' protocol 3.0 (chapter "Frontend/Backend Protocol"): messages made, messages found in a stream of bytes.
#ifndef DB_WIRE_H
#define DB_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <leat/values.h>

#include "base/buffer.h"

enum {
    WIRE_HEAD_BYTES = 5,                  // type and length
    WIRE_CONTROL_BYTES_MAX = 1024 * 1024, // of a message that is no row: a longer one is no Postgres
};

/** A message of the server: its type and what follows the length. */
struct wire_message {
    char type;
    const char *body;
    size_t bytes; // of the body
};

/**
 * The message at the head of `data`: how many bytes it takes, header included; 0 where it is not whole yet; -EPROTO for a type that no
 * server sends once a connection is up, or a length that cannot be: the stream is lost then.
 */
int64_t wire_next(const char *data, size_t bytes, struct wire_message *ret_message);
/** Only the header: the length of the whole message, or as wire_next(). Needs WIRE_HEAD_BYTES. */
int64_t wire_length(const char *head);

static inline uint16_t wire_u16(const char *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}
static inline uint32_t wire_u32(const char *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}
static inline uint64_t wire_u64(const char *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}
/** Each writes at `p` and returns what follows. */
static inline char *wire_put_u16(char *p, uint16_t v) {
    v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}
static inline char *wire_put_u32(char *p, uint32_t v) {
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}
static inline char *wire_put_u64(char *p, uint64_t v) {
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}
static inline char *wire_put_bytes(char *p, const void *data, size_t bytes) {
    memcpy(p, data, bytes);
    return p + bytes;
}

/** A body that is read from front to back; reading past its end gives zeroes and sets `is_short`. */
struct wire_reader {
    const char *cursor, *end;
    bool is_short;
};
struct wire_reader wire_read(const struct wire_message *message);
uint16_t wire_read_u16(struct wire_reader *reader);
uint32_t wire_read_u32(struct wire_reader *reader);
/** Up to its NUL, which is not counted. */
str wire_read_text(struct wire_reader *reader);

// Messages to the server, appended to `out`: 0, or -ENOMEM and nothing appended.

/** Parse of `sql` as `name`, parameter types left to the server; Describe of it; Sync. */
int wire_put_prepare(struct buffer *out, const char *name, str sql);
/** Close of the statement `name`; Sync. */
int wire_put_close(struct buffer *out, const char *name);
/** A simple query: BEGIN, COMMIT, ROLLBACK. */
int wire_put_query(struct buffer *out, const char *sql);
/** Terminate, whole. */
static const char wire_terminate[WIRE_HEAD_BYTES] = {'X', 0, 0, 0, 4};
/** Execute of the unnamed portal, all rows; Sync. Written at `p`, WIRE_EXECUTE_BYTES; returns what follows. */
enum { WIRE_EXECUTE_BYTES = 10 };
char *wire_put_execute(char *p);
/** Sync, WIRE_HEAD_BYTES. */
char *wire_put_sync(char *p);

#endif
