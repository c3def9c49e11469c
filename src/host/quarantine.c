// quarantine.c — plugins that crashed three times in a row: found at the start in what the crashes have left, and kept out until wanted
// again.
#include "quarantine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/crash.h"

enum { REPORTS_MAX = 1024, TEXT_BYTES_MAX = 4096, FILE_NAME_BYTES_MAX = 64 };

struct crash_report {
    char file[FILE_NAME_BYTES_MAX];
    int64_t time_s, nanoseconds, uptime_s;
    char plugin[CHOICE_NAME_BYTES_MAX], mark[CRASH_MARK_BYTES_MAX], route[128], signal[16];
};

// ---- what lies there

static bool read_text(int folder_fd, const char *name, char text[TEXT_BYTES_MAX]) {
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t bytes = fd < 0 ? -1 : read(fd, text, TEXT_BYTES_MAX - 1);
    if (fd >= 0)
        close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    return bytes > 0;
}

// The value of `key=` at the beginning of a line; empty where there is none. What follows the empty line is for people.
static void value_of(const char *text, const char *key, char *out, size_t bytes) {
    size_t key_bytes = strlen(key);
    out[0] = '\0';
    while (*text && *text != '\n') {
        size_t line_bytes = strcspn(text, "\n");
        if (line_bytes > key_bytes && !strncmp(text, key, key_bytes) && text[key_bytes] == '=') {
            snprintf(out, bytes, "%.*s", (int)(line_bytes - key_bytes - 1), text + key_bytes + 1);
            return;
        }
        text += line_bytes + (text[line_bytes] == '\n');
    }
}

static int64_t number_of(const char *text, const char *key) {
    char value[32];
    value_of(text, key, value, sizeof value);
    return strtoll(value, NULL, 10);
}

static bool read_report(int folder_fd, const char *name, struct crash_report *report) {
    char text[TEXT_BYTES_MAX];
    if (strncmp(name, "crash-", 6) != 0 || strlen(name) >= sizeof report->file || !read_text(folder_fd, name, text))
        return false;
    snprintf(report->file, sizeof report->file, "%s", name);
    report->time_s = number_of(text, "time");
    report->nanoseconds = number_of(text, "nanoseconds");
    report->uptime_s = number_of(text, "uptime_s");
    value_of(text, "plugin", report->plugin, sizeof report->plugin);
    value_of(text, "mark", report->mark, sizeof report->mark);
    value_of(text, "route", report->route, sizeof report->route);
    value_of(text, "signal", report->signal, sizeof report->signal);
    return true;
}

static int by_time(const void *left, const void *right) {
    const struct crash_report *a = left, *b = right;
    int64_t order = a->time_s != b->time_s ? a->time_s - b->time_s : a->nanoseconds - b->nanoseconds;
    return order < 0 ? -1 : order > 0;
}

// The oldest first.
static size_t read_reports(int folder_fd, struct crash_report *reports) {
    size_t count = 0;
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; folder && count < REPORTS_MAX && (entry = readdir(folder));)
        count += read_report(folder_fd, entry->d_name, &reports[count]);
    if (folder)
        closedir(folder);
    qsort(reports, count, sizeof *reports, by_time);
    return count;
}

static size_t remove_oldest(int folder_fd, struct crash_report *reports, size_t count) {
    size_t surplus = count > CRASH_REPORTS_KEPT ? count - CRASH_REPORTS_KEPT : 0;
    for (size_t i = 0; i < surplus; i++)
        unlinkat(folder_fd, reports[i].file, 0);
    memmove(reports, reports + surplus, (count - surplus) * sizeof *reports);
    return count - surplus;
}

// ---- decided

static bool read_mark(const char *text, struct file_mark *mark) {
    unsigned long long device, inode;
    long long bytes, modified_s, changed_s;
    long modified_ns, changed_ns;
    if (sscanf(text, "%llu:%llu:%lld:%lld.%ld:%lld.%ld", &device, &inode, &bytes, &modified_s, &modified_ns, &changed_s, &changed_ns) != 7)
        return false;
    *mark = (struct file_mark){(dev_t)device, (ino_t)inode, (off_t)bytes, {modified_s, modified_ns}, {changed_s, changed_ns}};
    return true;
}

// How many crashes of the plugin, as its file was at the last of them, came one after another up to `last`.
static unsigned crashes_in_a_row(const struct crash_report *reports, size_t count, const struct crash_report *last, int64_t now_s) {
    unsigned streak = 0;
    for (size_t i = 0; i < count; i++) {
        const struct crash_report *report = &reports[i];
        if (strcmp(report->plugin, last->plugin) != 0 || strcmp(report->mark, last->mark) != 0 ||
            report->time_s < now_s - QUARANTINE_WINDOW_S)
            continue;
        streak = report->uptime_s >= QUARANTINE_GOOD_S ? 1 : streak + 1;
    }
    return streak;
}

static bool is_last_of_its_plugin(const struct crash_report *reports, size_t count, size_t index) {
    for (size_t i = index + 1; i < count; i++)
        if (!strcmp(reports[i].plugin, reports[index].plugin))
            return false;
    return true;
}

static void write_decision(int folder_fd, const char *plugin, const char *mark, int64_t now_s, const char *why) {
    char name[CHOICE_NAME_BYTES_MAX + 16], text[TEXT_BYTES_MAX];
    snprintf(name, sizeof name, "%s.quarantined", plugin);
    int bytes = snprintf(text, sizeof text, "plugin=%s\nmark=%s\nsince=%lld\nwhy=%s\n", plugin, mark, (long long)now_s, why);
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    if (write(fd, text, (size_t)bytes) != bytes)
        unlinkat(folder_fd, name, 0);
    close(fd);
}

static void decide(int folder_fd, const struct crash_report *reports, size_t count, int64_t now_s, struct messages *messages) {
    for (size_t i = 0; i < count; i++) {
        const struct crash_report *last = &reports[i];
        char name[CHOICE_NAME_BYTES_MAX + 16], why[CHOICE_WHY_BYTES_MAX];
        struct file_mark mark;
        snprintf(name, sizeof name, "%s.quarantined", last->plugin);
        unsigned streak = is_last_of_its_plugin(reports, count, i) ? crashes_in_a_row(reports, count, last, now_s) : 0;
        if (streak < QUARANTINE_CRASHES || !last->plugin[0] || !read_mark(last->mark, &mark) || faccessat(folder_fd, name, F_OK, 0) == 0)
            continue;
        snprintf(why, sizeof why,
                 "crashed %u times in a row, the last time with %s%s%s; see %s. `leat reload %s`, or another file, brings it back", streak,
                 last->signal, *last->route ? " at " : "", last->route, last->file, last->plugin);
        write_decision(folder_fd, last->plugin, last->mark, now_s, why);
        messages_add(messages, "leat: warning: the plugin '%s' is in quarantine and not loaded: it %s", last->plugin, why);
    }
}

static void read_decision(int folder_fd, const char *name, struct choice_list *choices) {
    char text[TEXT_BYTES_MAX], mark[CRASH_MARK_BYTES_MAX];
    size_t bytes = strlen(name), suffix = strlen(".quarantined");
    if (bytes <= suffix || strcmp(name + bytes - suffix, ".quarantined") != 0 || !read_text(folder_fd, name, text))
        return;
    struct choice choice = {.kind = CHOICE_QUARANTINED, .previous_fd = -1};
    value_of(text, "plugin", choice.name, sizeof choice.name);
    value_of(text, "why", choice.why, sizeof choice.why);
    value_of(text, "mark", mark, sizeof mark);
    choice.since_us = number_of(text, "since") * 1000000;
    if (choice.name[0] && read_mark(mark, &choice.mark))
        choice_put(choices, &choice);
}

void quarantine_read(const char *path, int64_t now_s, struct choice_list *choices, struct messages *messages) {
    int folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct crash_report *reports = folder_fd < 0 ? NULL : calloc(REPORTS_MAX, sizeof *reports);
    if (reports) {
        size_t count = remove_oldest(folder_fd, reports, read_reports(folder_fd, reports));
        decide(folder_fd, reports, count, now_s, messages);
    }
    free(reports);
    DIR *folder = folder_fd < 0 ? NULL : fdopendir(folder_fd);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        read_decision(folder_fd, entry->d_name, choices);
    if (folder)
        closedir(folder);
    else if (folder_fd >= 0)
        close(folder_fd);
}

void quarantine_lift(const char *path, const char *plugin) {
    int folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct crash_report *reports = folder_fd < 0 ? NULL : calloc(REPORTS_MAX, sizeof *reports);
    size_t count = reports ? read_reports(folder_fd, reports) : 0;
    char name[CHOICE_NAME_BYTES_MAX + 16];
    snprintf(name, sizeof name, "%s.quarantined", plugin);
    if (folder_fd >= 0)
        unlinkat(folder_fd, name, 0);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(reports[i].plugin, plugin))
            unlinkat(folder_fd, reports[i].file, 0);
    free(reports);
    if (folder_fd >= 0)
        close(folder_fd);
}
