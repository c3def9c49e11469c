// wheel.c — deadlines: one hashed wheel a thread, ticked by the wait of its ring.
#include "engine/wheel.h"

#include <assert.h>

static int64_t tick_at_or_after(int64_t ms) {
    return (ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
}

static unsigned slot_of(int64_t tick) {
    return (uint64_t)tick % WHEEL_SLOTS;
}

static void mark(struct wheel *wheel, unsigned slot) {
    wheel->occupied[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void unmark(struct wheel *wheel, unsigned slot) {
    wheel->occupied[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

void wheel_init(struct wheel *wheel, int64_t now_ms) {
    *wheel = (struct wheel){.now_ms = now_ms / WHEEL_TICK_MS * WHEEL_TICK_MS};
    for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
        list_init(&wheel->slots[slot]);
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer)) {
    list_init(&timer->node);
    timer->due_ms = 0;
    timer->expired = expired;
}

void wheel_arm(struct wheel *wheel, struct timer *timer, int64_t due_ms) {
    assert(due_ms >= 0);
    wheel_disarm(wheel, timer);
    timer->due_ms = due_ms;
    int64_t tick = tick_at_or_after(due_ms), next_tick = wheel->now_ms / WHEEL_TICK_MS + 1;
    unsigned slot = slot_of(tick > next_tick ? tick : next_tick);
    list_push(&wheel->slots[slot], &timer->node);
    mark(wheel, slot);
}

// The slot that `node` alone is in, or -1. While wheel_advance() runs a slot, its timers hang on a list that is none of the slots.
static int only_one_in(const struct wheel *wheel, const struct list *node) {
    uintptr_t neighbour = (uintptr_t)node->next, first = (uintptr_t)wheel->slots;
    if (node->next != node->prev || neighbour < first || neighbour >= first + sizeof wheel->slots)
        return -1;
    return (int)((neighbour - first) / sizeof *wheel->slots);
}

void wheel_disarm(struct wheel *wheel, struct timer *timer) {
    int slot = only_one_in(wheel, &timer->node);
    list_remove(&timer->node);
    if (slot >= 0)
        unmark(wheel, (unsigned)slot);
}

static void run_slot(struct wheel *wheel, unsigned slot) {
    struct list timers, *node;
    list_init(&timers);
    list_append(&timers, &wheel->slots[slot]);
    unmark(wheel, slot);
    while ((node = list_pop(&timers))) {
        struct timer *timer = container_of(node, struct timer, node);
        if (timer->due_ms <= wheel->now_ms) {
            timer->expired(timer);
            continue;
        }
        list_push(&wheel->slots[slot], node); // of a later revolution
        mark(wheel, slot);
    }
}

void wheel_advance(struct wheel *wheel, int64_t now_ms) {
    int64_t from = wheel->now_ms / WHEEL_TICK_MS, to = now_ms / WHEEL_TICK_MS;
    if (to <= from)
        return;
    wheel->now_ms = to * WHEEL_TICK_MS; // before anything runs: what is armed from now on is for a later advance
    int64_t first = to - from > WHEEL_SLOTS ? to - WHEEL_SLOTS : from;
    for (int64_t tick = first + 1; tick <= to; tick++) {
        unsigned slot = slot_of(tick);
        if (wheel->occupied[slot / 64] >> slot % 64 & 1)
            run_slot(wheel, slot);
    }
}

int64_t wheel_next_ms(const struct wheel *wheel) {
    // word by word; the first is entered in its middle, so its lower bits come last
    int64_t next_tick = wheel->now_ms / WHEEL_TICK_MS + 1;
    unsigned start = slot_of(next_tick);
    for (unsigned ahead = 0; ahead < WHEEL_SLOTS;) {
        unsigned slot = (start + ahead) % WHEEL_SLOTS;
        uint64_t rest = wheel->occupied[slot / 64] >> slot % 64;
        if (rest) {
            ahead += (unsigned)__builtin_ctzll(rest);
            return (next_tick + ahead) * WHEEL_TICK_MS;
        }
        ahead += 64 - slot % 64;
    }
    return -1;
}
