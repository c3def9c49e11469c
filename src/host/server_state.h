// server_state.h — the inside of a server, for the files of this floor.
#ifndef HOST_SERVER_STATE_H
#define HOST_SERVER_STATE_H

#include "host/worker.h"

struct server {
    struct server_options options;
    struct crew crew;
    struct worker *workers;
    unsigned begun_count; // threads
};

#endif
