// wrong_major.c — from a world whose interface is another; its constructor must not run.
#include <stdlib.h>

#include <leat/leat.h>

__attribute__((constructor)) static void run_too_early(void) {
    setenv("WRONG_MAJOR_RAN", "1", 1);
}

PLUGIN(wrong_major, .abi_major = LEAT_ABI_MAJOR + 1);
