// charset.h — sets of ASCII characters, and how far a text is made of one: sixteen bytes in a dozen instructions.
//
// A set is a matrix of 128 bits: a character's low four bits choose a column, the others a bit of it. Both are looked up for sixteen
// characters by one shuffle each (SSSE3); elsewhere the same matrix is read one character at a time.
#ifndef HTTP_CHARSET_H
#define HTTP_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

struct charset {
    uint8_t columns[16]; // bit n of column m: the character n * 16 + m belongs to it
};

extern const struct charset charset_token;     // RFC 9110, section 5.6.2: methods and field names
extern const struct charset charset_text;      // SP and visible characters: what most fields hold
extern const struct charset charset_path;      // visible characters without '?' and '#'
extern const struct charset charset_query;     // visible characters without '#'
extern const struct charset charset_unescaped; // visible characters without '%': a path that is what it says
extern const struct charset charset_host;      // of a registered name (RFC 3986, section 3.2.2), without '%' and ','

static inline bool charset_has(const struct charset *set, char c) {
    unsigned char code = (unsigned char)c;
    return code < 0x80 && set->columns[code & 15] >> (code >> 4) & 1;
}

#ifdef __SSSE3__

/** Fewer than sixteen bytes, and zeros behind them. */
static inline __m128i charset_load_short(const char *at, size_t bytes) {
    uint64_t low = 0, high = 0;
    if (bytes >= 8) {
        memcpy(&low, at, 8);
        memcpy(&high, at + bytes - 8, 8);
        high = high >> 8 * (15 - bytes) >> 8;
    } else if (bytes >= 4) {
        uint32_t first, last;
        memcpy(&first, at, 4);
        memcpy(&last, at + bytes - 4, 4);
        low = first | (uint64_t)last << 8 * (bytes - 4);
    } else if (bytes) {
        low = (uint64_t)(uint8_t)at[0] | (uint64_t)(uint8_t)at[bytes / 2] << 8 * (bytes / 2) |
              (uint64_t)(uint8_t)at[bytes - 1] << 8 * (bytes - 1);
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

/** A bit for each of sixteen characters that does not belong to `set`. */
static inline unsigned charset_strangers(const struct charset *set, __m128i text) {
    const __m128i bit_of_row = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    __m128i columns = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)set->columns), text); // of what is not ASCII: none
    __m128i rows = _mm_shuffle_epi8(bit_of_row, _mm_and_si128(_mm_srli_epi16(text, 4), _mm_set1_epi8(15)));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(columns, rows), _mm_setzero_si128()));
}

/** How many bytes at the beginning of [at, end) belong to `set`. `set` must not have NUL. */
static inline size_t charset_run(const struct charset *set, const char *at, const char *end) {
    const char *start = at;
    for (; end - at >= 16; at += 16) {
        unsigned strangers = charset_strangers(set, _mm_loadu_si128((const __m128i *)at));
        if (strangers)
            return (size_t)(at - start) + (unsigned)__builtin_ctz(strangers);
    }
    unsigned strangers = charset_strangers(set, charset_load_short(at, (size_t)(end - at)));
    return (size_t)(at - start) + (unsigned)__builtin_ctz(strangers);
}

#else

static inline size_t charset_run(const struct charset *set, const char *at, const char *end) {
    const char *start = at;
    while (at < end && charset_has(set, *at))
        at++;
    return (size_t)(at - start);
}

#endif

#endif
