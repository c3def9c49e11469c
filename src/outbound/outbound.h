// outbound.h — HTTP to other servers, on the ring: the calls of many requests over a few kept connections.
//
// libcurl speaks the protocol; it never waits here. Its sockets are polled by the core's ring and its clock is the core's wheel
// (curl_multi_socket_action(3)); names are looked up by threads of its own. What a core has to do with a call that none asks for is
// nothing: libcurl is first touched when the first call of the core begins.
//
// A call is embedded in its waiter. Its answer is written into the waiter's arena as it arrives, so outbound_cancel() comes before that
// arena goes.
#ifndef OUTBOUND_OUTBOUND_H
#define OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "engine/core.h"
#include "outbound/peer.h"

/** The same for all cores; lives as long as they do. */
struct outbound_options {
    struct peer_rules allow;   // beside public addresses
    const char *proxy;         // all calls go through it, and whom they reach is its to judge; NULL: none, whatever the environment says
    const char *ca_file;       // certificates to trust, PEM; NULL: the system's
    unsigned running_max;      // 256 calls of a core at once ...
    unsigned host_running_max; // 32 of them to one host and port; the others wait
    unsigned waiting_max;      // 1024 that wait: beyond it -EAGAIN
    unsigned idle_max;         // 64 connections kept for later
    uint32_t idle_ms;          // 60 s at most
    uint32_t connect_ms;       // 5 s, TLS included
    uint32_t call_ms;          // 10 s, all included, where the call says nothing
    size_t answer_bytes_max;   // 1 MiB, where the call says nothing
};
extern const struct outbound_options outbound_options_default;

struct outbound; // of one core

/** On the core's thread. Opens nothing. 0 or -ENOMEM. */
int outbound_create(struct core *core, const struct outbound_options *options, struct outbound **ret_outbound);
/** No call is under way. Closes the connections that were kept. NULL is fine. */
void outbound_destroy(struct outbound *outbound);

/** A header field, of a call or its answer. */
struct outbound_field {
    str name, value;
    struct outbound_field *next;
};

enum { OUTBOUND_HEAD_BYTES_MAX = 64 << 10, OUTBOUND_URL_BYTES_MAX = 8192, OUTBOUND_HOST_BYTES_MAX = 256, OUTBOUND_REDIRECTS_MAX = 10 };

struct outbound_host;

/**
 * A call, from its submission to `done`. Until then, or until outbound_cancel(), it and all it points to are ours: bodies and fields are
 * not copied. Zeroed before it is filled in.
 */
struct outbound_call {
    // the caller's
    const char *method;                  // "GET"
    str url;                             // http or https, absolute
    const struct outbound_field *fields; // names are tokens, values hold no CR, LF or NUL
    str body;                            // `ptr` NULL: there is none
    struct arena *arena;                 // of the answer
    int64_t due_ms;                      // core_now_ms() of its deadline
    size_t answer_bytes_max;             // as it arrives, and decompressed
    unsigned redirects_left;             // how many are followed
    bool is_untrusted; // the URL is a stranger's: public addresses only, whatever is allowed besides, and no proxy's privileges
    void (*done)(struct outbound_call *call); // exactly once, never from inside outbound_submit()
    // the answer
    int error; // 0, or: -ETIMEDOUT, -EINVAL the URL is none, -EACCES whom it leads to may not be called, -ENOENT no such host,
               // -ECONNREFUSED nobody there, -ECONNRESET it went away, -EPROTO no good HTTP, -EKEYREJECTED TLS, -EMSGSIZE too long, -ENOMEM
    const char *problem; // why, in words for the log; static
    unsigned status;
    str body_read;
    struct outbound_field *answer_fields; // in their order
    char host[OUTBOUND_HOST_BYTES_MAX];   // "users.internal:8080", for the log; empty where the URL is none. No credentials, no path
    size_t host_bytes;                    // of it, without the port
    // ours
    struct outbound *outbound;
    struct outbound_host *place;
    void *easy, *lines; // libcurl's
    struct list node;
    struct timer timer;
    struct outbound_field **fields_last;
    size_t head_bytes, body_capacity, body_expected;
    bool is_in_body, is_refused, is_running;
    int abort_error;
    const char *abort_problem;
};

/**
 * 0; -EAGAIN with waiting_max waiting, or too many names being looked up for calls that were given up; -EINVAL where the URL is none;
 * -ENOMEM. The call is then not taken, and `problem` says why.
 */
int outbound_submit(struct outbound *outbound, struct outbound_call *call);
/** The waiter leaves: `done` never runs, what was sent is cut. Harmless after `done`, and where it was never taken. */
void outbound_cancel(struct outbound_call *call);

/** Figures of one core. */
struct outbound_figures {
    unsigned running, waiting;
    uint64_t call_count, connection_count; // opened since the beginning
};
void outbound_figures(const struct outbound *outbound, struct outbound_figures *ret_figures);

#endif
