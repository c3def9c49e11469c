// password.h — argon2id (RFC 9106), as PHC strings. Burns tens of milliseconds and megabytes: worker threads call it, rings never.
//
// The strings are read and written here, not by libargon2: it would believe whatever memory a hash asks for. Each thread keeps the memory
// of one hash from one call to the next.
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/values.h>

struct password_cost {
    uint32_t memory_kib, passes, lanes; // 19456, 2, 1
};
extern const struct password_cost password_cost_default;

enum {
    PASSWORD_HASH_BYTES = 128,
    PASSWORD_BYTES_MAX = 4096,
    PASSWORD_COST_FACTOR_MAX = 16, // a hash may be this much dearer than the cost we would use
};

/** NULL, or the sentence that says why argon2id cannot be run, or not be trusted, with this cost. For settings. */
const char *password_cost_problem(const struct password_cost *cost);
/**
 * 0 and a NUL-terminated PHC string with a fresh 16-byte salt; -EINVAL for more than PASSWORD_BYTES_MAX, -ENOMEM, or -EIO when the kernel
 * gave no randomness.
 */
int password_make(str plain, const struct password_cost *cost, char ret_hash[PASSWORD_HASH_BYTES]);
/**
 * 1 when `plain` made `hash`, else 0; or -ENOMEM. For an empty or malformed `hash`, one dearer than PASSWORD_COST_FACTOR_MAX times `cost`,
 * or a `plain` that is too long, a fixed dummy of `cost` is computed and the answer is 0.
 */
int password_matches(str plain, str hash, const struct password_cost *cost);
/** True when `hash` was made with less than `cost`, or cannot be read. */
bool password_is_weaker(str hash, const struct password_cost *cost);

#endif
