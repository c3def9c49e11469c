// state.h — the inside of a core's calls, for the files of this floor.
#ifndef OUTBOUND_STATE_H
#define OUTBOUND_STATE_H

#include <curl/curl.h>

#include "outbound/outbound.h"

enum { SPARE_MAX = 32, HOST_BUCKETS = 64, LOST_LOOKUPS_MAX = 64, LOST_LOOKUP_MS = 30000 };

/** One host and port that calls are under way to, or wait for. */
struct outbound_host {
    struct list node;
    unsigned running, waiting;
    char key[]; // "https://users.internal:443"
};

/** When calls were given up whose names were being looked up: those threads go on for as long as the resolver likes. */
struct lost_lookups {
    int64_t at_ms[LOST_LOOKUPS_MAX]; // the oldest at `next`
    unsigned next;
};

struct outbound {
    struct core *core;
    const struct outbound_options *options;
    CURLM *multi;                 // made with the first call
    struct list polls;            // one for each socket of libcurl's
    struct socket_poll *acting;   // whose socket libcurl is at work on; NULL once it is destroyed
    struct timer clock;           // libcurl's
    bool is_clock_due;            // it has struck
    struct deferred settle;       // at the end of the turn: the clock, what has ended, what may begin
    struct list waiting, running; // calls
    struct list hosts[HOST_BUCKETS];
    CURL *spare[SPARE_MAX];
    unsigned spare_count;
    struct lost_lookups lost, lost_of_strangers; // apart, so that a stranger's URLs take nothing from the plugins' own
    struct outbound_figures figures;
};

// ---- sockets.c: what libcurl waits for is what the ring waits for

/** Makes the multi of `outbound`. 0 or -ENOMEM. */
int sockets_open(struct outbound *outbound);
/** Frees it; nothing of it is known to the ring afterwards. */
void sockets_close(struct outbound *outbound);
/** Tells libcurl that its time has come, if it has. */
void sockets_tick(struct outbound *outbound);

// ---- transfer.c: one call as libcurl sees it

/** Judges and reads `call->url`: `host`, and `*ret_key` (OUTBOUND_HOST_BYTES_MAX + 16). 0, -EINVAL or -ENOMEM, and `problem`. */
int transfer_judge_url(struct outbound_call *call, char *ret_key);
/** Begins. 0 or a negative errno, and `problem`. */
int transfer_begin(struct outbound_call *call);
/** It is libcurl's no more. */
void transfer_end(struct outbound_call *call);
/** `code` is what libcurl ended with: fills in the answer. True: there is another place to go to, and `call->url` is it. */
bool transfer_take(struct outbound_call *call, CURLcode code);
/** True while its host's name is being looked up. */
bool transfer_is_looking_up(const struct outbound_call *call);
/** True where its host is an address: there is nothing to look up. */
bool transfer_has_address(const struct outbound_call *call);

#endif
