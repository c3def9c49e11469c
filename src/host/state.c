// state.c — memory that a plugin has across its generations, by name: host_state() of <leat/plugin.h>.
#include "state.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

struct state {
    struct list node;
    char plugin[STATE_NAME_BYTES_MAX + 1], name[STATE_NAME_BYTES_MAX + 1];
    size_t size;
    unsigned version, holder_count;
    void *memory;
};

static struct list states = {&states, &states};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of all this, the holders' lists too

static struct state *find(const char *plugin, const char *name, size_t size, unsigned version) {
    list_each (node, &states) {
        struct state *state = container_of(node, struct state, node);
        if (state->size == size && state->version == version && !strcmp(state->plugin, plugin) && !strcmp(state->name, name))
            return state;
    }
    return NULL;
}

static struct state *make(const char *plugin, const char *name, size_t size, unsigned version) {
    struct state *state = calloc(1, sizeof *state);
    size_t whole = (size + STATE_ALIGNMENT - 1) & ~(size_t)(STATE_ALIGNMENT - 1);
    if (state)
        state->memory = aligned_alloc(STATE_ALIGNMENT, whole);
    if (!state || !state->memory) {
        free(state);
        return NULL;
    }
    memset(state->memory, 0, whole);
    snprintf(state->plugin, sizeof state->plugin, "%s", plugin);
    snprintf(state->name, sizeof state->name, "%s", name);
    state->size = size;
    state->version = version;
    list_push(&states, &state->node);
    return state;
}

static bool has(struct state *const *held, size_t count, const struct state *state) {
    for (size_t i = 0; i < count; i++)
        if (held[i] == state)
            return true;
    return false;
}

static struct state *take(const char *plugin, const char *name, size_t size, unsigned version, struct state **held, size_t *held_count) {
    struct state *state = find(plugin, name, size, version);
    if (state && has(held, *held_count, state))
        return state;
    if (*held_count == STATES_MAX || (!state && !(state = make(plugin, name, size, version))))
        return NULL;
    state->holder_count++;
    held[(*held_count)++] = state;
    return state;
}

void *states_take(const char *plugin, const char *name, size_t size, unsigned version, struct state *held[STATES_MAX], size_t *held_count) {
    if (!name || strlen(name) > STATE_NAME_BYTES_MAX || size == 0 || size > STATE_BYTES_MAX)
        return NULL;
    pthread_mutex_lock(&lock);
    struct state *state = take(plugin, name, size, version, held, held_count);
    pthread_mutex_unlock(&lock);
    return state ? state->memory : NULL;
}

void state_release(struct state *state) {
    pthread_mutex_lock(&lock);
    bool is_last = --state->holder_count == 0;
    if (is_last)
        list_remove(&state->node);
    pthread_mutex_unlock(&lock);
    if (!is_last)
        return;
    free(state->memory);
    free(state);
}
