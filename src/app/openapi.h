// openapi.h — the OpenAPI 3.1 document of a snapshot: made once, from the descriptors that also make the validation.
#ifndef APP_OPENAPI_H
#define APP_OPENAPI_H

#include "app/snapshot.h"

struct openapi_info {
    const char *title, *version;
    const char *description, *contact, *license;    // may be NULL; the contact is an address, a URL or a name
    const char *openapi_url, *docs_url, *redoc_url; // where the built-in pages are; NULL: where they say; "": nowhere
};

/** The document as JSON text in `arena`; `ptr` is NULL without memory. Operation ids, titles and texts are FastAPI's. */
str openapi_make(const struct snapshot *snapshot, const struct openapi_info *info, struct arena *arena);

#endif
