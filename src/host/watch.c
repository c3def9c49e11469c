// watch.c — folders of plugins that are watched (inotify(7)): a file that came, went, or was written to its end.
#include "watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

// Not IN_CREATE, not IN_MODIFY: a file that is half written is nobody's plugin yet.
static const uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;

int watch_open(const char *const *folders, size_t folder_count) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    for (size_t i = 0; i < folder_count; i++)
        if (inotify_add_watch(fd, folders[i], changes | IN_ONLYDIR) < 0) {
            int error = -errno;
            close(fd);
            return error;
        }
    return fd;
}

static bool is_plugin(const struct inotify_event *event) {
    size_t bytes = event->len ? strlen(event->name) : 0;
    return event->mask & IN_Q_OVERFLOW || (bytes > 3 && event->name[0] != '.' && strcmp(event->name + bytes - 3, ".so") == 0);
}

bool watch_take(int fd) {
    _Alignas(struct inotify_event) char events[4096];
    bool any = false;
    for (ssize_t bytes; (bytes = read(fd, events, sizeof events)) > 0;)
        for (char *at = events; at < events + bytes;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            any |= is_plugin(event);
            at += sizeof *event + event->len;
        }
    return any;
}
