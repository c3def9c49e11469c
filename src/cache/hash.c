// hash.c — short hashes of texts: a keyed one for tables, a strong one for names that others must find again.
#include "cache/hash.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "base/clock.h"

struct hash_key hash_key_make(void) {
    struct hash_key key;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key)
        key = (struct hash_key){(uint64_t)clock_monotonic_ns(), (uintptr_t)&key};
    return key;
}

static inline uint64_t rotate(uint64_t x, unsigned bits) {
    return x << bits | x >> (64 - bits);
}

static inline void round_of(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    round_of(v);
    v[0] ^= word;
}

uint64_t hash_keyed(const struct hash_key *key, str text) {
    uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d, key->k0 ^ 0x6c7967656e657261,
                     key->k1 ^ 0x7465646279746573};
    size_t whole = text.len & ~(size_t)7;
    uint64_t word;
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, text.ptr + i, 8);
        absorb(v, word);
    }
    word = (uint64_t)text.len << 56;
    for (size_t i = whole; i < text.len; i++)
        word |= (uint64_t)(unsigned char)text.ptr[i] << (i - whole) * 8;
    absorb(v, word);
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++)
        round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct digest digest_of(str text) {
    unsigned char whole[EVP_MAX_MD_SIZE];
    int ok = EVP_Digest(text.ptr ? text.ptr : "", text.len, whole, NULL, EVP_sha256(), NULL);
    assert(ok == 1); // it fails for want of the algorithm only
    struct digest digest;
    memcpy(digest.bytes, whole, sizeof digest.bytes);
    return digest;
}

uint64_t digest_number(const struct digest *digest) {
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number = number << 8 | digest->bytes[i];
    return number;
}

void digest_text(char *out, const struct digest *digest) {
    static const char hex[] = "0123456789abcdef";
    for (unsigned i = 0; i < DIGEST_BYTES; i++) {
        *out++ = hex[digest->bytes[i] >> 4];
        *out++ = hex[digest->bytes[i] & 15];
    }
}
