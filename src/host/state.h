// state.h — memory that a plugin has across its generations, by name: host_state() of <leat/plugin.h>.
//
// Of the process, not of a server: a generation is loaded beside the one it follows. Each holds what it asked for; the last one that lets
// go frees it.
#ifndef HOST_STATE_H
#define HOST_STATE_H

#include <stddef.h>

struct state;

enum { STATES_MAX = 64, STATE_NAME_BYTES_MAX = 63, STATE_BYTES_MAX = 1 << 30, STATE_ALIGNMENT = 64 };

/**
 * The memory of that plugin, name, size and version, zeroed where nobody has it yet; held once more by the caller, whose list of
 * `*held_count` grows by it, or not, where it has it already. NULL as host_state() says. Any thread.
 */
void *states_take(const char *plugin, const char *name, size_t size, unsigned version, struct state *held[STATES_MAX], size_t *held_count);
void state_release(struct state *state);

#endif
