// control.c — the control socket of a running server: a line comes in, an answer goes out, the connection ends.
#include "cli/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"

enum client_state { CLIENT_FREE, CLIENT_ASKS, CLIENT_WAITS, CLIENT_READS };

struct client {
    enum client_state state;
    int fd;
    unsigned number; // of this connection: another that has its place later has another
    int64_t due_ms;  // of CLIENT_ASKS and CLIENT_READS
    char line[CONTROL_LINE_BYTES_MAX];
    size_t line_bytes;
    struct buffer answer;
};

struct control {
    int listener_fd, epoll_fd, folder_fd;
    char name[64]; // in the folder
    control_fn *handle;
    void *arg;
    unsigned last_number;
    struct client clients[CONTROL_CLIENTS_MAX];
};

static int64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

// ---- a client

static void leave(struct client *client) {
    close(client->fd); // epoll(7) forgets it with its last descriptor
    buffer_finish(&client->answer);
    client->state = CLIENT_FREE;
}

static void watch(struct control *control, struct client *client, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(control->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

static void send_answer(struct control *control, struct client *client) {
    while (buffer_bytes(&client->answer)) {
        ssize_t sent = send(client->fd, buffer_head(&client->answer), buffer_bytes(&client->answer), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            watch(control, client, EPOLLOUT);
            return;
        }
        if (sent < 0)
            break;
        buffer_consume(&client->answer, (size_t)sent);
        client->due_ms = now_ms() + CONTROL_PATIENCE_MS;
    }
    leave(client);
}

void control_answer(struct control *control, unsigned number, str answer) {
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->state != CLIENT_WAITS || client->number != number)
            continue;
        client->state = CLIENT_READS;
        client->due_ms = now_ms() + CONTROL_PATIENCE_MS;
        bool is_kept = answer.len <= CONTROL_ANSWER_BYTES_MAX && buffer_append(&client->answer, answer.ptr, answer.len) == 0 &&
                       buffer_append(&client->answer, "\n", 1) == 0;
        if (is_kept)
            send_answer(control, client);
        else
            leave(client);
        return;
    }
}

static void take_line(struct control *control, struct client *client) {
    ssize_t got = recv(client->fd, client->line + client->line_bytes, sizeof client->line - client->line_bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        leave(client);
        return;
    }
    client->line_bytes += (size_t)got;
    const char *end = memchr(client->line, '\n', client->line_bytes);
    if (!end && client->line_bytes == sizeof client->line) {
        leave(client);
        return;
    }
    if (!end)
        return;
    client->state = CLIENT_WAITS;
    watch(control, client, 0); // a hang-up is told all the same
    control->handle(control->arg, client->number, (str){client->line, (size_t)(end - client->line)});
}

static void serve_client(struct control *control, struct client *client, uint32_t events) {
    if (client->state == CLIENT_ASKS)
        take_line(control, client);
    else if (client->state == CLIENT_READS && !(events & (EPOLLHUP | EPOLLERR)))
        send_answer(control, client);
    else if (client->state != CLIENT_FREE)
        leave(client);
}

// ---- those that come

static bool is_one_of_us(int fd) {
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static struct client *find_place(struct control *control) {
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].state == CLIENT_FREE)
            return &control->clients[i];
    return NULL;
}

static void take_client(struct control *control, int fd) {
    struct client *client = is_one_of_us(fd) ? find_place(control) : NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (!client || epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(fd);
        return;
    }
    if (++control->last_number == 0)
        control->last_number = 1;
    client->state = CLIENT_ASKS;
    client->fd = fd;
    client->number = control->last_number;
    client->due_ms = now_ms() + CONTROL_PATIENCE_MS;
    client->line_bytes = 0;
}

static void take_clients(struct control *control) {
    for (unsigned count = 0; count < CONTROL_CLIENTS_MAX; count++) {
        int fd = accept4(control->listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        take_client(control, fd);
    }
}

// ---- served

int control_fd(const struct control *control) {
    return control->epoll_fd;
}

static bool is_due(const struct client *client) {
    return client->state == CLIENT_ASKS || client->state == CLIENT_READS;
}

int64_t control_due_ms(const struct control *control) {
    int64_t first_ms = 0;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct client *client = &control->clients[i];
        if (is_due(client) && (!first_ms || client->due_ms < first_ms))
            first_ms = client->due_ms;
    }
    return first_ms;
}

void control_serve(struct control *control) {
    struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
    int count = epoll_wait(control->epoll_fd, events, CONTROL_CLIENTS_MAX + 1, 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            serve_client(control, events[i].data.ptr, events[i].events);
        else
            take_clients(control);
    }
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (is_due(&control->clients[i]) && control->clients[i].due_ms <= now_ms())
            leave(&control->clients[i]);
}

// ---- made and removed

static int open_folder(const char *var) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/run", var) >= (int)sizeof path)
        return -ENAMETOOLONG;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    bool is_ours = status.st_uid == geteuid() && (!(status.st_mode & 077) || fchmod(fd, 0700) == 0);
    if (is_ours)
        return fd;
    close(fd);
    return -EPERM;
}

static void remove_stale(int folder_fd) {
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        long pid;
        char end;
        if (sscanf(entry->d_name, "server-%ld.soc%c", &pid, &end) == 2 && end == 'k' && (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
            unlinkat(folder_fd, entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

// By way of the folder's descriptor: a path below it may be longer than a socket's address (unix(7): 108 bytes).
static int bind_in(int folder_fd, const char *name, int fd) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder_fd, name);
    unlinkat(folder_fd, name, 0); // of a process that had our number
    mode_t before = umask(0177);
    int status = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, CONTROL_CLIENTS_MAX) < 0 ? -errno : 0;
    umask(before);
    return status;
}

static int open_sockets(struct control *control) {
    struct epoll_event event = {.events = EPOLLIN};
    control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    control->listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->epoll_fd < 0 || control->listener_fd < 0)
        return -errno;
    int status = bind_in(control->folder_fd, control->name, control->listener_fd);
    if (status == 0 && epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, control->listener_fd, &event) < 0)
        status = -errno;
    return status;
}

int control_open(const char *var, control_fn *handle, void *arg, struct control **ret_control) {
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return -ENOMEM;
    control->handle = handle;
    control->arg = arg;
    control->listener_fd = control->epoll_fd = -1;
    snprintf(control->name, sizeof control->name, "server-%ld.sock", (long)getpid());
    control->folder_fd = open_folder(var);
    int status = control->folder_fd < 0 ? control->folder_fd : 0;
    if (status == 0) {
        remove_stale(control->folder_fd);
        status = open_sockets(control);
    }
    if (status < 0) {
        control_close(control);
        return status;
    }
    *ret_control = control;
    return 0;
}

void control_close(struct control *control) {
    if (!control)
        return;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].state != CLIENT_FREE)
            leave(&control->clients[i]);
    if (control->listener_fd >= 0) {
        unlinkat(control->folder_fd, control->name, 0);
        close(control->listener_fd);
    }
    if (control->epoll_fd >= 0)
        close(control->epoll_fd);
    if (control->folder_fd >= 0)
        close(control->folder_fd);
    free(control);
}
