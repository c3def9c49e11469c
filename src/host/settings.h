// settings.h — a SETTINGS schema filled from the environment: found by name, validated as a request's values are.
#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include <leat/schema.h>

#include "host/environment.h"
#include "host/messages.h"
#include "host/plugin.h"
#include "schema/model.h"

enum { SETTINGS_VARIABLE_BYTES_MAX = 128 };

/**
 * Fills `out` (schema->bytes, zeroed). A field is found under its `.env`, else under PREFIX_FIELD, else under FIELD, in any case; `prefix`
 * may be NULL. A list is written with commas. Strings of the result live in `arena`. 0; -EINVAL, with a message for each variable that is
 * missing or wrong, "OWNER: error: PORT in .env: Input should be ..."; never its value; -ENOMEM. A field's `check` is handed no request.
 * `models` knows the VALIDATEs.
 */
int settings_read(struct model_set *models, const leat_schema *schema, const char *owner, const char *prefix,
                  const struct environment *environment, struct arena *arena, struct messages *messages, void *out);
/** The name under which a field is looked for first: its `.env`, else PREFIX_FIELD, else (no prefix) FIELD. */
void settings_variable(const leat_field *field, const char *prefix, char out[SETTINGS_VARIABLE_BYTES_MAX]);
/** All SETTINGS of a plugin, into its own memory; bound (settings(T) holds) once all of them are right. As above. */
int settings_bind(struct plugin *plugin, const struct environment *environment, struct messages *messages);

#endif
