// redis_link.h — one connection to Redis on the ring: commands out in order, replies in the same; lost, it comes back by itself.
//
// hiredis makes the commands' bytes and reads the replies; the bytes go by the ring (a multishot recv, one send at a time for all that was
// said in a turn), or through a TLS session (engine/tls_stream.h). A worker thread connects. A command that is not
// answered in time is answered with NULL, and its reply dropped when it comes; while one is overdue no other is taken, so that a Redis that
// hangs makes one request wait and not all. A link without a sign of life for REDIS_HUNG_MS is closed; from 100 ms to REDIS_BACK_OFF_MS_MAX
// later it is connected again.
#ifndef CACHE_REDIS_LINK_H
#define CACHE_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "cache/redis_connect.h"
#include "engine/core.h"
#include "engine/offload.h"
#include "engine/tls_stream.h"

struct redisReply;
struct redisReader;
struct redis_link;

enum {
    REDIS_PENDING_MAX = 1024, // commands that are not answered; a power of two
    REDIS_OUTPUT_BYTES_MAX = 8 << 20,
    REDIS_ELEMENTS_MAX = 256, // of a reply that is a list: memory is taken for as many as it says it has
    REDIS_SLOW_MS = 100,      // of a command without a time of its own: longer, and no other is taken
    REDIS_HUNG_MS = 2000,
    REDIS_BACK_OFF_MS_MIN = 100,
    REDIS_BACK_OFF_MS_MAX = 5000,
};

/** Embedded in whoever wants an answer. */
struct redis_command {
    /** Once: the reply, which may be an error's and is gone afterwards; NULL where none has come. Never from within redis_send(). */
    void (*done)(struct redis_command *command, const struct redisReply *reply);
    uint32_t answer_ms; // 0: as long as the link lives
    // the link's own
    struct redis_link *link; // NULL: not under way
    uint32_t number;
};

struct redis_link_events {
    /** It takes commands from now on; `failure` NULL. Or it does not: it was lost, or could not be made. Each attempt is told. */
    void (*up)(struct redis_link *link);
    void (*down)(struct redis_link *link, const char *failure);
    /** What came without being asked for, on a link that has subscribed. */
    void (*pushed)(struct redis_link *link, const struct redisReply *reply);
};

struct redis_link {
    struct core *core;
    struct offload *connector;
    const struct redis_address *address;
    const struct redis_link_events *events;
    size_t reply_bytes_max;
    enum { REDIS_DOWN, REDIS_CONNECTING, REDIS_UP, REDIS_CLOSING } state;
    struct redis_socket socket;
    struct op recv_op, send_op;
    struct tls_stream tls; // in their place where the socket speaks TLS
    struct redisReader *reader;
    size_t unread_bytes; // since the last whole reply
    struct buffer output[2];
    unsigned filling;
    bool is_sending, is_stopping;
    struct deferred flush;
    struct {
        struct redis_command *command; // NULL: nobody wants its reply any more
        int64_t sent_ms, due_ms;
    } pending[REDIS_PENDING_MAX];
    uint32_t sent_number, answered_number; // of commands
    struct timer timer;                    // answers that are due, or the next attempt
    uint32_t back_off_ms;
    int64_t up_ms;
    struct job job; // connecting
    struct redis_socket made;
    int made_error;
    char failure[REDIS_FAILURE_BYTES];
    void (*stopped)(struct redis_link *link);
    uint64_t epoch; // grows with each time that it comes up
};

/** Memory is the caller's; `address` and `events` live as long. Connects from the next turn on. */
void redis_link_start(struct redis_link *link);
/** Closes; `stopped` runs, perhaps at once, when nothing of it is under way. Commands are answered with NULL. */
void redis_link_stop(struct redis_link *link, void (*stopped)(struct redis_link *link));

/** It is up, and nothing is overdue. */
bool redis_link_is_ready(const struct redis_link *link);
/** 0; -ENOTCONN while it is not up; -EAGAIN where too much waits; -ENOMEM. `command` may be NULL: nobody wants to know. */
int redis_send(struct redis_link *link, struct redis_command *command, int argc, const char *const *argv, const size_t *bytes);
/** Its `done` will not be called. Harmless where it is not under way. */
void redis_command_forget(struct redis_command *command);

#endif
