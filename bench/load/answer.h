// answer.h — reads the answers on one connection, as they come, and holds each against what was wanted.
//
// The head of an answer seldom changes from one to the next but in its date. The last head that was read to the end is remembered: where
// the next one has the same status, the same Content-Length in the same place and the same end, nothing of it is looked for again. That
// costs some 10 ns an answer, so that the load stays cheaper than any server that answers it.
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_HEAD_MAX = 4096, ANSWER_LINE_MAX = 64 };

struct answer_wanted {
    char status[4];
    long body_bytes;  // negative: any
    const char *body; // what it begins with, or NULL
    size_t body_prefix_bytes;
};

struct answer_errors {
    uint64_t status, length, body, broken;
    char first[512]; // the beginning of the first answer that was not the wanted one
};

struct answer_pattern {
    size_t head_bytes, line_at, line_bytes, body_bytes;
    char line[ANSWER_LINE_MAX];
    char start[16];
};

/** What all connections share. */
struct answers {
    struct answer_wanted wanted;
    struct answer_errors errors;
    struct answer_pattern pattern;
};

/** What one connection has of its own. */
struct answer_reader {
    size_t body_left, body_seen;
    bool is_in_body, is_wrong;
    unsigned held; // of a head that has not come whole
    char *head;    // ANSWER_HEAD_MAX bytes once something is held
};

/** The number of answers that are whole now, or -1: what came is no answer whose end can be known. */
int answer_read(struct answers *answers, struct answer_reader *reader, const char *data, size_t bytes);

/** For a new connection in the same place. */
void answer_reader_clear(struct answer_reader *reader);

#endif
