// watch.c — folders of plugins that are watched (inotify(7)): a file that came, went, or is being written.
#include "watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static const uint32_t changes = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;

int watch_open(struct watch *watch, const char *const *folders, size_t folder_count) {
    *watch = (struct watch){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (watch->fd < 0)
        return -errno;
    for (size_t i = 0; i < folder_count; i++)
        if (inotify_add_watch(watch->fd, folders[i], changes | IN_ONLYDIR) < 0) {
            int error = -errno;
            watch_close(watch);
            return error;
        }
    return 0;
}

void watch_close(struct watch *watch) {
    if (watch->fd >= 0)
        close(watch->fd);
    watch->fd = -1;
}

// ---- what a change means

static int patience_ms(uint32_t mask) {
    if (mask & (IN_CREATE | IN_MODIFY))
        return WATCH_WRITTEN_MS;
    return mask & (IN_DELETE | IN_MOVED_FROM) ? WATCH_GONE_MS : WATCH_DEBOUNCE_MS;
}

static bool is_plugin(const struct inotify_event *event) {
    size_t bytes = event->len ? strlen(event->name) : 0;
    return bytes > 3 && event->name[0] != '.' && strcmp(event->name + bytes - 3, ".so") == 0;
}

// FNV-1a: of two files with one key, one is waited for a little too long, or not long enough.
static uint64_t key_of(const struct inotify_event *event) {
    uint64_t key = 14695981039346656037u ^ (uint64_t)(unsigned)event->wd;
    for (const char *c = event->name; *c; c++)
        key = (key ^ (unsigned char)*c) * 1099511628211u;
    return key;
}

static void postpone(struct watch *watch, uint64_t key, int64_t due_ms) {
    unsigned i = 0;
    while (i < watch->file_count && watch->files[i].key != key)
        i++;
    if (i == WATCH_FILES_MAX)
        i = 0; // so many at once: they are waited for together
    else if (i == watch->file_count)
        watch->file_count++;
    watch->files[i] = (struct watched_file){key, due_ms};
}

void watch_wake(struct watch *watch, int64_t due_ms) {
    if (!watch->first_ms)
        watch->first_ms = due_ms;
    postpone(watch, 0, due_ms);
}

// IN_ATTRIB while it is being written (a linker makes it executable) does not mean that it is whole.
static bool says_nothing_new(const struct watch *watch, const struct inotify_event *event, int64_t now_ms) {
    for (unsigned i = 0; i < watch->file_count; i++)
        if (watch->files[i].key == key_of(event))
            return event->mask & IN_ATTRIB && watch->files[i].due_ms > now_ms + WATCH_DEBOUNCE_MS;
    return false;
}

static void take(struct watch *watch, const struct inotify_event *event, int64_t now_ms) {
    if (event->mask & IN_Q_OVERFLOW) {
        watch_wake(watch, now_ms);
        return;
    }
    if (!is_plugin(event) || says_nothing_new(watch, event, now_ms))
        return;
    if (!watch->first_ms)
        watch->first_ms = now_ms;
    postpone(watch, key_of(event), now_ms + patience_ms(event->mask));
}

void watch_take(struct watch *watch, int64_t now_ms) {
    _Alignas(struct inotify_event) char events[4096];
    for (ssize_t bytes; (bytes = read(watch->fd, events, sizeof events)) > 0;)
        for (char *at = events; at < events + bytes;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            take(watch, event, now_ms);
            at += sizeof *event + event->len;
        }
}

int64_t watch_due_ms(const struct watch *watch) {
    int64_t due_ms = watch->first_ms;
    for (unsigned i = 0; i < watch->file_count; i++)
        due_ms = watch->files[i].due_ms > due_ms ? watch->files[i].due_ms : due_ms;
    int64_t last_ms = watch->first_ms + WATCH_POSTPONED_MS_MAX;
    return watch->first_ms && due_ms > last_ms ? last_ms : due_ms;
}

void watch_settle(struct watch *watch) {
    watch->first_ms = 0;
    watch->file_count = 0;
}
