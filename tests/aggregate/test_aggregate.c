// test_aggregate.c — three services asked at once; they are a small server in this very program.
#include <leat/test.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

TEST_PLUGINS("aggregate");

// ---- the services: what they answer, and how late

static const char *answers[3] = {J({"name": "Ada"}), J({"open": 2}), J({"due_cents": 995})};
static _Atomic(const char *) payments;
static atomic_int delay_ms, asked, with_token;

static void reply(int fd, const char *head) {
    atomic_fetch_add(&asked, 1);
    if (strstr(head, "Authorization: Bearer ticket\r\n"))
        atomic_fetch_add(&with_token, 1);
    usleep((useconds_t)atomic_load(&delay_ms) * 1000);
    const char *body = strncmp(head, "GET /user", 9) == 0 ? answers[0] : strncmp(head, "GET /orders", 11) == 0 ? answers[1] : payments;
    char out[512];
    int bytes = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    (void)!write(fd, out, (size_t)bytes);
}

static void *converse(void *arg) {
    int fd = (int)(intptr_t)arg;
    char head[4096];
    for (ssize_t got; (got = read(fd, head, sizeof head - 1)) > 0;) {
        head[got] = '\0';
        reply(fd, head);
    }
    close(fd);
    return NULL;
}

static void *serve(void *arg) {
    for (int fd; (fd = accept((int)(intptr_t)arg, NULL, NULL)) >= 0;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, converse, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

static void tell(const char *setting, const char *path, unsigned port) {
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    setenv(setting, url, 1);
}

// Before main(): the settings are read when the app starts.
__attribute__((constructor)) static void open_services(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    pthread_t thread;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, bytes) || listen(fd, 64) || getsockname(fd, (struct sockaddr *)&address, &bytes) ||
        pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
        abort();
    pthread_detach(thread);
    tell("AGGREGATE_USER_URL", "/user", ntohs(address.sin_port));
    tell("AGGREGATE_ORDERS_URL", "/orders", ntohs(address.sin_port));
    tell("AGGREGATE_PAYMENTS_URL", "/payments", ntohs(address.sin_port));
    setenv("AGGREGATE_TIMEOUT_MS", "1000", 1);
    payments = answers[2];
}

static i64 now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put_back(void) {
    delay_ms = asked = with_token = 0;
    payments = answers[2];
}

// ---- tests

TEST(what_three_services_know_is_one_answer) {
    put_back();
    answer *x = get(a, "/v1/aggregated");
    expect_status(x, 200);
    expect_json(x, "", J({"user": {"name": "Ada"}, "orders": {"open": 2}, "payments": {"due_cents": 995}}));
    expect_documented(a, x);
    assert_int_equal(asked, 3);
}

TEST(it_takes_as_long_as_the_slowest_of_them) {
    put_back();
    expect_status(get(a, "/v1/aggregated"), 200); // connections are there from now on
    delay_ms = 100;
    i64 best_ms = 10000;
    for (int i = 0; i < 5; i++) {
        i64 began_ms = now_ms();
        expect_status(get(a, "/v1/aggregated"), 200);
        i64 ms = now_ms() - began_ms;
        best_ms = ms < best_ms ? ms : best_ms;
    }
    put_back();
    assert_in_range(best_ms, 95, 130);
}

TEST(the_callers_token_goes_along) {
    put_back();
    expect_status(get(a, "/v1/aggregated", .token = "ticket"), 200);
    assert_int_equal(with_token, 3);
    expect_status(get(a, "/v1/aggregated"), 200);
    assert_int_equal(with_token, 3);
}

TEST(an_answer_that_makes_no_sense_is_a_502) {
    put_back();
    payments = J({"due_cents": -1});
    answer *x = get(a, "/v1/aggregated");
    expect_status(x, 502);
    expect_json(x, "", J({"detail": "Bad Gateway"}));
    expect_documented(a, x);
    put_back();
}

TEST(a_service_that_does_not_answer_is_a_504) {
    put_back();
    delay_ms = 1500;
    answer *x = get(a, "/v1/aggregated");
    expect_status(x, 504);
    expect_documented(a, x);
    put_back();
}
