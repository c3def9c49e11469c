// phc.c — the PHC string of an argon2id hash: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>, read without mercy.
#include "auth/phc.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/base64.h"

static bool skip(str *rest, const char *text) {
    size_t bytes = strlen(text);
    if (rest->len < bytes || memcmp(rest->ptr, text, bytes) != 0)
        return false;
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return true;
}

static bool read_number(str *rest, uint32_t max, uint32_t *ret_number) {
    uint32_t number = 0;
    size_t digits = 0;
    while (digits < rest->len && rest->ptr[digits] >= '0' && rest->ptr[digits] <= '9' && number <= max)
        number = number * 10 + (uint32_t)(rest->ptr[digits++] - '0');
    if (!digits || *rest->ptr == '0' || number > max)
        return false;
    *rest = (str){rest->ptr + digits, rest->len - digits};
    *ret_number = number;
    return true;
}

// Bytes in base64 up to the next '$', or the end.
static bool read_bytes(str *rest, uint8_t *out, size_t min, size_t max, uint32_t *ret_bytes) {
    const char *end = memchr(rest->ptr, '$', rest->len);
    str text = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    ssize_t bytes = text.len <= base64_text_bytes(max) ? base64_read(out, text, base64_standard) : -1;
    if (bytes < (ssize_t)min || bytes > (ssize_t)max)
        return false;
    *rest = (str){text.ptr + text.len, rest->len - text.len};
    *ret_bytes = (uint32_t)bytes;
    return true;
}

int phc_read(str text, struct phc *ret_phc) {
    struct phc phc;
    if (!text.ptr || text.len >= PASSWORD_HASH_BYTES * 2)
        return -EINVAL;
    bool is_good = skip(&text, "$argon2id$v=19$m=") && read_number(&text, PHC_MEMORY_KIB_MAX, &phc.cost.memory_kib) && skip(&text, ",t=") &&
                   read_number(&text, PHC_PASSES_MAX, &phc.cost.passes) && skip(&text, ",p=") &&
                   read_number(&text, PHC_LANES_MAX, &phc.cost.lanes) && skip(&text, "$") &&
                   read_bytes(&text, phc.salt, PHC_SALT_BYTES_MIN, PHC_SALT_BYTES_MAX, &phc.salt_bytes) && skip(&text, "$") &&
                   read_bytes(&text, phc.tag, PHC_TAG_BYTES_MIN, PHC_TAG_BYTES_MAX, &phc.tag_bytes) && text.len == 0 &&
                   phc.cost.memory_kib >= 8 * phc.cost.lanes;
    if (!is_good)
        return -EINVAL;
    *ret_phc = phc;
    return 0;
}

void phc_write(char out[PASSWORD_HASH_BYTES], const struct phc *phc) {
    int head =
        snprintf(out, PASSWORD_HASH_BYTES, "$argon2id$v=19$m=%u,t=%u,p=%u$", phc->cost.memory_kib, phc->cost.passes, phc->cost.lanes);
    size_t bytes = (size_t)head + base64_text_bytes(phc->salt_bytes) + 1 + base64_text_bytes(phc->tag_bytes);
    assert(bytes < PASSWORD_HASH_BYTES);
    char *end = base64_write(out + head, (str){(const char *)phc->salt, phc->salt_bytes}, base64_standard);
    *end++ = '$';
    end = base64_write(end, (str){(const char *)phc->tag, phc->tag_bytes}, base64_standard);
    *end = '\0';
}
