// log_writer.h — the thread that writes the log: it empties the rings of all others in batches.
//
// A thread that logs leaves a record in its ring and goes on; when the writer sleeps it is woken, once for all that comes in the next
// milliseconds. When standard error does not take what is written, the rings fill, and what finds no room is dropped and counted: a line
// `log_dropped` says how many, once there is room. After a fatal signal what the rings hold is still written, by the thread that crashed.
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include "base/log_record.h"

enum {
    LOG_RINGS_MAX = 1 + 256,  // the one that threads share, and one for each core
    LOG_FLUSH_MS = 2000,      // at the end, for a sink that does not take it
    LOG_CRASH_FLUSH_MS = 200, // the same after a fatal signal
};

/** Starts the thread. 0 or a negative errno: then lines are written by whoever logs, as before. */
int log_start(void);
/** Writes what the rings hold and ends the thread; waits LOG_FLUSH_MS at most. */
void log_stop(void);
/** The calling thread gets a ring of its own; without one it shares the others'. Before log_start() it does nothing. */
void log_attach(void);
/** Lines that were dropped since log_start(). */
uint64_t log_drop_count(void);

/** For log.c: room for a record of the calling thread; NULL when there is none, or no writer (`*ret_is_direct`). */
struct log_record *log_writer_reserve(uint32_t bytes, bool *ret_is_direct);
void log_writer_commit(const struct log_record *record);
/** Writes one now. */
void log_writer_write(const struct log_record *record);
extern enum log_format log_writer_format;

#endif
