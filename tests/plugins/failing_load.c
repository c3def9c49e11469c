// failing_load.c — finds at load that it cannot work.
#include <errno.h>

#include <leat/leat.h>

static int load(leat_host *host LEAT_UNUSED) {
    return -ENOENT;
}

PLUGIN(failing_load, .on_load = load);
