// openapi_security.h — who may call what, as the document has it: each operation's "security", and the schemes they name.
#ifndef APP_OPENAPI_SECURITY_H
#define APP_OPENAPI_SECURITY_H

#include "app/openapi_components.h"
#include "app/snapshot_internal.h"

/** "security" of an operation: the schemes of all its providers that name one; an empty list where none does. */
void security_write(leat_json *writer, const struct endpoint *endpoint);
/** "securitySchemes": each that a visible route names, once. `token_url` may be NULL: tokens are not made here. */
void security_schemes_write(leat_json *writer, const struct snapshot *snapshot, const char *token_url);

#endif
