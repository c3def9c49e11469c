// log_ring.h — records of one thread on their way to the writer: bounded, without locks, and never waited for.
//
// One thread puts records in and one takes them out. What finds no room is counted and dropped.
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <stdatomic.h>

#include "base/log_record.h"

enum { LOG_RING_BYTES = 1 << 20 }; // 45 ms of a core that logs 150,000 requests a second: longer than the writer is ever off its CPU

struct log_ring {
    _Atomic(uint64_t) head;       // bytes ever put in
    uint64_t tail_seen;           // by whoever puts in: no less than that has been taken out
    _Atomic(uint64_t) drop_count; // records that found no room
    _Alignas(64) _Atomic(uint64_t) tail;
    uint64_t drop_count_told; // of it, by whoever takes out
    _Alignas(64) char bytes[LOG_RING_BYTES];
};

/** Room for a record of `bytes` (a multiple of 8, LOG_RECORD_BYTES_MAX at most), or NULL, and it is counted as dropped. */
struct log_record *log_ring_reserve(struct log_ring *ring, uint32_t bytes);
/** The record that was just reserved is whole; its `bytes` are set. */
void log_ring_commit(struct log_ring *ring, const struct log_record *record);
/** The oldest record, or NULL. It stays until log_ring_take(). */
const struct log_record *log_ring_peek(struct log_ring *ring);
/** From any thread. */
bool log_ring_is_empty(const struct log_ring *ring);
void log_ring_take(struct log_ring *ring, const struct log_record *record);

#endif
