// crash.h — what a fatal signal leaves behind: the plugin, the route and the way there, on stderr and in a file that the next start reads.
//
// All that the handler looks at was put in place beforehand, in memory that stays: it runs on a stack of its own, takes no lock, asks the
// heap for nothing, and then the signal takes its way, with its core dump, as if nobody had looked.
#ifndef HOST_CRASH_H
#define HOST_CRASH_H

#include <stddef.h>
#include <stdint.h>

struct choice;
struct file_mark;

enum { CRASH_MARK_BYTES_MAX = 160 };

/**
 * Reports of crashes go to `folder` (made, mode 0700; NULL: to none) from now on, and to stderr. Call it before log_start(), whose handler
 * writes out the log first. 0 or a negative errno: then they go to stderr alone.
 */
int crash_watch(const char *folder);
/** The calling thread gets a stack for its handler, where it has none: a stack that overflows has no room for one. */
void crash_attach(void);

/** What is to be known of a plugin that is loaded at [start, end). `symbols` stays the caller's until crash_forget(). */
struct crash_plugin {
    const char *name, *path; // copied
    const struct file_mark *mark;
    uintptr_t start, end;
    const struct symbols *symbols;
};
void crash_know(const struct crash_plugin *plugin);
void crash_forget(uintptr_t start);

/** The mark as text, as the reports have it. */
void crash_mark_text(const struct file_mark *mark, char out[CRASH_MARK_BYTES_MAX]);

#endif
