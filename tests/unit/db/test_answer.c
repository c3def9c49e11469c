// test_answer.c — recorded answers of a Postgres 15, cut at every byte and with every byte changed.
//
// The link is real but for its transport, which sends to nobody: what a server says is handed to it from here.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/bind.h"
#include "world.h"

SCHEMA(Row, (i64, id), (str, name));

static int start_nothing(struct db_link *link) {
    (void)link;
    return 0;
}

static void turn(void) {
    assert_int_equal(core_turn(&world.core, 0), 0);
}

static void flush_nothing(struct db_link *link) {
    buffer_consume(link_output(link), buffer_bytes(link_output(link)));
    link->unsent = NULL;
}

static const struct transport transport_to_nobody = {start_nothing, flush_nothing, flush_nothing};

static int ends[2];

static void make_link_ready(struct db_link *link) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    link->fd = ends[0];
    link->transport = &transport_to_nobody;
    link->state = LINK_PREPARING;
    link->status = 'I';
    assert_int_equal(link_prepare_set(link, world.set), 0);
}

static int set_up(void **state) {
    (void)state;
    struct db_options options = db_options_default;
    options.link_count = 1;
    options.backoff_ms_min = options.backoff_ms_max = 1 << 30; // a link that is lost stays lost
    world_begin(&options);
    world.db->conninfo = strdup("host=/nowhere");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    close(ends[1]);
    return 0;
}

// ParseComplete, ParameterDescription, RowDescription or NoData, ReadyForQuery: for the three statements below
#define PREPARED_LIST                                                                                                                      \
    "1\0\0\0\4t\0\0\0\6\0\0T\0\0\0\062\0\2id\0\0\0\0\0\0\0\0\0\0\24\0\10\377\377\377\377\0\0name\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377"   \
    "\377\377\0\0Z\0\0\0\5I"
#define PREPARED_EXEC "1\0\0\0\4t\0\0\0\6\0\0n\0\0\0\4Z\0\0\0\5I"
#define ROW_ONE "D\0\0\0\031\0\2\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0\3one"
#define ANSWER_LIST "2\0\0\0\4" ROW_ONE ROW_ONE "C\0\0\0\015SELECT 2\0Z\0\0\0\5I"
#define NOTICE "N\0\0\0\20SNOTICE\0Mx\0\0"
#define ANSWER_ERROR "2\0\0\0\4" NOTICE "E\0\0\0\30VERROR\0C23505\0Mdup\0\0Z\0\0\0\5I"
#define ANSWER_EXEC "2\0\0\0\4C\0\0\0\017INSERT 0 7\0Z\0\0\0\5I"

static const char prepared[] = PREPARED_EXEC PREPARED_LIST;
static const char answers[] = ANSWER_LIST ANSWER_ERROR ANSWER_EXEC;
enum { ANSWERS_BYTES = sizeof answers - 1 };

static struct leat_future *list, *broken, *exec;

static struct leat_future *start_insert(void) {
    return start_exec(&world.shared, "INSERT INTO t VALUES (7)");
}

static void begin(void) {
    struct db_link *link = &world.db->links[0];
    make_link_ready(link);
    link_received(link, prepared, sizeof prepared - 1);
    assert_int_equal(link->state, LINK_READY);
    list = start_list(&world.shared, Row, "SELECT {*} FROM t");
    broken = start_insert();
    exec = start_insert();
    turn();
    assert_int_equal(link->fifo_count, 3);
}

static void expect_all_right(void) {
    assert_true(list->is_done && broken->is_done && exec->is_done);
    assert_null(list->query.failure);
    const Row_list *rows = list->query.result;
    assert_int_equal(rows->n, 2);
    assert_int_equal(rows->items[1].id, 1);
    assert_true(str_eq(rows->items[1].name, S("one")));
    assert_string_equal(broken->query.failure->sqlstate, "23505");
    assert_int_equal(*(i64 *)exec->query.result, 7);
    assert_int_equal(world.db->links[0].fifo_count, 0);
    assert_int_equal(world.db->live_count, 0);
}

// In memory of its exact size, so that a byte too far is seen.
static void receive(const char *data, size_t bytes) {
    char *exact = test_malloc(bytes ? bytes : 1);
    memcpy(exact, data, bytes);
    link_received(&world.db->links[0], exact, bytes);
    test_free(exact);
}

static void again(void) {
    link_close(&world.db->links[0], -ECONNRESET);
    turn();
    turn();
    close(ends[1]);
    wheel_disarm(&world.core.wheel, &world.db->links[0].timer);
    assert_int_equal(world.db->links[0].state, LINK_DOWN);
}

static void test_answers_cut_at_every_byte_are_the_same(void **state) {
    (void)state;
    for (size_t cut = 0; cut <= ANSWERS_BYTES; cut++) {
        begin();
        receive(answers, cut);
        receive(answers + cut, ANSWERS_BYTES - cut);
        expect_all_right();
        again();
    }
}

static void test_answers_byte_by_byte_are_the_same(void **state) {
    (void)state;
    begin();
    for (size_t i = 0; i < ANSWERS_BYTES; i++)
        receive(answers + i, 1);
    expect_all_right();
}

// Whatever a broken stream says: every query ends once, nothing is read or written where it must not be.
static void test_answers_with_any_byte_changed_end_every_query_once(void **state) {
    (void)state;
    static const unsigned char changes[] = {0x01, 0x80, 0xff, 0x20};
    for (size_t i = 0; i < ANSWERS_BYTES; i++)
        for (size_t k = 0; k < sizeof changes; k++) {
            char changed[ANSWERS_BYTES];
            memcpy(changed, answers, sizeof changed);
            changed[i] = (char)(changed[i] ^ changes[k]);
            begin();
            receive(changed, sizeof changed);
            if (link_is_up(&world.db->links[0]))
                link_close(&world.db->links[0], -ECONNRESET);
            turn();
            turn();
            world.db->options.queue_max = 100;
            while (!list_is_empty(&world.db->waiting)) // a read that would run again
                slot_fail_later(container_of(world.db->waiting.next, struct db_slot, node), NULL);
            turn();
            turn();
            assert_true(list->is_done && broken->is_done && exec->is_done);
            assert_int_equal(world.db->live_count, 0);
            wheel_disarm(&world.core.wheel, &world.db->links[0].timer);
            close(ends[1]);
        }
}

static void test_preparations_with_any_byte_changed_leave_nothing_behind(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof prepared - 1; i++) {
        char changed[sizeof prepared - 1];
        memcpy(changed, prepared, sizeof changed);
        changed[i] = (char)(changed[i] ^ 0x11);
        make_link_ready(&world.db->links[0]);
        receive(changed, sizeof changed);
        if (link_is_up(&world.db->links[0]))
            again();
        else {
            turn();
            turn();
            close(ends[1]);
            wheel_disarm(&world.core.wheel, &world.db->links[0].timer);
        }
    }
}

static void test_an_answer_that_nobody_asked_for_closes_the_link(void **state) {
    (void)state;
    begin();
    receive(answers, ANSWERS_BYTES);
    receive("Z\0\0\0\5I", 6);
    assert_int_equal(world.db->links[0].state, LINK_CLOSING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_answers_cut_at_every_byte_are_the_same),
        TEST(test_answers_byte_by_byte_are_the_same),
        TEST(test_answers_with_any_byte_changed_end_every_query_once),
        TEST(test_preparations_with_any_byte_changed_leave_nothing_behind),
        TEST(test_an_answer_that_nobody_asked_for_closes_the_link),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
