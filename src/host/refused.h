// refused.h — the files of a load that were not taken, each with the reason, while all others go on.
//
// A load that may leave out files is tried until what is left is right: each attempt adds the files that were found wrong, and the next one
// does not look at them again. What served from such a file before goes on.
#ifndef HOST_REFUSED_H
#define HOST_REFUSED_H

#include "base/arena.h"
#include "host/choice.h"

enum { REFUSED_FILES_MAX = 256 };

struct refused_file {
    const char *path, *name; // name: the plugin's, where that is known; else of the file, without ".so"
    str why;                 // lines, in the compiler's shape
    struct file_mark mark;   // of the file as it was; zeroed where it cannot be told
    bool may_pass;           // it refused to begin: tried again, it may not
    bool is_of_trial;        // it did not come back from where it was tried
    bool is_gone;            // it was removed, and goes on serving because others need it
    bool has_previous;       // a version of it serves
};

/** All that it points to lies in its arena. */
struct refused_files {
    struct arena *arena;
    struct refused_file items[REFUSED_FILES_MAX];
    unsigned count, uncounted; // uncounted: those beyond REFUSED_FILES_MAX
};

void refused_init(struct refused_files *files, struct arena *arena);
/**
 * Copies what `file` points to; in the place of one with the same path. NULL without memory or room: then the load cannot go on without it.
 */
struct refused_file *refused_add(struct refused_files *files, const struct refused_file *file);
/** Of the path, as it was then: another file in its place is another matter. NULL where there is none. */
struct refused_file *refused_of_file(struct refused_files *files, const char *path, const struct file_mark *mark);
/** One that does not serve in any version, by its plugin's name; NULL where there is none. */
const struct refused_file *refused_of_name(const struct refused_files *files, const char *name);
/** "users" of "/srv/plugins/users.so". */
str refused_stem(const char *path);

#endif
