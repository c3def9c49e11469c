// known_heads.h — heads that came before, byte for byte: what was found out about them is still true.
//
// Clients repeat themselves: a pipeline, a poll, a load balancer's probe and most programs send the same head again and again. A head that
// begins with all the bytes of one that was parsed is that one, so it is not parsed again, nor is its route looked up. It is kept when it
// comes for the second time, so that heads that never come back cost a glance and push nobody out. One that holds a secret (a field of
// credentials, or called like one) is never kept: secrets do not outlive their request, and the time an answer takes tells of nobody
// else's.
#ifndef HTTP_KNOWN_HEADS_H
#define HTTP_KNOWN_HEADS_H

#include <string.h>

#include "http/head.h"

enum {
    KNOWN_HEADS = 16, // a power of two
    KNOWN_HEAD_BYTES_MAX = 1024,
    KNOWN_HEAD_FIELDS_MAX = 32,
    KNOWN_HEAD_BYTES_MIN = 24, // of which the key is made; the shortest head of HTTP/1.1 has 27
};

struct known_head {
    uint64_t key, glimpsed_key; // of the head that is kept; of the last that was not
    struct http_findings findings;
    struct http_head head; // bytes is 0 where none is kept; `base` is where it was seen last
    char text[KNOWN_HEAD_BYTES_MAX];
};

/** Of one core; a zeroed one is empty. */
struct known_heads {
    struct known_head slots[KNOWN_HEADS];
};

/** A key of zero says that there are too few bytes. */
static inline uint64_t known_heads_key(const char *data, size_t bytes) {
    uint64_t words[3];
    if (bytes < KNOWN_HEAD_BYTES_MIN)
        return 0;
    memcpy(words, data, sizeof words);
    uint64_t key = (words[0] * 0x9e3779b97f4a7c15 ^ words[1]) * 0xc2b2ae3d27d4eb4f ^ words[2];
    return (key ^ key >> 29) * 0x9e3779b97f4a7c15 | 1;
}

static inline struct known_head *known_heads_slot(struct known_heads *heads, uint64_t key) {
    return &heads->slots[key >> 60 & (KNOWN_HEADS - 1)];
}

/**
 * The head that `data` begins with, where that is known; NULL otherwise. `key` is that of `data`. Valid until the next known_heads_add(),
 * as long as the bytes stay where they are.
 */
static inline const struct http_head *known_heads_find(struct known_heads *heads, uint64_t key, const char *data, size_t bytes) {
    struct known_head *slot = known_heads_slot(heads, key);
    if (slot->key != key || !key || slot->head.bytes > bytes || memcmp(slot->text, data, slot->head.bytes) != 0)
        return NULL;
    slot->head.base = data;
    return &slot->head;
}

/** `head` had to be parsed; `key` is that of its bytes. It is known from the second time on. */
void known_heads_add(struct known_heads *heads, uint64_t key, const struct http_head *head);

#endif
