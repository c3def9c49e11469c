// db.c — what goes to Postgres and what comes back: Bind encoded, messages found, rows decoded.
#include <leat/leat.h>
#include <string.h>

#include "base/buffer.h"
#include "base/str.h"
#include "db/bind.h"
#include "db/plan.h"
#include "db/row.h"
#include "db/wire.h"
#include "piece.h"

// clang-format off
SCHEMA(Row, (i32, id), (i32, randomNumber));
SCHEMA(User, (uuid, id), (str, email), (str, first_name), (str, last_name), (bool, is_active), (timestamp, created_at));
// clang-format on

static struct arena_pool pool;
static struct arena arena, lasting;
static const struct plan *row_plan, *user_plan;

static const struct plan *plan_for(struct statement_set *set, const leat_schema *row, const char *const *names, const uint32_t *oids,
                                   unsigned n) {
    leat_query *query = arena_alloc(&lasting, sizeof *query);
    struct description *description = arena_alloc(&lasting, sizeof *description);
    const struct plan *plan;
    bool is_new;
    str message = {0};
    *query = (leat_query){.base = {LEAT_ITEM_QUERY, sizeof *query, __LINE__, "micro/db.c"},
                          .sql = "SELECT 1 WHERE $1 = 1",
                          .row = row,
                          .shape = LEAT_ONE,
                          .nargs = 1,
                          .types = {LEAT_A_I32}};
    EXPECT(statement_set_add(set, query, &lasting, &message) == 0);
    description->parameter_count = 1;
    description->parameters[0].oid = OID_INT4;
    description->column_count = n;
    for (unsigned i = 0; i < n; i++) {
        description->columns[i].name = str_of(names[i]);
        description->columns[i].oid = oids[i];
    }
    EXPECT(plan_of(statement_of(set, query), description, &plan, &is_new) == 0 && !plan->unfit.ptr);
    return plan;
}

static void plan_all(void) {
    static const char *const row_names[] = {"id", "randomNumber"};
    static const char *const user_names[] = {"id", "email", "first_name", "last_name", "is_active", "created_at"};
    static const uint32_t row_oids[] = {OID_INT4, OID_INT4};
    static const uint32_t user_oids[] = {OID_UUID, OID_TEXT, OID_TEXT, OID_TEXT, OID_BOOL, OID_TIMESTAMPTZ};
    struct statement_set *set;
    if (row_plan)
        return;
    arena_pool_init(&pool, 4);
    arena_init(&arena, &pool, 1 << 20);
    arena_init(&lasting, &pool, 1 << 20);
    EXPECT(statement_set_create(&set) == 0);
    row_plan = plan_for(set, &Row__schema, row_names, row_oids, 2);
    user_plan = plan_for(set, &User__schema, user_names, user_oids, 6);
}

static void encode(unsigned count) {
    struct buffer out = {0};
    leat_arg value = leat_a_i32(4711);
    const char *name = "s0123456789abcdef_1";
    unsigned which;
    while (count--) {
        keep(&value);
        keep(&name);
        EXPECT(bind_put(&out, name, row_plan, &value, true, &which) == 0);
        keep(buffer_head(&out));
        buffer_consume(&out, buffer_bytes(&out));
    }
    buffer_finish(&out);
}

// as Postgres 15 answers one that was bound: BindComplete, DataRow, CommandComplete, ReadyForQuery
#define ROW_BODY "\0\2\0\0\0\4\0\0\022\147\0\0\0\4\0\0\020\0"
static const char answer[] = "2\0\0\0\4"
                             "D\0\0\0\026" ROW_BODY "C\0\0\0\015SELECT 1\0"
                             "Z\0\0\0\5I";

static void find_messages(unsigned count) {
    while (count--) {
        struct wire_message message;
        size_t at = 0;
        for (int64_t bytes; at < sizeof answer - 1 && (bytes = wire_next(answer + at, sizeof answer - 1 - at, &message)) > 0;
             at += (size_t)bytes)
            keep(&message);
        EXPECT(at == sizeof answer - 1);
    }
}

static void decode(const struct plan *plan, str body, void *row, unsigned count) {
    struct row_fault fault;
    while (count--) {
        EXPECT(row_decode(plan, body, &arena, row, &fault) == 0);
        keep(row);
        arena_reset(&arena);
    }
}

static void decode_row(unsigned count) {
    Row row;
    decode(row_plan, S(ROW_BODY), &row, count);
}

static void decode_user(unsigned count) {
    User user;
    decode(user_plan,
           S("\0\6\0\0\0\020\077\250\137\144\127\027\105\142\263\374\054\226\077\146\257\246\0\0\0\030ada.lovelace@example."
             "org\0\0\0\3Ada\0\0\0\010"
             "Lovelace\0\0\0\1\1\0\0\0\010\0\0\0\0\0\0\0\1"),
           &user, count);
}

const struct piece db_pieces[] = {
    {"bind", "Bind of one number, Execute and Sync", plan_all, encode},
    {"messages", "the four messages of an answer, found", NULL, find_messages},
    {"row", "a row of two numbers into its struct", plan_all, decode_row},
    {"row-text", "a row of six columns, three of them text", plan_all, decode_user},
    {0},
};
