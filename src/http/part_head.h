// part_head.h — the head of one part of multipart/form-data: the field's name, a file's name, its type (RFC 7578, section 4).
#ifndef HTTP_PART_HEAD_H
#define HTTP_PART_HEAD_H

#include <stdbool.h>

#include <leat/values.h>

/** FastAPI's words for a form that cannot be read; behind them stands why. */
#define BROKEN_FORM "There was an error parsing the body: "

struct part_head {
    str name;         // as it was sent, quotes undone
    str filename;     // its last segment, UTF-8 without control characters; empty where there is none to use
    str content_type; // `ptr` NULL where there is none
    bool is_file;     // it has a filename, be it empty
};

/**
 * Reads the lines of a part's head, the empty one at its end included or not. They are decoded where they lie: what is found are slices of
 * `head`. 0, or -EINVAL and a sentence for the client in `*ret_problem`, a static text.
 *
 * As python-multipart has it: `filename*` (RFC 8187) goes before `filename`, Content-Transfer-Encoding and other fields are let pass. Of a
 * path only what is behind its last '/' or '\' is taken, "." and ".." are no names.
 */
int part_head_read(char *head, size_t bytes, struct part_head *ret_part, const char **ret_problem);

/**
 * A parameter of a header's value, `name="text"` or name=text, with \" and \\ undone in place; `ptr` NULL where there is none. `name` is in
 * lower case. -EINVAL for a quote that is not closed, else 0.
 */
int header_parameter(char *value, size_t bytes, const char *name, str *ret_text);

#endif
