// roster.c — the plugins as the main thread knows them, whatever their state: for /metrics, on any core.
#include "app/roster.h"

#include <string.h>

const char *roster_word(enum roster_state state) {
    static const char *const words[ROSTER_STATES] = {"serving", "refused", "draining", "quarantined", "unloaded"};
    return words[state];
}

void roster_init(struct roster *roster) {
    memset(roster, 0, sizeof *roster);
    pthread_mutex_init(&roster->lock, NULL);
}

void roster_set(struct roster *roster, const struct roster_entry *entries, unsigned count) {
    pthread_mutex_lock(&roster->lock);
    roster->count = count < ROSTER_MAX ? count : ROSTER_MAX;
    memcpy(roster->entries, entries, roster->count * sizeof *entries);
    pthread_mutex_unlock(&roster->lock);
}

unsigned roster_get(struct roster *roster, struct roster_entry *ret_entries) {
    pthread_mutex_lock(&roster->lock);
    unsigned count = roster->count;
    memcpy(ret_entries, roster->entries, count * sizeof *ret_entries);
    pthread_mutex_unlock(&roster->lock);
    return count;
}
