// test_outbound.c — calls on a real ring to a real server: begun, waited for, given up; names are looked up by a resolver of the test's.
#include "engine/world.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "outbound/outbound.h"

// ---- names: what they resolve to, and how late

static sem_t gate; // lookups of slow.test wait for it
static atomic_uint lookups, lookups_ended;

static const struct {
    const char *name, *address;
} names[] = {{"inside.test", "10.0.0.1"}, {"metadata.test", "169.254.169.254"}, {"here.test", "127.0.0.1"}, {"slow.test", "127.0.0.1"}};

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                                                       struct addrinfo **ret_list) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
    atomic_fetch_add(&lookups, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i].name) != 0)
            continue;
        if (strcmp(name, "slow.test") == 0)
            sem_wait(&gate);
        atomic_fetch_add(&lookups_ended, 1);
        return real(names[i].address, service, hints, ret_list);
    }
    atomic_fetch_add(&lookups_ended, 1);
    return EAI_NONAME;
}

// ---- the other server: a thread for each connection, an answer for each path

struct server {
    int fd;
    uint16_t port;
    atomic_uint connections, requests, gone;
};
static struct server server;

static const struct {
    const char *path, *answer;
} answers[] = {
    {"/hello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\n\r\nhello"},
    {"/hints", "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nok"},
    {"/none", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
    {"/silent", ""},
};

static void *converse(void *arg) {
    int fd = (int)(intptr_t)arg;
    char head[4096];
    for (ssize_t got; (got = recv(fd, head, sizeof head - 1, 0)) > 0;) {
        head[got] = '\0';
        atomic_fetch_add(&server.requests, 1);
        const char *path = strchr(head, ' ') + 1;
        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
            if (strncmp(path, answers[i].path, strlen(answers[i].path)) == 0)
                send(fd, answers[i].answer, strlen(answers[i].answer), MSG_NOSIGNAL);
    }
    close(fd);
    atomic_fetch_add(&server.gone, 1);
    return NULL;
}

static void *serve(void *arg) {
    (void)arg;
    for (int fd; (fd = accept(server.fd, NULL, NULL)) >= 0;) {
        pthread_t thread;
        atomic_fetch_add(&server.connections, 1);
        assert_int_equal(pthread_create(&thread, NULL, converse, (void *)(intptr_t)fd), 0);
        pthread_detach(thread);
    }
    return NULL;
}

static int open_server(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    pthread_t thread;
    sem_init(&gate, 0, 0);
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&address, bytes) || listen(server.fd, 64) ||
        getsockname(server.fd, (struct sockaddr *)&address, &bytes) || pthread_create(&thread, NULL, serve, NULL))
        return -1;
    pthread_detach(thread);
    server.port = ntohs(address.sin_port);
    return 0;
}

// ---- calls

static const struct peer_range loopback = {{[10] = 0xff, [11] = 0xff, [12] = 127}, 96 + 8};

struct caller {
    struct core core;
    struct outbound_options options;
    struct outbound *outbound;
    struct arena_pool pool;
    struct arena arena;
    unsigned done_count;
};

struct one {
    struct outbound_call call;
    struct caller *caller;
    unsigned done_count;
};

static void done(struct outbound_call *call) {
    struct one *one = container_of(call, struct one, call);
    one->done_count++;
    one->caller->done_count++;
}

static int set_up(void **state) {
    struct caller *caller = calloc(1, sizeof *caller);
    struct core_options options = world_core();
    assert_int_equal(core_init(&caller->core, &options), 0);
    arena_pool_init(&caller->pool, 8);
    arena_init(&caller->arena, &caller->pool, 64 << 20);
    caller->options = outbound_options_default;
    caller->options.allow = (struct peer_rules){.ranges = &loopback, .range_count = 1};
    assert_int_equal(outbound_create(&caller->core, &caller->options, &caller->outbound), 0);
    server.connections = server.requests = server.gone = lookups = lookups_ended = 0;
    *state = caller;
    return 0;
}

static int tear_down(void **state) {
    struct caller *caller = *state;
    outbound_destroy(caller->outbound);
    turns(&caller->core, 2);
    for (int i = 0; i < TURNS_MAX && (server.gone < server.connections || lookups_ended < lookups); i++)
        usleep(1000 * TURN_MS); // threads of this test take nothing from the next
    assert_int_equal(ring_in_flight(caller->core.ring), 0);
    core_finish(&caller->core);
    arena_reset(&caller->arena);
    arena_pool_finish(&caller->pool);
    free(caller);
    return 0;
}

static struct one *call_to(struct caller *caller, const char *host, const char *path) {
    struct one *one = arena_alloc(&caller->arena, sizeof *one);
    one->caller = caller;
    one->call = (struct outbound_call){.method = "GET",
                                       .url = arena_format(&caller->arena, "http://%s:%u%s", host, server.port, path),
                                       .arena = &caller->arena,
                                       .due_ms = core_now_ms(&caller->core) + 20000,
                                       .answer_bytes_max = 1 << 20,
                                       .done = done};
    return one;
}

static struct one *begin(struct caller *caller, const char *host, const char *path) {
    struct one *one = call_to(caller, host, path);
    assert_int_equal(outbound_submit(caller->outbound, &one->call), 0);
    return one;
}

static void expect_answer(struct one *one, unsigned status, const char *body) {
    turn_until(&one->caller->core, one->done_count);
    if (one->call.error)
        fail_msg("%s", one->call.problem);
    assert_int_equal(one->call.status, status);
    assert_int_equal(one->call.body_read.len, strlen(body));
    assert_memory_equal(one->call.body_read.len ? one->call.body_read.ptr : "", body, strlen(body));
}

static void expect_error(struct one *one, int error) {
    turn_until(&one->caller->core, one->done_count);
    assert_int_equal(one->call.error, error);
    assert_non_null(one->call.problem);
}

static unsigned running(struct caller *caller) {
    struct outbound_figures figures;
    outbound_figures(caller->outbound, &figures);
    return figures.running;
}

// ---- tests

static void test_an_answer_comes_with_its_status_fields_and_body(void **state) {
    struct one *one = begin(*state, "127.0.0.1", "/hello");
    assert_int_equal(one->done_count, 0);
    expect_answer(one, 200, "hello");
    assert_true(str_eq(one->call.answer_fields->next->name, S("X-One")));
    assert_true(str_eq(one->call.answer_fields->next->value, S("1")));
    assert_null(one->call.answer_fields->next->next);
    expect_answer(begin(*state, "127.0.0.1", "/none"), 404, "");
}

static void test_what_an_interim_answer_said_is_forgotten(void **state) {
    struct one *one = begin(*state, "127.0.0.1", "/hints");
    expect_answer(one, 200, "ok");
    for (struct outbound_field *field = one->call.answer_fields; field; field = field->next)
        assert_false(str_eq(field->name, S("X-Early")));
}

static void test_calls_one_after_the_other_share_a_connection(void **state) {
    for (int i = 0; i < 20; i++)
        expect_answer(begin(*state, "127.0.0.1", "/hello"), 200, "hello");
    assert_int_equal(server.connections, 1);
    assert_int_equal(server.requests, 20);
}

static void test_calls_beyond_those_of_a_host_wait_for_their_turn(void **state) {
    struct caller *caller = *state;
    caller->options.host_running_max = 3;
    struct one *ones[30];
    for (int i = 0; i < 30; i++)
        ones[i] = begin(caller, "127.0.0.1", "/hello");
    turn_until(&caller->core, caller->done_count == 30);
    for (int i = 0; i < 30; i++)
        expect_answer(ones[i], 200, "hello");
    assert_true(server.connections <= 3);
}

static void test_a_call_beyond_the_queue_is_not_taken(void **state) {
    struct caller *caller = *state;
    caller->options.running_max = 1;
    caller->options.waiting_max = 2;
    for (int i = 0; i < 3; i++)
        begin(caller, "127.0.0.1", "/hello");
    struct one *refused = call_to(caller, "127.0.0.1", "/hello");
    assert_int_equal(outbound_submit(caller->outbound, &refused->call), -EAGAIN);
    outbound_cancel(&refused->call);
    turn_until(&caller->core, caller->done_count == 3);
    assert_int_equal(refused->done_count, 0);
}

static void test_the_deadline_ends_a_call_that_runs_and_one_that_waits(void **state) {
    struct caller *caller = *state;
    caller->options.host_running_max = 1;
    struct one *silent = call_to(caller, "127.0.0.1", "/silent"), *waiting = call_to(caller, "127.0.0.1", "/hello");
    silent->call.due_ms = core_now_ms(&caller->core) + 100;
    waiting->call.due_ms = core_now_ms(&caller->core) + 50;
    assert_int_equal(outbound_submit(caller->outbound, &silent->call), 0);
    assert_int_equal(outbound_submit(caller->outbound, &waiting->call), 0);
    expect_error(waiting, -ETIMEDOUT);
    assert_int_equal(silent->done_count, 0);
    expect_error(silent, -ETIMEDOUT);
    expect_answer(begin(caller, "127.0.0.1", "/hello"), 200, "hello");
}

static void test_a_call_that_is_cancelled_is_cut_and_never_done(void **state) {
    struct caller *caller = *state;
    struct one *running_one = begin(caller, "127.0.0.1", "/silent");
    turn_until(&caller->core, server.requests == 1);
    caller->options.host_running_max = 1;
    struct one *waiting = begin(caller, "127.0.0.1", "/hello"), *next = begin(caller, "127.0.0.1", "/hello");
    outbound_cancel(&waiting->call);
    outbound_cancel(&running_one->call);
    outbound_cancel(&running_one->call);
    expect_answer(next, 200, "hello");
    turn_until(&caller->core, server.gone == 1);
    assert_int_equal(running_one->done_count + waiting->done_count, 0);
    assert_int_equal(running(caller), 0);
}

static void test_a_name_that_resolves_to_an_address_inside_is_not_called(void **state) {
    expect_error(begin(*state, "inside.test", "/hello"), -EACCES);
    expect_error(begin(*state, "metadata.test", "/hello"), -EACCES);
    expect_answer(begin(*state, "here.test", "/hello"), 200, "hello");
    struct one *stranger = call_to(*state, "here.test", "/hello");
    stranger->call.is_untrusted = true;
    assert_int_equal(outbound_submit(stranger->caller->outbound, &stranger->call), 0);
    expect_error(stranger, -EACCES); // though a connection to it is there
    assert_int_equal(server.requests, 1);
}

static void test_a_name_that_nobody_knows_is_no_host(void **state) {
    expect_error(begin(*state, "nobody.test", "/hello"), -ENOENT);
}

static void test_a_lookup_that_hangs_holds_nobody(void **state) {
    struct caller *caller = *state;
    struct one *slow = call_to(caller, "slow.test", "/hello");
    slow->call.due_ms = core_now_ms(&caller->core) + 50;
    assert_int_equal(outbound_submit(caller->outbound, &slow->call), 0);
    struct one *cancelled = begin(caller, "slow.test", "/hello");
    turn_until(&caller->core, lookups == 2);
    int64_t began_ns = clock_monotonic_ns();
    outbound_cancel(&cancelled->call);
    expect_error(slow, -ETIMEDOUT);
    expect_answer(begin(caller, "127.0.0.1", "/hello"), 200, "hello");
    assert_true(clock_monotonic_ns() - began_ns < INT64_C(10000000000)); // the gate is closed until here
    sem_post(&gate);
    sem_post(&gate);
}

static void test_lookups_that_nobody_waits_for_are_bounded(void **state) {
    struct caller *caller = *state;
    caller->options.host_running_max = caller->options.running_max = 64;
    unsigned taken = 0;
    for (int i = 0; i < 80; i++) {
        struct one *one = call_to(caller, "slow.test", "/hello");
        if (outbound_submit(caller->outbound, &one->call))
            break;
        taken++;
        turn_until(&caller->core, lookups == taken);
        outbound_cancel(&one->call);
    }
    assert_int_equal(taken, 64);
    expect_answer(begin(caller, "127.0.0.1", "/hello"), 200, "hello"); // nothing to look up
    struct one *stranger = call_to(caller, "inside.test", "/hello");
    stranger->call.is_untrusted = true; // which have a bound of their own
    assert_int_equal(outbound_submit(caller->outbound, &stranger->call), 0);
    expect_error(stranger, -EACCES);
    for (unsigned i = 0; i < taken; i++)
        sem_post(&gate);
}

static void test_a_poll_that_fails_ends_its_call_or_is_made_up_for(void **state) {
    struct caller *caller = *state;
    static const int errors[] = {-EAGAIN, -ENOMEM, -ECANCELED, -EBADF};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        for (unsigned nth = 1; nth < 5; nth++) {
            ring_inject(caller->core.ring, RING_POLL, nth, errors[i]);
            struct one *one = begin(caller, "127.0.0.1", "/hello");
            turn_until(&caller->core, one->done_count);
            ring_inject(caller->core.ring, RING_POLL, 0, 0);
            assert_true(one->call.error || one->call.status == 200);
        }
    expect_answer(begin(caller, "127.0.0.1", "/hello"), 200, "hello");
}

static void test_what_is_no_url_is_not_taken(void **state) {
    static const char *const urls[] = {"",
                                       "x",
                                       "/x",
                                       "http://",
                                       "ftp://a/",
                                       "file:///x",
                                       "http://a b/",
                                       "http://a:0x/",
                                       "http://a:99999/",
                                       "gopher://a/",
                                       "http://[::1/",
                                       "http://a/\n"};
    struct caller *caller = *state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct one *one = call_to(caller, "a", "/");
        one->call.url = str_of(urls[i]);
        assert_int_equal(outbound_submit(caller->outbound, &one->call), -EINVAL);
        assert_non_null(one->call.problem);
    }
    assert_int_equal(lookups, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_answer_comes_with_its_status_fields_and_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_an_interim_answer_said_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_calls_one_after_the_other_share_a_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_calls_beyond_those_of_a_host_wait_for_their_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_call_beyond_the_queue_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_deadline_ends_a_call_that_runs_and_one_that_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_call_that_is_cancelled_is_cut_and_never_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_that_resolves_to_an_address_inside_is_not_called, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_that_nobody_knows_is_no_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lookup_that_hangs_holds_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lookups_that_nobody_waits_for_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_poll_that_fails_ends_its_call_or_is_made_up_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_url_is_not_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, open_server, NULL);
}
