// test_ring.c — operations go in, completions come out, whatever the kernel's mood.
#include "world.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/ring.h"

enum { WAIT_NS = 5000000 };

/** An operation that remembers how it ended. */
struct probe {
    struct op op;
    struct ring *ring;
    int result, last_more;
    unsigned completions;
    size_t received;
    bool keeps_buffer;
};

static void probe_done(struct op *op, int result) {
    struct probe *probe = container_of(op, struct probe, op);
    probe->completions++;
    probe->result = result;
    probe->last_more = op->more;
    if (!op->has_buffer)
        return;
    probe->received += (size_t)result;
    if (!probe->keeps_buffer)
        ring_give_back(probe->ring, op);
}

static struct probe probe_of(struct ring *ring) {
    return (struct probe){.op.done = probe_done, .ring = ring};
}

static struct ring *ring_of(struct ring_options options) {
    struct ring *ring;
    int error = ring_create(&options, &ring);
    if (error < 0)
        fail_msg("%s", ring_refusal(error));
    return ring;
}

static struct ring *small_ring(void) {
    return ring_of((struct ring_options){.sq_entries = 4, .cq_entries = 8, .buffer_count = 4, .buffer_bytes = 64});
}

#define ring_until(ring, condition)                                                                                                        \
    do {                                                                                                                                   \
        for (int turn_ = 0; turn_ < TURNS_MAX && !(condition); turn_++)                                                                    \
            assert_true(ring_turn(ring, WAIT_NS) >= 0);                                                                                    \
        if (!(condition))                                                                                                                  \
            fail_msg("never came true: %s", #condition);                                                                                   \
    } while (0)

static void pair(int ends[2]) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void close_pair(int ends[2]) {
    close(ends[0]);
    close(ends[1]);
}

static void test_bytes_arrive_in_a_provided_buffer_until_the_stream_ends(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe recv = probe_of(ring);
    int ends[2];
    pair(ends);

    ring_recv(ring, &recv.op, ends[0]);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(write(ends[1], "0123456789", 10), 10);
        ring_until(ring, recv.received == (size_t)(i + 1) * 10);
    }
    assert_true(recv.last_more);
    shutdown(ends[1], SHUT_WR);
    ring_until(ring, !op_is_in_flight(&recv.op));

    assert_int_equal(recv.result, 0);
    assert_int_equal(ring_buffers_free(ring), 4);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_recv_without_buffers_ends_and_goes_on_once_they_are_back(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe recv = probe_of(ring);
    char text[64 * 6];
    memset(text, 'x', sizeof text);
    int ends[2];
    pair(ends);
    recv.keeps_buffer = true;
    assert_int_equal(write(ends[1], text, sizeof text), sizeof text);

    ring_recv(ring, &recv.op, ends[0]);
    for (int i = 0; i < 100 && recv.result != -ENOBUFS; i++)
        ring_turn(ring, WAIT_NS);

    assert_int_equal(recv.result, -ENOBUFS);
    assert_false(recv.last_more);
    assert_false(op_is_in_flight(&recv.op));
    assert_int_equal(recv.received, 64 * 4);
    assert_int_equal(ring_buffers_free(ring), 0);

    for (uint16_t i = 0; i < 4; i++) { // which is which does not matter: all four are out
        recv.op.has_buffer = true;
        recv.op.buffer = i;
        ring_give_back(ring, &recv.op);
    }
    recv.keeps_buffer = false;
    ring_recv(ring, &recv.op, ends[0]);
    ring_until(ring, recv.received == sizeof text);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_multishot_ends_when_it_is_cancelled(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe recv = probe_of(ring), cancel = probe_of(ring);
    int ends[2];
    pair(ends);
    ring_recv(ring, &recv.op, ends[0]);
    ring_turn(ring, 0);

    ring_cancel(ring, &cancel.op, &recv.op);
    ring_until(ring, !op_is_in_flight(&recv.op) && !op_is_in_flight(&cancel.op));

    assert_int_equal(recv.result, -ECANCELED);
    assert_int_equal(cancel.result, 0);
    assert_int_equal(ring_in_flight(ring), 0);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_cancelling_a_descriptor_ends_everything_on_it(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe recv = probe_of(ring), poll = probe_of(ring);
    int ends[2];
    pair(ends);
    ring_recv(ring, &recv.op, ends[0]);
    ring_poll(ring, &poll.op, ends[0], POLLIN);
    ring_turn(ring, 0);

    ring_cancel_fd(ring, NULL, ends[0]);
    ring_until(ring, ring_in_flight(ring) == 0);

    assert_int_equal(recv.result, -ECANCELED);
    assert_int_equal(poll.result, -ECANCELED);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_more_operations_than_entries_all_complete(void **state) {
    (void)state;
    enum { COUNT = 500 };
    struct ring *ring = small_ring(); // four entries
    static struct probe polls[COUNT];
    int ends[2];
    pair(ends);

    for (int i = 0; i < COUNT; i++) {
        polls[i] = probe_of(ring);
        ring_poll(ring, &polls[i].op, ends[0], POLLOUT);
    }
    assert_int_equal(ring_in_flight(ring), COUNT);
    ring_until(ring, ring_in_flight(ring) == 0);

    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(polls[i].completions, 1);
        assert_int_equal(polls[i].result, POLLOUT);
    }
    close_pair(ends);
    ring_destroy(ring);
}

static void test_completions_that_do_not_fit_are_not_lost(void **state) {
    (void)state;
    enum { COUNT = 300 };
    struct ring *ring = small_ring(); // eight completions
    static struct probe polls[COUNT];
    int ends[2];
    pair(ends);
    for (int i = 0; i < COUNT; i++) {
        polls[i] = probe_of(ring);
        ring_poll(ring, &polls[i].op, ends[0], POLLIN);
    }
    ring_turn(ring, 0); // all wait now
    assert_int_equal(ring_in_flight(ring), COUNT);

    assert_int_equal(write(ends[1], "x", 1), 1); // and all complete at once
    ring_until(ring, ring_in_flight(ring) == 0);

    for (int i = 0; i < COUNT; i++)
        assert_int_equal(polls[i].completions, 1);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_multishot_survives_a_full_completion_queue_or_says_that_it_has_ended(void **state) {
    (void)state;
    struct ring *ring = ring_of((struct ring_options){.sq_entries = 4, .cq_entries = 8, .buffer_count = 64, .buffer_bytes = 64});
    struct probe recv = probe_of(ring);
    char text[64 * 60];
    memset(text, 'x', sizeof text);
    int ends[2];
    pair(ends);
    assert_int_equal(write(ends[1], text, sizeof text), sizeof text);

    ring_recv(ring, &recv.op, ends[0]);
    for (int i = 0; i < 200 && recv.received < sizeof text; i++) {
        ring_turn(ring, WAIT_NS);
        if (!op_is_in_flight(&recv.op))
            ring_recv(ring, &recv.op, ends[0]);
    }

    assert_int_equal(recv.received, sizeof text);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_completion_of_a_forgotten_operation_reaches_nobody(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe old = probe_of(ring), young = probe_of(ring);
    int ends[2];
    pair(ends);
    ring_recv(ring, &old.op, ends[0]);
    ring_turn(ring, 0);

    uint32_t slot = old.op.slot;
    ring_forget(ring, &old.op);
    ring_poll(ring, &young.op, ends[1], POLLERR); // takes the slot over, in a new generation
    assert_int_equal(young.op.slot, slot);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(write(ends[1], "x", 1), 1);
        ring_turn(ring, WAIT_NS);
    }

    assert_int_equal(old.completions, 0);
    assert_int_equal(young.completions, 0);
    struct probe next = probe_of(ring); // the four buffers that the stranger filled twenty times went back each time
    shutdown(ends[1], SHUT_WR);
    ring_recv(ring, &next.op, ends[0]);
    ring_until(ring, next.completions > 0);
    assert_int_equal(next.result, 0);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_send_says_how_much_has_left(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe send = probe_of(ring);
    char got[16] = {0};
    int ends[2];
    pair(ends);

    ring_send(ring, &send.op, ends[0], "hello", 5);
    ring_until(ring, send.completions == 1);

    assert_int_equal(send.result, 5);
    assert_int_equal(read(ends[1], got, sizeof got), 5);
    assert_string_equal(got, "hello");
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_send_to_nobody_fails_without_a_signal(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe send = probe_of(ring);
    int ends[2];
    pair(ends);
    close(ends[1]);

    ring_send(ring, &send.op, ends[0], "hello", 5);
    ring_until(ring, send.completions == 1);

    assert_int_equal(send.result, -EPIPE);
    close(ends[0]);
    ring_destroy(ring);
}

static void test_a_file_without_a_name_is_written_and_read(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe opening = probe_of(ring), writing = probe_of(ring), reading = probe_of(ring);
    struct open_how how = {.flags = O_TMPFILE | O_RDWR | O_CLOEXEC, .mode = 0600};
    char got[8] = {0};

    ring_open(ring, &opening.op, AT_FDCWD, "/tmp", &how);
    ring_until(ring, opening.completions == 1);
    assert_true(opening.result >= 0);
    ring_write(ring, &writing.op, opening.result, "hello", 5, 3);
    ring_until(ring, writing.completions == 1);
    assert_int_equal(writing.result, 5);
    ring_read(ring, &reading.op, opening.result, got, sizeof got, 4);
    ring_until(ring, reading.completions == 1);
    assert_int_equal(reading.result, 4);
    assert_string_equal(got, "ello");

    int other = dup(opening.result);
    ring_close_file(ring, opening.result);
    for (int turn = 0; turn < TURNS_MAX && fcntl(opening.result, F_GETFD) >= 0; turn++)
        assert_true(ring_turn(ring, WAIT_NS) >= 0);
    assert_int_equal(fcntl(opening.result, F_GETFD), -1);
    close(other);
    ring_destroy(ring);
}

static void test_a_close_closes(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe closing = probe_of(ring);
    int ends[2];
    pair(ends);

    ring_close(ring, &closing.op, ends[0]);
    ring_close(ring, NULL, ends[1]);
    ring_until(ring, closing.completions == 1);
    ring_turn(ring, 0);

    assert_int_equal(closing.result, 0);
    assert_int_equal(fcntl(ends[0], F_GETFD), -1);
    assert_int_equal(fcntl(ends[1], F_GETFD), -1);
    ring_destroy(ring);
}

static void test_an_injected_result_takes_the_place_of_the_nth_operation(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct probe sends[3];
    char got[16];
    int ends[2];
    pair(ends);

    ring_inject(ring, RING_SEND, 2, -ECONNRESET);
    for (int i = 0; i < 3; i++) {
        sends[i] = probe_of(ring);
        ring_send(ring, &sends[i].op, ends[0], &"abc"[i], 1);
    }
    ring_until(ring, ring_in_flight(ring) == 0);

    assert_int_equal(sends[0].result, 1);
    assert_int_equal(sends[1].result, -ECONNRESET);
    assert_int_equal(sends[2].result, 1);
    assert_int_equal(read(ends[1], got, sizeof got), 2);
    assert_memory_equal(got, "ac", 2);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_turn_is_one_system_call(void **state) {
    (void)state;
    struct ring *ring = ring_of(core_options_default.ring);
    struct probe sends[50];
    int ends[2];
    pair(ends);
    for (int i = 0; i < 50; i++) {
        sends[i] = probe_of(ring);
        ring_send(ring, &sends[i].op, ends[0], "x", 1);
    }
    uint64_t before = ring_enter_count(ring);

    assert_int_equal(ring_turn(ring, WAIT_NS), 50);

    assert_int_equal(ring_enter_count(ring) - before, 1);
    close_pair(ends);
    ring_destroy(ring);
}

static void test_a_wait_ends_at_its_time(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct timespec before, after;

    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(ring_turn(ring, 2000000), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);

    int64_t took_ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    assert_true(took_ns >= 2000000);
    ring_destroy(ring);
}

struct note {
    struct message message;
    pthread_t run_on;
    unsigned runs;
};

static void note_run(struct message *message) {
    struct note *note = container_of(message, struct note, message);
    note->run_on = pthread_self();
    note->runs++;
}

struct mail {
    struct ring *to;
    struct note notes[100];
};

static void *mail_send(void *arg) {
    struct mail *mail = arg;
    for (int i = 0; i < 100; i++) {
        mail->notes[i].message.run = note_run;
        if (ring_post(mail->to, &mail->notes[i].message) < 0)
            return (void *)1;
    }
    return NULL;
}

static void test_messages_of_other_threads_run_here_once(void **state) {
    (void)state;
    struct ring *ring = small_ring(); // a hundred messages, eight completions
    struct mail mails[3] = {{.to = ring}, {.to = ring}, {.to = ring}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, mail_send, &mails[i]), 0);
    unsigned runs = 0;
    for (int turn = 0; turn < TURNS_MAX && runs < 300; turn++) {
        ring_turn(ring, WAIT_NS);
        runs = 0;
        for (int i = 0; i < 300; i++)
            runs += mails[i / 100].notes[i % 100].runs;
    }
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }

    for (int i = 0; i < 300; i++) {
        assert_int_equal(mails[i / 100].notes[i % 100].runs, 1);
        assert_true(pthread_equal(mails[i / 100].notes[i % 100].run_on, pthread_self()));
    }
    ring_destroy(ring);
}

static void test_a_message_to_oneself_runs_in_the_next_turn(void **state) {
    (void)state;
    struct ring *ring = small_ring();
    struct note note = {.message.run = note_run};

    assert_int_equal(ring_post(ring, &note.message), 0);
    assert_int_equal(note.runs, 0);
    ring_until(ring, note.runs == 1);

    ring_destroy(ring);
}

static unsigned open_descriptors(void) {
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_rings_and_the_threads_that_post_leave_no_descriptor_behind(void **state) {
    (void)state;
    struct ring *first = small_ring();
    struct note note = {.message.run = note_run};
    assert_int_equal(ring_post(first, &note.message), 0); // this thread's own stays
    ring_until(first, note.runs == 1);
    ring_destroy(first);
    unsigned before = open_descriptors();

    for (int round = 0; round < 5; round++) {
        struct ring *ring = ring_of(core_options_default.ring);
        struct mail mail = {.to = ring};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, mail_send, &mail), 0);
        ring_until(ring, mail.notes[99].runs == 1);
        pthread_join(thread, NULL);
        ring_destroy(ring);
    }

    assert_int_equal(open_descriptors(), before);
}

static void test_buffers_that_no_kernel_takes_are_refused_with_a_remedy(void **state) {
    (void)state;
    struct ring *ring = NULL;

    int error = ring_create(&(struct ring_options){.sq_entries = 4, .cq_entries = 8, .buffer_count = 3, .buffer_bytes = 64}, &ring);

    assert_int_equal(error, -EDOM);
    assert_null(ring);
    assert_non_null(strstr(ring_refusal(error), "power of two"));
}

/** Every later `call` of this process fails with `error`. */
static void forbid(unsigned call, int error) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        _exit(100);
}

static int answer_under_filter(int error) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ring *ring;
        forbid(SYS_io_uring_setup, error);
        _exit(-ring_create(&core_options_default.ring, &ring));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

static void test_a_seccomp_profile_is_named_as_the_cause(void **state) {
    (void)state;

    assert_int_equal(answer_under_filter(EPERM), -EPERM);
    assert_int_equal(answer_under_filter(ENOSYS), -ENOSYS);
    assert_int_equal(answer_under_filter(EINVAL), -EOPNOTSUPP); // a kernel that knows none of our flags

    assert_non_null(strstr(ring_refusal(-EPERM), "io_uring_disabled"));
    assert_non_null(strstr(ring_refusal(-ENOSYS), "seccomp"));
    assert_non_null(strstr(ring_refusal(-EOPNOTSUPP), "6.1"));
    assert_non_null(strstr(ring_refusal(-ENOMEM), "ulimit -l"));
    assert_non_null(strstr(ring_refusal(-ERANGE), "io_uring_setup(2)"));
}

/** In a child: what a kernel without memory leaves of six operations, two more than there are entries. 0 when all is as it should be. */
static int operations_without_memory(void) {
    struct ring *ring = small_ring();
    struct probe probes[6], closing = probe_of(ring), waiting = probe_of(ring);
    int ends[2];
    pair(ends);
    ring_recv(ring, &waiting.op, ends[0]);
    ring_turn(ring, 0);
    forbid(SYS_io_uring_enter, EAGAIN);
    for (int i = 0; i < 6; i++) {
        probes[i] = probe_of(ring);
        ring_poll(ring, &probes[i].op, ends[0], POLLIN);
    }
    ring_close(ring, &closing.op, ends[1]);
    ring_cancel(ring, NULL, &waiting.op);
    if (fcntl(ends[1], F_GETFD) != -1)
        return 1; // not closed
    if (probes[4].completions + probes[5].completions + closing.completions != 0)
        return 2; // during the call
    ring_forget(ring, &probes[5].op);
    if (ring_turn(ring, -1) < 0)
        return 3;
    if (probes[4].completions != 1 || probes[4].result != -EAGAIN || closing.completions != 1)
        return 4;
    if (probes[5].completions != 0 || probes[0].completions != 0)
        return 5;
    return ring_in_flight(ring) == 5 ? 0 : 6; // four that wait for an entry, and the recv
}

static void test_a_kernel_without_memory_is_answered_with_eagain_a_turn_later(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(operations_without_memory());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_arrive_in_a_provided_buffer_until_the_stream_ends),
        cmocka_unit_test(test_a_recv_without_buffers_ends_and_goes_on_once_they_are_back),
        cmocka_unit_test(test_a_multishot_ends_when_it_is_cancelled),
        cmocka_unit_test(test_cancelling_a_descriptor_ends_everything_on_it),
        cmocka_unit_test(test_more_operations_than_entries_all_complete),
        cmocka_unit_test(test_completions_that_do_not_fit_are_not_lost),
        cmocka_unit_test(test_a_multishot_survives_a_full_completion_queue_or_says_that_it_has_ended),
        cmocka_unit_test(test_a_completion_of_a_forgotten_operation_reaches_nobody),
        cmocka_unit_test(test_a_send_says_how_much_has_left),
        cmocka_unit_test(test_a_send_to_nobody_fails_without_a_signal),
        cmocka_unit_test(test_a_file_without_a_name_is_written_and_read),
        cmocka_unit_test(test_a_close_closes),
        cmocka_unit_test(test_an_injected_result_takes_the_place_of_the_nth_operation),
        cmocka_unit_test(test_a_turn_is_one_system_call),
        cmocka_unit_test(test_a_wait_ends_at_its_time),
        cmocka_unit_test(test_messages_of_other_threads_run_here_once),
        cmocka_unit_test(test_a_message_to_oneself_runs_in_the_next_turn),
        cmocka_unit_test(test_rings_and_the_threads_that_post_leave_no_descriptor_behind),
        cmocka_unit_test(test_buffers_that_no_kernel_takes_are_refused_with_a_remedy),
        cmocka_unit_test(test_a_seccomp_profile_is_named_as_the_cause),
        cmocka_unit_test(test_a_kernel_without_memory_is_answered_with_eagain_a_turn_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
