// email.h — addresses, judged and normalised as Python's email-validator 2.2 does for Pydantic's EmailStr.
#ifndef SCHEMA_EMAIL_H
#define SCHEMA_EMAIL_H

#include <stdbool.h>

#include "base/arena.h"

/**
 * `*text` becomes the address itself: without a name or blanks around it, the domain in lower case and in Unicode. 0; -EINVAL: *ret_reason,
 * a sentence that lives as long as the arena, and `*text` untouched; -ENOMEM.
 */
int email_take(struct arena *arena, str *text, str *ret_reason);

// ---- its parts: the same results

/** Takes an address that nothing has to be said about; *ret_is_taken: false leaves `*text` to the other rules. 0 or -ENOMEM. */
int email_take_plain(struct arena *arena, str *text, bool *ret_is_taken);
/** True for RFC 2142's mailboxes, whose case never matters: postmaster, abuse, info. */
bool email_is_mailbox(str local);
/** The domain: *ret_ascii in IDNA's ASCII form, *ret_unicode as people read it. */
int email_domain(struct arena *arena, str domain, str *ret_ascii, str *ret_unicode, str *ret_reason);
/** True for names that no mail reaches: .test, .local and their kin. `ascii` is in lower case. */
bool email_domain_is_special(str ascii);
/** What is in the brackets of user@[...]. 0 where it is an address; those are not allowed either, but that is said later. */
int email_literal(struct arena *arena, str literal, str *ret_reason);

/** Sets *ret_reason. -EINVAL, or -ENOMEM. */
int email_refuse(struct arena *arena, str *ret_reason, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Refuses with "<lead>: ',', SPACE." where `is_allowed` is false for a character; else 0. */
int email_refuse_characters(struct arena *arena, str text, bool (*is_allowed)(uint32_t), const char *lead, str *ret_reason);
/** Refuses with "<lead>: 'a', 'b'" all of `text`, in its order. */
int email_refuse_rest(struct arena *arena, str text, const char *lead, str *ret_reason);
/** Refuses characters that are unsafe in any part of an address: separators, controls, a combining one at the start. */
int email_refuse_unsafe(struct arena *arena, str text, bool may_have_blanks, str *ret_reason);
/** Refuses periods, and in a domain hyphens, where they may not be. */
int email_refuse_dots(struct arena *arena, str text, bool is_domain, str *ret_reason);

#endif
