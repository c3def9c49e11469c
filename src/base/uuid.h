// uuid.h — UUIDs (RFC 9562) between bytes and text. uuid_eq() and uuid_parse() are public: leat/values.h.
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <leat/values.h>

enum { UUID_TEXT_BYTES = 36 };

/** The canonical lower-case text, 36 bytes, no NUL. */
void uuid_format(char *out, uuid id);

#endif
