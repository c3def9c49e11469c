// pages.h — the files behind /docs and /redoc, found at load.
#ifndef HANDLERS_PAGES_H
#define HANDLERS_PAGES_H

#include <leat/plugin.h>

/** Finds them; one that is missing is said in the log and answered 404. Always 0. */
int pages_load(leat_host *host);

#endif
