// request_ids.c — the ids that requests are given: where they begin, and their upper digits.
#include "request_ids.h"

#include <stddef.h>
#include <sys/random.h>

#include "base/clock.h"

static const char hex[] = "0123456789abcdef";

void request_ids_carry(struct request_ids *ids, uint64_t number) {
    char *digit = ids->lines[number & 1] + REQUEST_ID_NAME_BYTES + REQUEST_ID_PREFIX_BYTES;
    for (int shift = 44; shift >= 32; shift -= 4)
        *digit++ = hex[number >> shift & 15];
}

void request_ids_init(struct request_ids *ids) {
    unsigned char random[REQUEST_ID_PREFIX_BYTES / 2];
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        for (size_t i = 0; i < sizeof random; i++) // too early after boot for better
            random[i] = (unsigned char)((uint64_t)clock_wall_us() >> i * 8) ^ (unsigned char)(uintptr_t)ids ^ (unsigned char)i;
    char *at = mempcpy(ids->lines[0], "X-Request-ID: ", REQUEST_ID_NAME_BYTES);
    for (size_t i = 0; i < sizeof random; i++) {
        *at++ = hex[random[i] >> 4];
        *at++ = hex[random[i] & 15];
    }
    memcpy(at, "000000000000\r\n", REQUEST_ID_BYTES - REQUEST_ID_PREFIX_BYTES + 2);
    memcpy(ids->lines[1], ids->lines[0], REQUEST_ID_LINE);
    ids->number = 0;
}
