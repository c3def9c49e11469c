// email.h — addresses, judged and normalised as Python's email-validator 2.2 does for Pydantic's EmailStr.
#ifndef SCHEMA_EMAIL_H
#define SCHEMA_EMAIL_H

#include "base/arena.h"

/**
 * `*text` becomes the address itself: without a name or blanks around it, the domain in lower case and in Unicode. 0; -EINVAL: *ret_reason,
 * a sentence that lives as long as the arena, and `*text` untouched; -ENOMEM.
 */
int email_take(struct arena *arena, str *text, str *ret_reason);

#endif
