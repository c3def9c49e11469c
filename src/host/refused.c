// refused.c — the files of a load that were not taken, each with the reason, while all others go on.
#include "refused.h"

#include <string.h>

void refused_init(struct refused_files *files, struct arena *arena) {
    files->arena = arena;
    files->count = files->uncounted = 0;
}

str refused_stem(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t bytes = strlen(name);
    return (str){name, bytes > 3 && !strcmp(name + bytes - 3, ".so") ? bytes - 3 : bytes};
}

static struct refused_file *place_of(struct refused_files *files, const char *path) {
    for (unsigned i = 0; i < files->count; i++)
        if (!strcmp(files->items[i].path, path))
            return &files->items[i];
    if (files->count == REFUSED_FILES_MAX) {
        files->uncounted++;
        return NULL;
    }
    return &files->items[files->count];
}

struct refused_file *refused_add(struct refused_files *files, const struct refused_file *file) {
    str stem = refused_stem(file->path);
    struct refused_file *place = place_of(files, file->path), copy = *file;
    copy.path = arena_format(files->arena, "%s", file->path).ptr;
    copy.name =
        arena_format(files->arena, "%.*s", (int)(file->name ? strlen(file->name) : stem.len), file->name ? file->name : stem.ptr).ptr;
    copy.why = arena_copy(files->arena, file->why.len ? file->why : S("nothing was said of why; see the log\n"));
    if (!place || !copy.path || !copy.name || !copy.why.ptr)
        return NULL;
    files->count += place == &files->items[files->count];
    *place = copy;
    return place;
}

struct refused_file *refused_of_file(struct refused_files *files, const char *path, const struct file_mark *mark) {
    for (unsigned i = 0; i < files->count; i++) {
        struct refused_file *file = &files->items[i];
        if (!file->is_gone && !strcmp(file->path, path) && file_mark_is_same(&file->mark, mark))
            return file;
    }
    return NULL;
}

const struct refused_file *refused_of_name(const struct refused_files *files, const char *name) {
    for (unsigned i = 0; i < files->count; i++)
        if (!files->items[i].has_previous && !files->items[i].is_gone && !strcmp(files->items[i].name, name))
            return &files->items[i];
    return NULL;
}
