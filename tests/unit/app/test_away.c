// test_away.c — tests of app/away.c: handlers and providers on worker threads, what they ask the core for, and how they end.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <leat/test.h>

#include "app/app_internal.h"
#include "engine/offload.h"
#include "testing/test_app.h"

TEST_PLUGINS("users");

SCHEMA(Told, (str, text), (i64, number), (bool, is_away));
SCHEMA(Wanted, (i64, number, .ge = 1));
ERROR(too_odd, 409, "Too odd");
ERROR(taken, 409, "Email already registered", .constraint = "users_email_key");

static pthread_t core_thread;
static atomic_int entered, left, cleaned, spawned;
static enum outcome last_outcome;

static bool is_on_core(void) {
    return pthread_equal(pthread_self(), core_thread);
}

static void nap(int ms) {
    struct timespec left_of_it = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&left_of_it, &left_of_it) < 0 && errno == EINTR)
        continue;
}

static void clean(void *arg LEAT_UNUSED, enum outcome outcome) {
    cleaned++;
    last_outcome = outcome;
}

TASK(note, (i64, number)) {
    spawned += (int)a->number;
}
PROVIDE(get_factor, i64, (query(i64, factor, .def = 2)), .blocking = true) {
    return is_on_core() ? -1 : factor;
}

POST("/a/all", do_all, Told, (body(Wanted, in), depends(get_factor, factor), depends(get_db, db)), .blocking = true, .status = 201) {
    Told *told = new (r, Told);
    told->is_away = !is_on_core();
    if (!request_body(r).len)
        http_fail(r, 500, "no body");
    not_ready_because(r);
    i64 users = db_value(db, i64, "SELECT count(*) FROM users");
    str hash = password_hash(r, S("Secure123"));
    told->number =
        in->number * factor + users + db_value(db, i64, "SELECT 5::bigint") - (password_verify(r, S("Secure123"), hash) ? 0 : 99);
    password_needs_rehash(hash);
    sleep_ms(r, 1);
    told->text = format(r, "%.*s", (int)header_of(r, "X-Name").len, header_of(r, "X-Name").ptr);
    for (int i = 0; i < 40; i++) // more memory than a block, and larger pieces
        memset(alloc(r, 3000 + (size_t)i * 1000), 1, 3000);
    on_done(r, clean, NULL);
    set_header(r, "X-Away", S("yes"));
    log_debug(r, "away", "number=%d", (int)told->number);
    spawn(r, note, .number = 7);
    return told;
}
GET("/a/fails", fails, Told, (query(i64, how), depends(get_db, db)), .blocking = true) {
    set_header(r, "X-Failing", S("yes"));
    on_done(r, clean, NULL);
    if (how == 1)
        fail(r, too_odd, "because %d", 1);
    if (how == 2)
        http_fail(r, 404, "Nothing %s", "there");
    if (how == 3)
        db_exec(db, "INSERT INTO users (email, password_hash, first_name, last_name) VALUES ('a@b.org', 'x', 'a', 'b'), ('a@b.org', 'x', "
                    "'a', 'b')");
    if (how == 4)
        stream(r, "text/plain");
    if (how == 5)
        db_require(db, too_odd, "SELECT 1 FROM users WHERE id = gen_random_uuid()");
    if (how == 6)
        for (;;)
            alloc(r, 1 << 20);
    if (how == 7)
        set_header(r, "no good", S("x"));
    return NULL;
}
GET("/a/slow", slow, Told, (query(i64, ms), depends(get_db, db), query(bool, asks, .def = 0)), .blocking = true, .timeout_ms = 150) {
    entered++;
    on_done(r, clean, NULL);
    set_header(r, "X-Mine", S("yes"));
    nap((int)ms);
    if (asks)
        db_exec(db, "SELECT 1");
    Told *told = new (r, Told);
    told->number = ms;
    left++;
    return told;
}
GET("/a/hangs", hangs, Told, (depends(get_db, db)), .blocking = true, .timeout_ms = 150) {
    entered++;
    on_done(r, clean, NULL);
    db_exec(db, "SELECT pg_sleep(0.6)");
    left++;
    return new (r, Told);
}
GET("/a/quick", quick, Told, ()) {
    core_thread = pthread_self();
    return new (r, Told);
}

static void reset(app *a) {
    expect_status(get(a, "/a/quick"), 200);
    entered = left = cleaned = spawned = 0;
    last_outcome = OK;
}

static void turn_until(app *a, atomic_int *count, int least) {
    for (int turns = 0; turns < 1000 && atomic_load(count) < least; turns++)
        test_app_turn(a, 10);
    assert_true(atomic_load(count) >= least);
}

// promise 48
TEST(a_blocking_handler_runs_elsewhere_and_all_of_leat_works_in_it) {
    reset(a);
    for (int i = 0; i < 5; i++) {
        answer *x = post(a, "/a/all?factor=3", J({"number" : 4}), .headers = "X-Name: Ada");
        expect_status(x, 201);
        expect_json(x, "number", "17");
        expect_json(x, "is_away", "true");
        expect_json(x, "text", J("Ada"));
        expect_header(x, "X-Away", "yes");
    }
    assert_int_equal(cleaned, 5);
    assert_int_equal(spawned, 35);
    assert_int_equal(a->app->away_count, 0);
}
TEST(what_is_wrong_with_its_parameters_is_told_before_a_thread_is_bothered) {
    reset(a);
    expect_status(post(a, "/a/all?factor=x", J({"number" : 0})), 422);
    assert_int_equal(cleaned, 0);
}
// promise n10
TEST(a_blocking_handler_fails_as_any_other) {
    reset(a);
    answer *x = get(a, "/a/fails?how=1");
    expect_status(x, 409);
    expect_json(x, "detail", J("Too odd"));
    expect_header(x, "X-Failing", "yes");
    x = get(a, "/a/fails?how=2");
    expect_status(x, 404);
    expect_json(x, "detail", J("Nothing there"));
    expect_status(get(a, "/a/fails?how=3"), 409);
    expect_status(get(a, "/a/fails?how=4"), 500);
    expect_status(get(a, "/a/fails?how=5"), 409);
    x = get(a, "/a/fails?how=6");
    expect_status(x, 503);
    expect_header(x, "Retry-After", "1");
    expect_status(get(a, "/a/fails?how=7"), 500);
    expect_status(get(a, "/a/fails?how=0"), 500);
    assert_int_equal(cleaned, 8);
    assert_int_equal(a->app->away_count, 0);
}
// get() waits until nothing is left of a request; these do not.
static int ask(app *a, const char *path) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(a->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const char *head = text_of(a, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, head, strlen(head)), (ssize_t)strlen(head));
    return fd;
}

static const char *answer_on(app *a, int fd) {
    char *text = (char *)text_of(a, "%4096s", "");
    for (int turns = 0; turns < 1000; turns++) {
        test_app_turn(a, 10);
        ssize_t bytes = recv(fd, text, 4095, MSG_DONTWAIT);
        if (bytes <= 0)
            continue;
        text[bytes] = '\0';
        return text;
    }
    return "";
}

static void expect_on(app *a, int fd, const char *status) {
    const char *text = answer_on(a, fd);
    if (!strstr(text, status))
        fail_msg("not %s: %s", status, text);
}

TEST(a_deadline_is_answered_while_the_thread_works_on_and_its_memory_stays) {
    reset(a);
    int fd = ask(a, "/a/slow?ms=900");
    const char *text = answer_on(a, fd);
    assert_non_null(strstr(text, "504 Gateway Timeout"));
    assert_null(strstr(text, "X-Mine"));
    assert_int_equal(entered, 1);
    assert_int_equal(left + cleaned, 0);
    assert_int_equal(a->app->away_count, 1);
    static const char another[] = "GET /a/quick HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_true(write(fd, another, sizeof another - 1) > 0);
    expect_on(a, fd, "200 OK");
    assert_int_equal(left + cleaned, 0); // others are served meanwhile, on the same connection and core
    turn_until(a, &cleaned, 1);
    assert_int_equal(left, 1);
    assert_int_equal(last_outcome, CANCELLED);
    assert_int_equal(a->app->away_count, 0);
    close(fd);
}
TEST(a_client_that_goes_leaves_the_thread_to_end_alone) {
    reset(a);
    int fd = ask(a, "/a/slow?ms=100");
    turn_until(a, &entered, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger)); // a reset
    close(fd);
    turn_until(a, &cleaned, 1);
    assert_int_equal(left, 1);
    assert_int_equal(last_outcome, CANCELLED);
}
TEST(a_thread_whose_request_has_ended_goes_no_further_than_its_next_question) {
    reset(a);
    expect_status(get(a, "/a/slow?ms=400&asks=true"), 504);
    turn_until(a, &cleaned, 1);
    assert_int_equal(left, 0);
}
TEST(a_deadline_in_the_midst_of_a_question_lets_the_thread_go) {
    reset(a);
    expect_status(get(a, "/a/hangs"), 504);
    turn_until(a, &cleaned, 1);
    assert_int_equal(entered, 1);
    assert_int_equal(left, 0);
    assert_int_equal(a->app->away_count, 0);
}
TEST(with_too_many_waiting_the_next_is_refused) {
    reset(a);
    struct offload *threads = a->options.blocking, *one;
    assert_int_equal(offload_create_growing(1, 1, &one), 0);
    a->options.blocking = one;
    int first = ask(a, "/a/slow?ms=500");
    turn_until(a, &entered, 1);
    int second = ask(a, "/a/slow?ms=10"); // waits for the thread, and is never begun
    while (a->app->away_count < 2)
        test_app_turn(a, 10);
    int third = ask(a, "/a/slow?ms=10");
    const char *text = answer_on(a, third);
    assert_non_null(strstr(text, "503 Service Unavailable"));
    assert_non_null(strstr(text, "Retry-After: 1"));
    expect_on(a, first, "504 ");
    expect_on(a, second, "504 ");
    for (int turns = 0; turns < 500 && a->app->away_count; turns++)
        test_app_turn(a, 10);
    assert_int_equal(a->app->away_count, 0);
    assert_int_equal(entered, 1);
    a->options.blocking = threads;
    offload_destroy(one);
    test_app_turn(a, 0);
    close(first);
    close(second);
    close(third);
}
