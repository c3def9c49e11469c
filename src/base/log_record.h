// log_record.h — a line of the log before it is text: what a thread leaves for the writer, and how that reads it out.
//
// Rendering uses neither the heap, nor locks, nor stdio: it also runs in the handler of a fatal signal.
#ifndef BASE_LOG_RECORD_H
#define BASE_LOG_RECORD_H

#include "base/log.h"

enum log_kind {
    LOG_KIND_LINE,
    LOG_KIND_REQUEST,
    LOG_KIND_WORDS, // LOG_TEXT is its message as it stands, and no pairs
    LOG_KIND_GAP,   // the rest of a ring, before its beginning
};

enum log_part { LOG_EVENT, LOG_PLUGIN, LOG_ROUTE, LOG_REQUEST_ID, LOG_METHOD, LOG_TEXT, LOG_PARTS }; // LOG_TEXT of a request is its path

enum {
    LOG_TEXT_BYTES_MAX = 2047, // of a part
    LOG_RECORD_BYTES_MAX = 8192,
    LOG_RENDERED_BYTES_MAX = 8192, // a line beyond it is cut, and is JSON all the same
};

/** Its parts' bytes follow it, one behind the other. */
struct log_record {
    uint32_t bytes; // of it all, a multiple of 8
    uint8_t kind, level;
    uint16_t status;
    uint32_t query_count, call_count;
    int64_t wall_us;
    uint64_t duration_us, bytes_in, bytes_out;
    uint16_t part_bytes[LOG_PARTS];
};

/** The bytes of a record with these parts, each cut to what fits; fills `part_bytes`. */
uint32_t log_record_measure(const str parts[LOG_PARTS], uint16_t part_bytes[LOG_PARTS]);
/** Puts the parts behind `record`, whose part_bytes are set. */
void log_record_fill(struct log_record *record, const str parts[LOG_PARTS]);
/** Writes the line with its newline to `out` (LOG_RENDERED_BYTES_MAX) and returns its bytes. */
size_t log_record_render(const struct log_record *record, enum log_format format, char *out);
/** The same as JSON, of words that are in no record: `text`, without a newline at its end, may be longer than a part. */
size_t log_record_render_words(enum log_level level, const char *event, str text, int64_t wall_us, char *out);

#endif
