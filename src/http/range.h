// range.h — which bytes of a representation are asked for (RFC 9110, section 14).
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stdint.h>

#include <leat/values.h>

enum { RANGES_MAX = 16 }; // of one request; more are a way to make a server work, not to read a file

struct byte_range {
    uint64_t first, bytes; // `bytes` is not 0
};

/**
 * Reads a Range field for a representation of `size` bytes: how many ranges there are, in their order; 0 where it is to be ignored (another
 * unit, malformed, too many ranges, or more bytes together than the whole has); -ERANGE where it is right and none of it is there: 416.
 */
int http_ranges_read(str field, uint64_t size, struct byte_range ret_ranges[RANGES_MAX]);

#endif
