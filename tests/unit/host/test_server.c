// test_server.c — all cores of one process: started together, drained together.
#include "world.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <leat/leat.h>

#include "host/server.h"

SCHEMA(Pong, (str, text));

GET("/ping", ping, Pong, ()) {
    Pong *pong = new (r, Pong);
    pong->text = S("pong");
    return pong;
}

POST("/measure", measure, Pong, (body(Pong, in))) {
    Pong *pong = new (r, Pong);
    *pong = *in;
    return pong;
}

static unsigned worker_calls;
static int refused_core = -1;

static int begin(leat_host *host LEAT_UNUSED, unsigned core) {
    __atomic_add_fetch(&worker_calls, 1, __ATOMIC_RELAXED);
    return (int)core == refused_core ? 7 : 0;
}

PLUGIN(tests, .on_worker = begin);

struct run {
    struct plugin_set *set;
    struct app_options app;
    struct server_options options;
    struct server *server;
    str failure;
};

static struct run *prepare(struct world *world) {
    static const struct openapi_info info = {"tests", "1", NULL};
    struct run *run = arena_alloc(&world->arena, sizeof *run);
    struct plugin_set_options set = {
        .builtins = (const leat_plugin *const[]){&leat_plugin_entry, NULL}, .private_folder = world->copies, .generation = 1};
    struct environment environment;
    environment_init(&environment, &world->arena);
    if (plugin_set_open(&set, &world->messages, &run->set) || plugin_set_bind(run->set, &environment, &world->messages) ||
        plugin_set_compile(run->set, &info, &world->messages) || plugin_set_start(run->set, &world->messages))
        complain("%s", said(world));
    app_options_init(&run->app);
    server_options_init(&run->options);
    run->options.app = &run->app;
    run->options.port = 0;
    run->options.worker_count = 2;
    run->options.pinned = false;
    worker_calls = 0;
    refused_core = -1;
    return run;
}

static int start(struct world *world, struct run *run) {
    return server_start(&run->options, run->set, &world->arena, &run->server, &run->failure);
}

static struct run *started(struct world *world) {
    struct run *run = prepare(world);
    if (start(world, run) != 0)
        complain("%.*s", (int)run->failure.len, run->failure.ptr);
    return run;
}

static unsigned stop(struct run *run) {
    unsigned cut_count;
    assert_true(server_stop(run->server, &cut_count));
    plugin_set_close(run->set);
    return cut_count;
}

static int client(struct run *run) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(server_port(run->server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void send_text(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

// All that comes before the other side closes, or that has come when `until` is in it.
static const char *receive(int fd, const char *until) {
    static char text[4096];
    size_t bytes = 0;
    for (;;) {
        ssize_t got = recv(fd, text + bytes, sizeof text - 1 - bytes, 0);
        if (got <= 0)
            return text;
        bytes += (size_t)got;
        text[bytes] = '\0';
        if (until && strstr(text, until))
            return text;
    }
}

static void test_a_server_answers_on_all_cores_and_ends(void **state) {
    struct run *run = started(*state);
    assert_int_not_equal(server_port(run->server), 0);
    assert_int_equal(worker_calls, 2);

    for (int i = 0; i < 16; i++) {
        int fd = client(run);
        send_text(fd, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
        const char *answer = receive(fd, "}");
        assert_non_null(strstr(answer, "HTTP/1.1 200 OK"));
        assert_non_null(strstr(answer, "{\"text\":\"pong\"}"));
        close(fd);
    }

    assert_int_equal(stop(run), 0);
}

static void test_a_port_in_use_is_said_with_what_to_do(void **state) {
    struct world *world = *state;
    struct run *first = started(world), *second = prepare(world);
    second->options.port = server_port(first->server);

    assert_int_equal(start(world, second), -EADDRINUSE);

    assert_non_null(strstr(second->failure.ptr, "is in use. Stop what uses it"));
    plugin_set_close(second->set);
    stop(first);
}

static void test_an_address_that_is_none_of_ours_is_said(void **state) {
    struct world *world = *state;
    struct run *run = prepare(world);
    run->options.host = "192.0.2.1";
    assert_int_equal(start(world, run), -EADDRNOTAVAIL);
    assert_non_null(strstr(run->failure.ptr, "no interface of this machine has the address 192.0.2.1"));

    run->options.host = "example";
    assert_int_equal(start(world, run), -EINVAL);

    assert_non_null(strstr(run->failure.ptr, "is no numeric address"));
    plugin_set_close(run->set);
}

static void test_a_plugin_that_refuses_a_core_ends_the_start_with_nothing_left_running(void **state) {
    struct world *world = *state;
    struct run *run = prepare(world);
    refused_core = 1;

    assert_int_equal(start(world, run), -ECANCELED);

    assert_non_null(strstr(run->failure.ptr, "on_worker of 'tests' refused core 1 with 7"));
    plugin_set_close(run->set);
}

// From here on this process may make no ring.
static void forbid_rings(void) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof steps / sizeof steps[0], .filter = steps};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

static void test_a_kernel_that_forbids_rings_is_said_with_what_to_do(void **state) {
    struct world *world = *state;
    struct run *run = prepare(world);
    pid_t child = fork(); // the filter cannot be taken back
    if (child == 0) {
        forbid_rings();
        bool is_refused = start(world, run) == -EPERM;
        _exit(is_refused && strstr(run->failure.ptr, "io_uring is switched off, or a seccomp profile forbids it. Run ") ? 0 : 1);
    }

    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    plugin_set_close(run->set);
}

// A request whose body has not come yet, behind one that was answered: so the core has seen both.
static int half_a_request(struct run *run) {
    int fd = client(run);
    send_text(fd, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
                  "POST /measure HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"text\"");
    assert_non_null(strstr(receive(fd, "}"), "pong"));
    return fd;
}

struct late_client {
    int fd, idle;
    bool was_answered;
};

// An idle connection is closed: the drain has begun. Only then comes the rest of the request.
static void *finish_late(void *arg) {
    struct late_client *client = arg;
    receive(client->idle, NULL);
    send_text(client->fd, ":\"abc\"}");
    client->was_answered = strstr(receive(client->fd, NULL), "{\"text\":\"abc\"}") != NULL;
    close(client->fd);
    return NULL;
}

static void test_a_drain_answers_what_was_begun(void **state) {
    struct run *run = started(*state);
    struct late_client late = {half_a_request(run), client(run), false};
    send_text(late.idle, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(late.idle, "}");

    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, finish_late, &late), 0);
    unsigned cut_count = stop(run);

    pthread_join(thread, NULL);
    assert_int_equal(cut_count, 0);
    assert_true(late.was_answered);
    close(late.idle);
}

static void test_what_is_not_answered_by_the_deadline_is_cut(void **state) {
    struct world *world = *state;
    struct run *run = prepare(world);
    run->options.drain_ms = 100;
    assert_int_equal(start(world, run), 0);
    int fd = half_a_request(run);

    assert_int_equal(stop(run), 1);

    close(fd);
}

static void test_a_server_can_be_started_again(void **state) {
    for (int i = 0; i < 5; i++)
        stop(started(*state));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_server_answers_on_all_cores_and_ends),
        TEST(test_a_port_in_use_is_said_with_what_to_do),
        TEST(test_an_address_that_is_none_of_ours_is_said),
        TEST(test_a_plugin_that_refuses_a_core_ends_the_start_with_nothing_left_running),
        TEST(test_a_kernel_that_forbids_rings_is_said_with_what_to_do),
        TEST(test_a_drain_answers_what_was_begun),
        TEST(test_what_is_not_answered_by_the_deadline_is_cut),
        TEST(test_a_server_can_be_started_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
