// password.h — argon2id (RFC 9106), as PHC strings. Burns tens of milliseconds and megabytes: worker threads call it, rings never.
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/values.h>

struct password_cost {
    uint32_t memory_kib, passes, lanes; // 19456, 2, 1
};
extern const struct password_cost password_cost_default;

enum { PASSWORD_HASH_BYTES = 128, PASSWORD_BYTES_MAX = 4096 };

/** 0 and a NUL-terminated PHC string with a fresh 16-byte salt; -ENOMEM, or -EIO when the kernel gave no randomness. */
int password_make(str plain, const struct password_cost *cost, char ret_hash[PASSWORD_HASH_BYTES]);
/** True when `plain` made `hash`. For an empty or malformed `hash`, or one dearer than 16 times `cost`, a fixed dummy of `cost` is computed
 * and the answer is false. */
bool password_matches(str plain, str hash, const struct password_cost *cost);
/** True when `hash` was made with less than `cost`, or cannot be read. */
bool password_is_weaker(str hash, const struct password_cost *cost);

#endif
