// choice.c — what was decided of a plugin's file, other than to load it as it is: left out, or the version before in its place.
#include "choice.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct file_mark file_mark(const struct stat *status) {
    return (struct file_mark){status->st_dev, status->st_ino, status->st_size, status->st_mtim, status->st_ctim};
}

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_mark_is_same(const struct file_mark *a, const struct file_mark *b) {
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes && is_same_time(a->modified, b->modified) &&
           is_same_time(a->changed, b->changed);
}

const struct choice *choice_of(const struct choice_list *list, const char *name) {
    for (unsigned i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

const struct choice *choice_for(const struct choice_list *list, const struct file_mark *mark) {
    for (unsigned i = 0; list && i < list->count; i++)
        if (file_mark_is_same(&list->items[i].mark, mark))
            return &list->items[i];
    return NULL;
}

bool choice_drop(struct choice_list *list, const char *name) {
    const struct choice *found = choice_of(list, name);
    if (!found)
        return false;
    if (found->previous_fd >= 0)
        close(found->previous_fd);
    list->items[found - list->items] = list->items[--list->count];
    return true;
}

bool choice_put(struct choice_list *list, const struct choice *choice) {
    struct choice copy = *choice; // it may be one of the list's own
    if (copy.previous_fd >= 0 && (copy.previous_fd = fcntl(choice->previous_fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return false;
    choice_drop(list, copy.name);
    bool is_room = list->count < CHOICES_MAX;
    if (is_room)
        list->items[list->count++] = copy;
    else if (copy.previous_fd >= 0)
        close(copy.previous_fd);
    return is_room;
}

void choice_list_copy(struct choice_list *copy, const struct choice_list *list) {
    copy->count = 0;
    for (unsigned i = 0; i < list->count; i++)
        choice_put(copy, &list->items[i]);
}

void choice_list_finish(struct choice_list *list) {
    while (list->count)
        choice_drop(list, list->items[0].name);
}
