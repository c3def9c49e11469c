// watch.h — folders of plugins that are watched (inotify(7)): a file that came, went, or is being written.
//
// A load waits until every file that changed has been left alone for a while: a linker removes the old file, makes a new one and fills it,
// a copy over it empties it first, and none of what lies there in between is anybody's plugin. Nor is a file that is gone for a moment one
// that was removed.
#ifndef HOST_WATCH_H
#define HOST_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WATCH_DEBOUNCE_MS = 50,         // after a file was closed or moved to its name
    WATCH_GONE_MS = 300,            // after it was removed: a linker makes the next one
    WATCH_WRITTEN_MS = 2000,        // after it was made or written to, and not closed
    WATCH_POSTPONED_MS_MAX = 15000, // and no longer, however often it changes
    WATCH_FILES_MAX = 64,
};

struct watched_file {
    uint64_t key; // of its folder and name
    int64_t due_ms;
};

struct watch {
    int fd; // readable when something happened; -1: nothing is watched
    struct watched_file files[WATCH_FILES_MAX];
    unsigned file_count;
    int64_t first_ms; // since when there is something to load; 0: there is not
};

/** 0 or a negative errno, and `watch->fd` is -1. */
int watch_open(struct watch *watch, const char *const *folders, size_t folder_count);
void watch_close(struct watch *watch);
/** Takes all that happened to files called NAME.so. `now_ms` is CLOCK_MONOTONIC's. */
void watch_take(struct watch *watch, int64_t now_ms);
/** The folders are to be looked at then, for a reason that no file's name tells. */
void watch_wake(struct watch *watch, int64_t due_ms);
/** When the folders are to be looked at; 0: not at all. */
int64_t watch_due_ms(const struct watch *watch);
/** They are looked at now. */
void watch_settle(struct watch *watch);

#endif
