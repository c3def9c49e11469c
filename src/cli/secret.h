// secret.h — the key of a development server: made once, kept in a file that only its owner reads.
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include <stdbool.h>

#include "host/messages.h"

enum { SECRET_KEY_BYTES = 64 }; // hexadecimal digits

/** The key in var/secret_key, made where there is none. 0; -EINVAL and a message; -ENOMEM. */
int secret_key_keep(const char *var, struct arena *arena, struct messages *messages, str *ret_key, bool *ret_is_new);
/** The same key where there is one, and else one that nobody keeps. */
int secret_key_find(const char *var, struct arena *arena, struct messages *messages, str *ret_key, bool *ret_is_new);

#endif
