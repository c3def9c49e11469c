// pulse.h — whether a core turns, and what it is at: words that it alone writes, for others to read at any time.
//
// A beat is a plain store: who watches compares two looks, and needs no clock of the core's.
#ifndef ENGINE_PULSE_H
#define ENGINE_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pulse {
    _Atomic(uint64_t) beat;     // goes up when a coroutine is entered and when it is left, by two with each turn: odd while one runs
    _Atomic(const void *) work; // what the coroutine that ran last is at: the upper floors' to set, and never freed
    atomic_bool is_waiting;     // in the kernel, for something to do
};

static inline void pulse_beat(struct pulse *pulse, unsigned by) {
    atomic_store_explicit(&pulse->beat, atomic_load_explicit(&pulse->beat, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline void pulse_work(struct pulse *pulse, const void *work) {
    atomic_store_explicit(&pulse->work, work, memory_order_relaxed);
}

static inline void pulse_wait(struct pulse *pulse, bool is_waiting) {
    atomic_store_explicit(&pulse->is_waiting, is_waiting, memory_order_relaxed);
}

#endif
