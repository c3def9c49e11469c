// request_ids.h — the ids that requests are given: a random prefix of the core's own, and a number that counts up, in hexadecimal.
//
// An id is made ready while the one before it is given out. It is copied with wide loads, and a processor that is to load bytes which were
// stored just before, in another shape, waits until they have reached its cache.
#ifndef APP_REQUEST_IDS_H
#define APP_REQUEST_IDS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include <leat/values.h>

enum {
    REQUEST_ID_NAME_BYTES = 14, // "X-Request-ID: "
    REQUEST_ID_PREFIX_BYTES = 12,
    REQUEST_ID_BYTES = REQUEST_ID_PREFIX_BYTES + 12, // 2^48 of them: a million a second for eight years
    REQUEST_ID_LINE = REQUEST_ID_NAME_BYTES + REQUEST_ID_BYTES + 2,
};

/** Of one core. */
struct request_ids {
    char lines[2][REQUEST_ID_LINE]; // by the number's last bit: the next one's, and that of the last
    uint64_t number;                // of the next one
};

/** Begins at a random place; ids are no secrets. */
void request_ids_init(struct request_ids *ids);
/** The upper digits of `number`, in its line: for two in 2^32 ids. */
void request_ids_carry(struct request_ids *ids, uint64_t number);

/** Eight digits, the highest first. */
static inline uint64_t request_ids_digits(uint32_t number) {
    uint64_t nibbles = __builtin_bswap32(number);
    nibbles = (nibbles | nibbles << 16) & 0x0000ffff0000ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff00ff00ff00ff;
    nibbles = (nibbles >> 4 | nibbles << 8) & 0x0f0f0f0f0f0f0f0f;
    uint64_t is_letter = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return nibbles + 0x3030303030303030 + is_letter * ('a' - '0' - 10);
}

/** A new id, as the line of a head that says it. Valid until the next but one. */
static inline const char *request_ids_next(struct request_ids *ids) {
    const char *line = ids->lines[ids->number & 1];
    uint64_t next = ++ids->number, digits = htole64(request_ids_digits((uint32_t)next));
    if (__builtin_expect((uint32_t)next < 2, false)) // each of the lines once
        request_ids_carry(ids, next);
    memcpy(ids->lines[next & 1] + REQUEST_ID_LINE - 2 - sizeof digits, &digits, sizeof digits);
    return line;
}

/** The line that `id` is of; NULL where it was not made here, or is not one of the last two. */
static inline const char *request_ids_line(const struct request_ids *ids, str id) {
    for (unsigned i = 0; i < 2; i++)
        if (id.ptr == ids->lines[i] + REQUEST_ID_NAME_BYTES)
            return ids->lines[i];
    return NULL;
}

#endif
