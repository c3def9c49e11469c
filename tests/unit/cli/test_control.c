// test_control.c — the control socket: a line in, an answer out, and nobody waited for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/control.h"

struct world {
    char var[64];
    struct control *control;
    unsigned client; // who asked last
    char line[128];
    bool answers_later;
};

static void handle(void *arg, unsigned client, str line) {
    struct world *world = arg;
    world->client = client;
    snprintf(world->line, sizeof world->line, "%.*s", (int)line.len, line.ptr);
    if (!world->answers_later)
        control_answer(world->control, client, S("yes"));
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->var, "/tmp/leat-control-XXXXXX");
    assert_non_null(mkdtemp(world->var));
    assert_int_equal(control_open(world->var, handle, world, &world->control), 0);
    *state = world;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int teardown(void **state) {
    struct world *world = *state;
    control_close(world->control);
    nftw(world->var, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(world);
    clock_freeze(-1, -1);
    return 0;
}

static void socket_path(const struct world *world, char *out, size_t bytes) {
    snprintf(out, bytes, "%s/run/server-%ld.sock", world->var, (long)getpid());
}

static int client_of(const struct world *world) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socket_path(world, address.sun_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void serve(struct world *world) {
    for (int i = 0; i < 4; i++)
        control_serve(world->control);
}

// Bytes, or 0 at the end of the connection, or -1 where there is nothing to read yet.
static ssize_t hear(int fd, char *text, size_t bytes) {
    return recv(fd, text, bytes, MSG_DONTWAIT);
}

static void test_a_line_is_answered_and_the_connection_ends(void **state) {
    struct world *world = *state;
    char text[16];
    int fd = client_of(world);
    say(fd, "plug");
    serve(world);
    assert_int_equal(hear(fd, text, sizeof text), -1);
    say(fd, "ins\n");

    serve(world);

    assert_string_equal(world->line, "plugins");
    assert_int_equal(hear(fd, text, sizeof text), 4);
    assert_memory_equal(text, "yes\n", 4);
    assert_int_equal(hear(fd, text, sizeof text), 0);
    close(fd);
}

static void test_the_socket_is_for_its_owner_alone_and_goes_with_the_server(void **state) {
    struct world *world = *state;
    char path[128];
    struct stat status;
    socket_path(world, path, sizeof path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    control_close(world->control);
    world->control = NULL;

    assert_int_equal(stat(path, &status), -1);
    snprintf(path, sizeof path, "%s/run", world->var);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void test_an_answer_may_come_later_and_for_somebody_gone_it_is_nothing(void **state) {
    struct world *world = *state;
    char text[16];
    world->answers_later = true;
    int stays = client_of(world), goes = client_of(world);
    say(stays, "a\n");
    serve(world);
    unsigned first = world->client;
    say(goes, "b\n");
    serve(world);
    unsigned second = world->client;
    close(goes);
    serve(world);

    control_answer(world->control, second, S("nobody"));
    control_answer(world->control, first, S("later"));
    control_answer(world->control, first, S("twice"));

    assert_int_equal(hear(stays, text, sizeof text), 6);
    assert_memory_equal(text, "later\n", 6);
    close(stays);
}

static void test_who_says_nothing_is_cut_after_its_patience(void **state) {
    struct world *world = *state;
    char text[16];
    clock_freeze(INT64_C(1000000000), 0);
    int fd = client_of(world);
    serve(world);
    assert_int_equal(control_due_ms(world->control), 1000 + CONTROL_PATIENCE_MS);

    clock_freeze((1000 + CONTROL_PATIENCE_MS) * INT64_C(1000000), 0);
    serve(world);

    assert_int_equal(hear(fd, text, sizeof text), 0);
    assert_int_equal(control_due_ms(world->control), 0);
    close(fd);
}

static void test_a_line_without_an_end_is_cut(void **state) {
    struct world *world = *state;
    char text[CONTROL_LINE_BYTES_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int fd = client_of(world);
    say(fd, text);

    serve(world);

    assert_true(hear(fd, text, sizeof text) == 0);
    assert_string_equal(world->line, "");
    close(fd);
}

static void test_more_clients_than_there_are_places_are_turned_away(void **state) {
    struct world *world = *state;
    char text[16];
    int fds[CONTROL_CLIENTS_MAX + 1];
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
        fds[i] = client_of(world);
        serve(world);
    }

    assert_int_equal(hear(fds[CONTROL_CLIENTS_MAX], text, sizeof text), 0);
    assert_int_equal(hear(fds[0], text, sizeof text), -1);
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
}

static void test_who_does_not_read_is_never_waited_for(void **state) {
    struct world *world = *state;
    world->answers_later = true;
    clock_freeze(INT64_C(1000000000), 0);
    int fd = client_of(world);
    say(fd, "a\n");
    serve(world);
    char *answer = calloc(1, 4 << 20);

    control_answer(world->control, world->client, (str){answer, 4 << 20}); // returns

    clock_freeze((1000 + CONTROL_PATIENCE_MS) * INT64_C(1000000), 0);
    serve(world);
    ssize_t total = 0;
    for (ssize_t got; (got = recv(fd, answer, 4 << 20, MSG_DONTWAIT)) > 0;)
        total += got;
    assert_true(total > 0 && total < 4 << 20);
    free(answer);
    close(fd);
}

static void test_what_a_server_that_is_gone_has_left_is_removed(void **state) {
    struct world *world = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/run/server-4194399.sock", world->var); // beyond the largest pid there is
    FILE *file = fopen(path, "w");
    fclose(file);
    struct control *second;
    control_close(world->control);

    assert_int_equal(control_open(world->var, handle, world, &second), 0);

    world->control = second;
    assert_int_equal(access(path, F_OK), -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_is_answered_and_the_connection_ends),
        TEST(test_the_socket_is_for_its_owner_alone_and_goes_with_the_server),
        TEST(test_an_answer_may_come_later_and_for_somebody_gone_it_is_nothing),
        TEST(test_who_says_nothing_is_cut_after_its_patience),
        TEST(test_a_line_without_an_end_is_cut),
        TEST(test_more_clients_than_there_are_places_are_turned_away),
        TEST(test_who_does_not_read_is_never_waited_for),
        TEST(test_what_a_server_that_is_gone_has_left_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
