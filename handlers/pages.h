// pages.h — the files behind /docs and /redoc, read at load.
#ifndef HANDLERS_PAGES_H
#define HANDLERS_PAGES_H

#include <leat/plugin.h>

/** Reads them; one that is missing is said on standard error and answered 404. Always 0. */
int pages_load(leat_host *host);
void pages_unload(leat_host *host);

#endif
