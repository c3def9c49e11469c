// tried.c — the files of plugins that a start came through with, which the next start need not try first.
#include "cli/tried.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool name_in(char path[4096], const char *var, const char *name) {
    return snprintf(path, 4096, "%s/%s", var, name) < 4096;
}

// Without its newline; false at the end.
static bool next_line(FILE *in, char *line, size_t bytes) {
    if (!fgets(line, (int)bytes, in))
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

void tried_take(const char *var, struct tried_files *ret_tried) {
    char path[4096], version[64];
    ret_tried->count = 0;
    FILE *in = name_in(path, var, "tried") ? fopen(path, "re") : NULL;
    if (!in)
        return;
    bool is_ours = next_line(in, version, sizeof version) && !strcmp(version, leat_version());
    while (is_ours && ret_tried->count < PLUGINS_MAX && next_line(in, ret_tried->marks[ret_tried->count], CRASH_MARK_BYTES_MAX))
        ret_tried->count++;
    fclose(in);
    if (unlink(path) < 0) // it would outlive a start that fails
        ret_tried->count = 0;
}

void tried_keep(const char *var, const struct plugin_set *set) {
    char path[4096], coming[4096], name[32], mark[CRASH_MARK_BYTES_MAX];
    snprintf(name, sizeof name, "tried.%ld", (long)getpid()); // servers may share the folder
    int fd = name_in(path, var, "tried") && name_in(coming, var, name) ? open(coming, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        return;
    fprintf(out, "%s\n", leat_version());
    for (size_t i = 0; i < set->count; i++) {
        if (!set->plugins[i]->handle || set->plugins[i]->is_previous) // its mark is of a file that was not loaded
            continue;
        crash_mark_text(&set->plugins[i]->mark, mark);
        fprintf(out, "%s\n", mark);
    }
    if (fclose(out) != 0 || rename(coming, path) < 0)
        unlink(coming);
}

bool tried_has(const struct tried_files *tried, const struct file_mark *mark) {
    char text[CRASH_MARK_BYTES_MAX];
    crash_mark_text(mark, text);
    for (unsigned i = 0; tried && i < tried->count; i++)
        if (!strcmp(tried->marks[i], text))
            return true;
    return false;
}
