// blob.h — an entry as bytes that another process can read.
//
// Numbers are little-endian, times are of the wall clock: the clocks of machines that share a Redis differ by less than what an answer's
// age is told in.
#ifndef CACHE_BLOB_H
#define CACHE_BLOB_H

#include "base/buffer.h"
#include "cache/entry.h"

/** Two clocks at one moment. */
struct moment {
    int64_t now_ms, wall_us;
};

/** Appends the entry. 0 or -ENOMEM. */
int blob_write(struct buffer *buffer, const struct cache_entry *entry, struct moment moment);
/**
 * The entry of these bytes, which are checked to be whole and to be of that key, held by the caller; NULL where they are not, where the
 * entry is dead, and without memory.
 */
struct cache_entry *blob_read(str bytes, str key, struct moment moment);

#endif
