// coding.h — content codings: which the client takes best (RFC 9110, section 12.5.3), and bytes made fewer by them.
//
// A body is coded as a whole, at once, on its core: the larger it is, the less is spent on each of its bytes, and beyond bytes_max it is
// left as it is, so that nobody waits for another's body longer than some milliseconds.
#ifndef HTTP_CODING_H
#define HTTP_CODING_H

#include <stdbool.h>
#include <stddef.h>

#include "http/head.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_BR, CODINGS };

struct coding_options {
    enum coding order[CODINGS]; // those that are offered, the preferred first, ended by CODING_IDENTITY
    size_t bytes_min;           // 1 KiB: a shorter body is left as it is
    size_t bytes_max;           // 1 MiB: so is a longer one
};
extern const struct coding_options coding_options_default;

/** Reads `order` from "br,gzip" or "off", which makes bytes_min SIZE_MAX. 0, or -EINVAL and nothing has changed. */
int coding_options_read(struct coding_options *options, str text);
/** "gzip", "br"; "identity". */
str coding_name(enum coding coding);
/** The best of `order` that the client accepts; what it accepts alike is chosen in that order. CODING_IDENTITY where it accepts none. */
enum coding coding_choose(const struct coding_options *options, const struct http_head *head);
/** True when the client accepts that coding at all. */
bool coding_is_accepted(const struct http_head *head, enum coding coding);

/** What a core codes with: one body at a time. A zeroed one is good. */
struct coder {
    void *deflater; // 260 KiB once it has been used, kept
    char *out;      // of the last body
    size_t out_bytes;
};
void coder_finish(struct coder *coder);
/** `ret_coded` is the coder's, until its next use. 0; -EFBIG where it would not be shorter; -ENOMEM. */
int coder_run(struct coder *coder, enum coding coding, str body, str *ret_coded);

/** What a strong entity tag has before its last quote where the answer is in a coding: "-gzip", "-br"; empty for none. */
str http_etag_suffix(enum coding coding);
bool http_is_etag_suffix(str text);

#endif
