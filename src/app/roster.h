// roster.h — the plugins as the main thread knows them, whatever their state: for /metrics, on any core.
#ifndef APP_ROSTER_H
#define APP_ROSTER_H

#include <pthread.h>

#include "app/figures.h"

enum roster_state { ROSTER_SERVING, ROSTER_REFUSED, ROSTER_DRAINING, ROSTER_QUARANTINED, ROSTER_UNLOADED, ROSTER_STATES };
enum { ROSTER_MAX = 512, ROSTER_NAME_BYTES_MAX = 64, ROSTER_WHY_BYTES_MAX = 200 };

/** "serving" and so on. */
const char *roster_word(enum roster_state state);

struct roster_entry {
    char name[ROSTER_NAME_BYTES_MAX];
    enum roster_state state;
    char why[ROSTER_WHY_BYTES_MAX]; // it is refused or quarantined; "" of all others
};

struct roster {
    pthread_mutex_t lock; // of the entries
    struct roster_entry entries[ROSTER_MAX];
    unsigned count;
    counter load_count, refusal_count; // the main thread's to add to
};

void roster_init(struct roster *roster);
/** All of them anew; beyond ROSTER_MAX they are left out. */
void roster_set(struct roster *roster, const struct roster_entry *entries, unsigned count);
/** Copies them, ROSTER_MAX at most; how many. */
unsigned roster_get(struct roster *roster, struct roster_entry *ret_entries);

#endif
