// hash.h — short hashes of texts: a keyed one for tables, a strong one for names that others must find again.
#ifndef CACHE_HASH_H
#define CACHE_HASH_H

#include <stdint.h>

#include <leat/values.h>

/** What a table's hashes are keyed with, so that no client can choose keys that meet in one bucket. */
struct hash_key {
    uint64_t k0, k1;
};
/** Random; from a clock and an address where the kernel has no random bytes yet. */
struct hash_key hash_key_make(void);
/** SipHash-1-3 (Aumasson and Bernstein, 2012), 64 bits. */
uint64_t hash_keyed(const struct hash_key *key, str text);

enum { DIGEST_BYTES = 16, DIGEST_TEXT_BYTES = 2 * DIGEST_BYTES };

/** The first half of SHA-256: two texts that have the same are the same text. */
struct digest {
    uint8_t bytes[DIGEST_BYTES];
};
struct digest digest_of(str text);
/** The first eight bytes as a number: the same on every machine. */
uint64_t digest_number(const struct digest *digest);
/** Lower-case hex, DIGEST_TEXT_BYTES of it, not NUL-terminated. */
void digest_text(char *out, const struct digest *digest);

#endif
