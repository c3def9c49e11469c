// redis_for_tests.h — a Redis of a test's own on a socket in a folder of its own, and one that says what the test wants.
#ifndef TESTS_CACHE_REDIS_FOR_TESTS_H
#define TESTS_CACHE_REDIS_FOR_TESTS_H

#include "engine/world.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "cache/redis_connect.h"

enum { SERVER_ARGUMENTS_MAX = 32, SERVER_WAIT_MS = 20000, TICK_MS = 2 * WHEEL_TICK_MS };

static inline void pause_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

// ---- a real one

struct redis_server {
    pid_t pid;
    char folder[64], path[96];
    const char *extra[SERVER_ARGUMENTS_MAX]; // arguments of its command line; NULL ends them
};

static inline bool server_answers(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[8] = "";
    bool has_answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                        recv(fd, answer, sizeof answer, 0) > 0;
    close(fd);
    return has_answered;
}

/** Begins it, empty, at its place; the first time that is a folder of its own. */
static inline void server_begin(struct redis_server *server) {
    if (!server->folder[0]) {
        strcpy(server->folder, "/tmp/leat-redis-XXXXXX");
        assert_non_null(mkdtemp(server->folder));
        snprintf(server->path, sizeof server->path, "%s/socket", server->folder);
    }
    const char *words[SERVER_ARGUMENTS_MAX + 16] = {"redis-server", "--unixsocket", server->path,  "--dir", server->folder, "--save", "",
                                                    "--appendonly", "no",           "--daemonize", "no"};
    unsigned count = 11;
    bool has_port = false;
    for (unsigned i = 0; server->extra[i]; i++) {
        has_port |= strcmp(server->extra[i], "--port") == 0;
        words[count++] = server->extra[i];
    }
    if (!has_port) {
        words[count++] = "--port";
        words[count++] = "0";
    }
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int quiet = open("/dev/null", O_RDWR);
        dup2(quiet, 1);
        dup2(quiet, 2);
        execvp(words[0], (char **)(uintptr_t)words);
        _exit(127);
    }
    for (int waited = 0; !server_answers(server->path); waited += 10) {
        if (waited > SERVER_WAIT_MS || waitpid(server->pid, NULL, WNOHANG) == server->pid)
            fail_msg("redis-server does not begin to serve");
        pause_ms(10);
    }
}

static inline void server_kill(struct redis_server *server) {
    if (!server->pid)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    unlink(server->path);
}

static inline void server_end(struct redis_server *server) {
    server_kill(server);
    if (server->folder[0])
        rmdir(server->folder);
}

static inline void server_freeze(struct redis_server *server) {
    kill(server->pid, SIGSTOP);
    waitpid(server->pid, NULL, WUNTRACED);
}

static inline void server_thaw(struct redis_server *server) {
    kill(server->pid, SIGCONT);
}

// ---- one that says what the test wants: it answers PING, and nothing else by itself

struct fake_redis {
    int listener, fd; // the connection that was made last
    char folder[64], path[96];
    char heard[1 << 16]; // NUL-terminated
    size_t heard_bytes;
    unsigned accepted_count;
    bool is_deaf; // reads nothing
};

static inline void fake_begin(struct fake_redis *fake) {
    *fake = (struct fake_redis){.fd = -1};
    strcpy(fake->folder, "/tmp/leat-redis-XXXXXX");
    assert_non_null(mkdtemp(fake->folder));
    snprintf(fake->path, sizeof fake->path, "%s/socket", fake->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fake->listener, 16), 0);
}

static inline void fake_say(struct fake_redis *fake, const char *text) {
    size_t bytes = strlen(text);
    assert_int_equal(send(fake->fd, text, bytes, MSG_NOSIGNAL), (ssize_t)bytes);
}

/** Takes connections, answers their PING, and hears what else is said. */
static inline void fake_turn(struct fake_redis *fake) {
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    int fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        if (fake->fd >= 0)
            close(fake->fd);
        fake->fd = fd;
        fake->accepted_count++;
        fake->heard_bytes = 0;
        fake->heard[0] = '\0';
    }
    if (fake->fd < 0 || fake->is_deaf)
        return;
    ssize_t got = recv(fake->fd, fake->heard + fake->heard_bytes, sizeof fake->heard - fake->heard_bytes - 1, MSG_DONTWAIT);
    fake->heard_bytes += got > 0 ? (size_t)got : 0;
    fake->heard[fake->heard_bytes] = '\0';
    if (strncmp(fake->heard, ping, sizeof ping - 1) == 0) {
        send(fake->fd, "+PONG\r\n", 7, MSG_NOSIGNAL); // it may have gone
        fake->heard_bytes -= sizeof ping - 1;
        memmove(fake->heard, fake->heard + sizeof ping - 1, fake->heard_bytes + 1);
    }
}

static inline void fake_end(struct fake_redis *fake) {
    close(fake->listener);
    if (fake->fd >= 0)
        close(fake->fd);
    unlink(fake->path);
    rmdir(fake->folder);
}

// ---- both

static inline struct redis_address address_of_path(const char *path) {
    struct redis_address address = {.is_unix = true};
    snprintf(address.host, sizeof address.host, "%s", path);
    return address;
}

/** The clocks stand, and are further on by so much. */
static inline void let_pass_ms(int64_t ms) {
    int64_t now_ns = clock_monotonic_ns(), wall_us = clock_wall_us();
    clock_freeze(now_ns + ms * 1000000, wall_us + ms * 1000);
}

static inline unsigned open_files(void) {
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

#endif
