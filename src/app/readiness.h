// readiness.h — whether this server should be sent requests, as far as that is not one core's to know.
#ifndef APP_READINESS_H
#define APP_READINESS_H

#include <stdatomic.h>

enum migrations { MIGRATIONS_APPLIED, MIGRATIONS_UNKNOWN, MIGRATIONS_PENDING };

/** Set by the main thread, read by all cores. */
struct readiness {
    atomic_int migrations; // enum migrations
    atomic_bool is_draining;
    atomic_bool is_degraded; // a plugin of the folders does not serve as it lies there
};

#endif
