// keeps_state.c — counts how often it was loaded, across its generations.
#include <stdio.h>
#include <stdlib.h>

#include <leat/leat.h>

static int load(leat_host *host) {
    int *count = host_state(host, "count", sizeof *count, 1);
    if (!count)
        return -1;
    char text[16];
    snprintf(text, sizeof text, "%d", ++*count);
    return setenv("KEEPS_STATE", text, 1);
}

PLUGIN(keeps_state, .on_load = load);
