// multipart.h — multipart/form-data taken apart as it comes, in whatever pieces (RFC 2046, section 5.1; RFC 7578).
//
// A pure function over pieces: no memory of its own, no waiting. A delimiter may be cut anywhere; what looked like one and was none is
// handed out again from the delimiter itself, so that nothing is kept of the pieces.
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdint.h>

#include "http/limits.h"
#include "http/part_head.h"

enum { MULTIPART_BOUNDARY_BYTES_MAX = 70, MULTIPART_PADDING_BYTES_MAX = 8192 };

enum multipart_event {
    MULTIPART_PART = 1, // a part begins: `part` holds its head until the next
    MULTIPART_DATA,     // more of it
    MULTIPART_PART_END,
};

struct multipart {
    const struct form_limits *limits;
    struct part_head part;
    const char *problem; // a sentence for the client, once multipart_next() has said -EINVAL; static text, or in `words`
    char *head;          // of the part that begins: room for limits->part_head_bytes_max
    uint32_t head_bytes;
    uint32_t field_count, file_count;
    uint32_t padding_bytes; // before the first delimiter, and behind the last
    uint8_t state, delimiter_bytes, matched;
    char words[96];
    char delimiter[4 + MULTIPART_BOUNDARY_BYTES_MAX];
};

/** True for "multipart/form-data" with or without parameters. */
bool multipart_is_type(str content_type);
/**
 * For a body of that Content-Type. `head` is room for `limits->part_head_bytes_max` bytes; both live as long as the reading. 0, or -EINVAL
 * and `problem` where the boundary is missing or none.
 */
int multipart_begin(struct multipart *multipart, str content_type, const struct form_limits *limits, char *head);
/**
 * Takes bytes off the front of `*rest`. A multipart_event, with its bytes in `*ret_data` for MULTIPART_DATA: a slice of `*rest` as it was,
 * or of `multipart`, valid until the next call; -EAGAIN where `*rest` is used up; -EINVAL and `problem`.
 */
int multipart_next(struct multipart *multipart, str *rest, str *ret_data);
/** The body is over: 0 where its last delimiter has come, else -EINVAL and `problem`. */
int multipart_end(struct multipart *multipart);

#endif
