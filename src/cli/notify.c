// notify.c — what systemd is told (sd_notify(3)): ready, stopping, alive. A datagram each, to the socket of $NOTIFY_SOCKET.
#include "cli/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@'))
        return 0;
    size_t bytes = strlen(path);
    if (bytes >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, bytes);
    if (*path == '@')
        address.sun_path[0] = '\0'; // unix(7): an abstract name
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    int status = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, address_bytes) < 0 ? -errno : 0;
    close(fd);
    return status;
}

int64_t notify_watchdog_ms(void) {
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    long long us = strtoll(usec, NULL, 10);
    return us > 0 ? us / 1000 : 0;
}
