// disposition.h — under what name a browser saves what it is sent (RFC 6266).
#ifndef HTTP_DISPOSITION_H
#define HTTP_DISPOSITION_H

#include "base/arena.h"

/**
 * The value of Content-Disposition for `name`, any UTF-8: `attachment; filename="a_.txt"; filename*=UTF-8''%C3%A4.txt`, the second only
 * where the first is not the whole truth (RFC 8187). Slashes, backslashes and control characters become '_'. `ptr` is NULL without memory.
 */
str disposition_write(struct arena *arena, str name);

#endif
