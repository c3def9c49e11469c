// choice.h — what was decided of a plugin's file, other than to load it as it is: left out, or the version before in its place.
//
// A choice is of one file as it was (its mark): another file in its place, and it holds no more.
#ifndef HOST_CHOICE_H
#define HOST_CHOICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "host/messages.h"

/** What tells whether a file is still the one that was loaded: inode, size and times. */
struct file_mark {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec modified, changed;
};
struct file_mark file_mark(const struct stat *status);
bool file_mark_is_same(const struct file_mark *a, const struct file_mark *b);

enum choice_kind {
    CHOICE_UNLOADED,    // somebody wanted it out
    CHOICE_QUARANTINED, // it has crashed too often; what requires it is left out as well
    CHOICE_PREVIOUS,    // the version before serves in its place
};

enum { CHOICES_MAX = 256, CHOICE_NAME_BYTES_MAX = 64, CHOICE_WHY_BYTES_MAX = 512 };

struct choice {
    enum choice_kind kind;
    struct file_mark mark;
    char name[CHOICE_NAME_BYTES_MAX]; // of the plugin
    char why[CHOICE_WHY_BYTES_MAX];
    int64_t since_us;
    int previous_fd; // CHOICE_PREVIOUS: of its bytes; else -1
};

struct choice_list {
    struct choice items[CHOICES_MAX];
    unsigned count;
};

/** Copies the choice, its descriptor too, in the place of any that the list has of that plugin. False: there is no room, or no descriptor.
 */
bool choice_put(struct choice_list *list, const struct choice *choice);
/** That of the plugin; NULL where there is none. */
const struct choice *choice_of(const struct choice_list *list, const char *name);
/** That of the file; NULL where there is none, and for a NULL list. */
const struct choice *choice_for(const struct choice_list *list, const struct file_mark *mark);
/** Forgets that of the plugin. False where there was none. */
bool choice_drop(struct choice_list *list, const char *name);
/** Each of the two lists is finished by itself. One whose descriptor cannot be had again is left out. */
void choice_list_copy(struct choice_list *copy, const struct choice_list *list);
void choice_list_finish(struct choice_list *list);

#endif
