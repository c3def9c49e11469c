// blob.c — an entry as bytes that another process can read.
#include "cache/blob.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum { IS_COMPRESSIBLE = 1 << 15, REPLACES_DEFAULTS = 1 << 14, FLAGS = IS_COMPRESSIBLE | REPLACES_DEFAULTS };

static const uint32_t magic = 0x6c656131; // another layout has another

struct __attribute__((packed)) head {
    uint32_t magic;
    uint16_t status; // and FLAGS
    uint16_t tag_count;
    uint64_t made_us, stamp;
    uint32_t fresh_ms, stale_ms; // from made_us on; and then
    uint32_t key_bytes, fields_bytes, short_fields_bytes, etag_bytes, body_bytes;
};

static int append(struct buffer *buffer, str text) {
    return text.len ? buffer_append(buffer, text.ptr, text.len) : 0;
}

static uint16_t status_and_flags(const struct cache_entry *entry) {
    return (uint16_t)(entry->status | (entry->is_compressible ? IS_COMPRESSIBLE : 0) | (entry->replaces_defaults ? REPLACES_DEFAULTS : 0));
}

int blob_write(struct buffer *buffer, const struct cache_entry *entry, struct moment moment) {
    struct head head = {
        .magic = htole32(magic),
        .status = htole16(status_and_flags(entry)),
        .tag_count = htole16(entry->tag_count),
        .made_us = htole64((uint64_t)(moment.wall_us - (moment.now_ms - entry->made_ms) * 1000)),
        .stamp = htole64(entry->stamp),
        .fresh_ms = htole32((uint32_t)(entry->stale_ms - entry->made_ms)),
        .stale_ms = htole32((uint32_t)(entry->dead_ms - entry->stale_ms)),
        .key_bytes = htole32(entry->key_bytes),
        .fields_bytes = htole32(entry->fields_bytes),
        .short_fields_bytes = htole32(entry->short_fields_bytes),
        .etag_bytes = htole32(entry->etag_bytes),
        .body_bytes = htole32(entry->body_bytes),
    };
    int error = buffer_append(buffer, &head, sizeof head);
    for (unsigned i = 0; i < entry->tag_count && !error; i++) {
        uint64_t number = htole64(entry_tag_numbers(entry)[i]);
        error = buffer_append(buffer, &number, sizeof number);
    }
    const str texts[] = {entry_key(entry), entry_fields(entry), entry_etag(entry), entry_body(entry)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !error; i++)
        error = append(buffer, texts[i]);
    return error;
}

static str take(str *rest, size_t bytes) {
    str taken = {rest->ptr, bytes};
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return taken;
}

static unsigned status_of(const struct head *head) {
    return le16toh(head->status) & ~(unsigned)FLAGS;
}

static bool read_head(str *rest, struct head *head) {
    if (rest->len < sizeof *head)
        return false;
    memcpy(head, take(rest, sizeof *head).ptr, sizeof *head);
    uint64_t bytes = (uint64_t)le16toh(head->tag_count) * sizeof(uint64_t) + le32toh(head->key_bytes) + le32toh(head->fields_bytes) +
                     le32toh(head->etag_bytes) + le32toh(head->body_bytes);
    return head->magic == htole32(magic) && le16toh(head->tag_count) <= ENTRY_TAGS_MAX && bytes == rest->len &&
           le32toh(head->short_fields_bytes) <= le32toh(head->fields_bytes) && status_of(head) >= 200 && status_of(head) < 600;
}

// What another clock says was made in the future was made now.
static int64_t age_ms(const struct head *head, struct moment moment) {
    int64_t age_us = moment.wall_us - (int64_t)le64toh(head->made_us);
    return age_us > 0 ? age_us / 1000 : 0;
}

struct cache_entry *blob_read(str bytes, str key, struct moment moment) {
    struct head head;
    uint64_t tags[ENTRY_TAGS_MAX];
    if (!read_head(&bytes, &head))
        return NULL;
    unsigned tag_count = le16toh(head.tag_count);
    memcpy(tags, take(&bytes, tag_count * sizeof *tags).ptr, tag_count * sizeof *tags);
    for (unsigned i = 0; i < tag_count; i++)
        tags[i] = le64toh(tags[i]);
    int64_t made_ms = moment.now_ms - age_ms(&head, moment);
    struct entry_parts parts = {
        .key = take(&bytes, le32toh(head.key_bytes)),
        .status = status_of(&head),
        .is_compressible = le16toh(head.status) & IS_COMPRESSIBLE,
        .replaces_defaults = le16toh(head.status) & REPLACES_DEFAULTS,
        .fields = take(&bytes, le32toh(head.fields_bytes)),
        .short_fields_bytes = le32toh(head.short_fields_bytes),
        .etag = take(&bytes, le32toh(head.etag_bytes)),
        .body = bytes,
        .tags = tags,
        .tag_count = tag_count,
        .made_ms = made_ms,
        .stale_ms = made_ms + le32toh(head.fresh_ms),
        .dead_ms = made_ms + le32toh(head.fresh_ms) + (int64_t)le32toh(head.stale_ms),
        .stamp = le64toh(head.stamp),
    };
    return str_eq(parts.key, key) && parts.dead_ms > moment.now_ms ? entry_create(&parts) : NULL;
}
