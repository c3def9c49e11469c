// log_ring.c — records of one thread on their way to the writer: bounded, without locks, and never waited for.
#include "base/log_ring.h"

enum { GAP_BYTES_MIN = 8 }; // `bytes` and `kind` of a gap lie in its first eight
_Static_assert(offsetof(struct log_record, level) <= GAP_BYTES_MIN, "a gap of eight bytes can be told");

static struct log_record *at(struct log_ring *ring, uint64_t position) {
    return (struct log_record *)(ring->bytes + position % LOG_RING_BYTES);
}

static bool has_room(struct log_ring *ring, uint64_t head, uint64_t bytes) {
    if (head + bytes - ring->tail_seen <= LOG_RING_BYTES)
        return true;
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return head + bytes - ring->tail_seen <= LOG_RING_BYTES;
}

struct log_record *log_ring_reserve(struct log_ring *ring, uint32_t bytes) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t until_end = (uint32_t)(LOG_RING_BYTES - head % LOG_RING_BYTES), gap = bytes > until_end ? until_end : 0;
    if (!has_room(ring, head, (uint64_t)gap + bytes)) {
        uint64_t drops = atomic_load_explicit(&ring->drop_count, memory_order_relaxed);
        atomic_store_explicit(&ring->drop_count, drops + 1, memory_order_relaxed);
        return NULL;
    }
    if (gap) {
        at(ring, head)->bytes = gap;
        at(ring, head)->kind = LOG_KIND_GAP;
        head += gap;
        atomic_store_explicit(&ring->head, head, memory_order_release);
    }
    return at(ring, head);
}

void log_ring_commit(struct log_ring *ring, const struct log_record *record) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head, head + record->bytes, memory_order_release);
}

const struct log_record *log_ring_peek(struct log_ring *ring) {
    for (;;) {
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
            return NULL;
        const struct log_record *record = at(ring, tail);
        if (record->kind != LOG_KIND_GAP)
            return record;
        log_ring_take(ring, record);
    }
}

void log_ring_take(struct log_ring *ring, const struct log_record *record) {
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + record->bytes, memory_order_release);
}

bool log_ring_is_empty(const struct log_ring *ring) {
    return atomic_load_explicit(&ring->tail, memory_order_relaxed) == atomic_load_explicit(&ring->head, memory_order_acquire);
}
