// options.h — what the load is asked to do, from the command line.
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"

struct options {
    const char *host;
    uint16_t port;
    unsigned connections, pipeline, idle;
    uint64_t requests; // 0: until the time is over
    double seconds, warm_up, rate;
    bool is_churn;
    char *request;
    size_t request_bytes;
    struct answer_wanted wanted;
};

/** Fills all of it, or says what is wrong and ends the program with 2. */
void options_read(struct options *options, int count, char **arguments);

#endif
