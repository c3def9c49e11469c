// phc.h — the PHC string of an argon2id hash: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>, read without mercy.
//
// One spelling only: this order, decimals without leading zeros, base64 without padding or loose bits. Whoever can write to the table of
// users must not be able to make a worker take gigabytes, or run for hours.
#ifndef AUTH_PHC_H
#define AUTH_PHC_H

#include "auth/password.h"

enum {
    PHC_MEMORY_KIB_MAX = 4 << 20,
    PHC_PASSES_MAX = 1000,
    PHC_LANES_MAX = 16,
    PHC_SALT_BYTES_MIN = 8,
    PHC_SALT_BYTES_MAX = 64,
    PHC_TAG_BYTES_MIN = 16,
    PHC_TAG_BYTES_MAX = 64,
};

struct phc {
    struct password_cost cost;
    uint8_t salt[PHC_SALT_BYTES_MAX], tag[PHC_TAG_BYTES_MAX];
    uint32_t salt_bytes, tag_bytes;
};

/** 0, or -EINVAL and `*ret_phc` untouched. */
int phc_read(str text, struct phc *ret_phc);
/** For a salt of 16 and a tag of 32 bytes: NUL-terminated, within PASSWORD_HASH_BYTES. */
void phc_write(char out[PASSWORD_HASH_BYTES], const struct phc *phc);

#endif
