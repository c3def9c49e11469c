// failing_worker.c — finds on a core that it cannot work there.
#include <errno.h>

#include <leat/leat.h>

static int begin(leat_host *host LEAT_UNUSED, unsigned core LEAT_UNUSED) {
    return -ENOMEM;
}

PLUGIN(failing_worker, .on_worker = begin);
