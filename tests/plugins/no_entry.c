// no_entry.c — a library like any other: it has no PLUGIN.
#include <leat/leat.h>

__attribute__((visibility("default"))) int no_entry(void);
int no_entry(void) {
    return 1;
}
