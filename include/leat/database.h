// database.h — Postgres: typed statements that the server knows before the first request.
//
// The SQL must be a literal: no string building, hence no injection. Every call site is registered: leat prepares all of them on every
// link, compares parameter and column types with the C types, and times them by file:line. In the text:
//   $1 $2 ...  the arguments, in order            {*}    the columns of the row's schema
//   {set}      the columns of the fields that are present in the one SET(T, in) argument; the others stay as they are
// A str whose ptr is NULL is sent as NULL. A list is an array: `WHERE id = ANY($1)`, `FROM unnest($1::int[], $2::text[])`; str_list,
// i32_list, i64_list, f64_list, bool_list, uuid_list, timestamp_list and json_value_list, of any length, as a value. An empty one is '{}'.
#ifndef LEAT_DATABASE_H
#define LEAT_DATABASE_H
#pragma GCC system_header

#include "route.h"

#pragma GCC visibility push(default)

/** A lane into Postgres, of one request. get_db's and get_read's are pipelined and shared by all requests of the core; get_tx's is a
 * transaction. */
typedef struct db_conn db_conn;
/** Autocommit: every statement is its own transaction and travels with everyone else's. */
PROVIDER(get_db, db_conn *);
/** A transaction: BEGIN goes out with the first statement, COMMIT before the answer, ROLLBACK on any failure. */
PROVIDER(get_tx, db_conn *);
/**
 * Since 1.1. For statements that only read: on a link of the core's own, whose session refuses writes (25006: a 500), what many requests
 * ask in a turn shares one transaction, read committed, which costs Postgres less. One that fails touches no other: what Postgres skipped
 * behind it runs again by itself. now() is that of the shared transaction.
 */
PROVIDER(get_read, db_conn *);
/** The same three, for what has no depends(): a TASK. */
db_conn *db_of(req *);
db_conn *tx_of(req *);
db_conn *read_of(req *);

enum leat_arg_type {
    LEAT_A_STR = 1,
    LEAT_A_CSTR,
    LEAT_A_I32,
    LEAT_A_I64,
    LEAT_A_F64,
    LEAT_A_BOOL,
    LEAT_A_UUID,
    LEAT_A_TIME,
    LEAT_A_JSON,
    LEAT_A_SET,
    LEAT_A_LIST = 32, // with one of those above: a list of them
};
/** What {set} writes: the present fields of a model. */
struct leat_set {
    const leat_schema *schema; /**< a PARTIAL's */
    const void *value;         /**< one of it */
};
/** A list of any type, as an argument. */
struct leat_items {
    const void *items; /**< of its T */
    size_t n;          /**< how many */
};
/**
 * SET(UserUpdate, in): the fields of a PARTIAL that are present, for {set}. Where a call site's descriptor is made it is the schema alone,
 * a constant, so that the statement is known at load like all others.
 */
#define SET(T, in) __builtin_choose_expr(leat_wants_schema, &T##__schema, ((struct leat_set){&T##__schema, (const T *){in}}))
enum { leat_wants_schema = 0 };
/** The value of a $n (ABI). */
typedef struct leat_arg {
    uint32_t type; /**< enum leat_arg_type: which member there is */
    union {
        str s;                  /**< LEAT_A_STR; LEAT_A_JSON: its text */
        const char *c;          /**< LEAT_A_CSTR */
        i64 i;                  /**< LEAT_A_I32, LEAT_A_I64, LEAT_A_BOOL; LEAT_A_TIME: microseconds */
        f64 f;                  /**< LEAT_A_F64 */
        uuid u;                 /**< LEAT_A_UUID */
        struct leat_set set;    /**< LEAT_A_SET */
        struct leat_items list; /**< LEAT_A_LIST and what each is */
    };
} leat_arg;
enum leat_shape { LEAT_ONE = 1, LEAT_MANY, LEAT_SCALAR, LEAT_EXEC };
/** A call site of a statement (ABI). */
typedef struct leat_query {
    leat_item base;                 /**< LEAT_ITEM_QUERY */
    const char *sql;                /**< as the author wrote it, {*} and {set} included */
    const char *func;               /**< the function it stands in */
    const leat_schema *row;         /**< what a row, or the one value, is read into; NULL: LEAT_EXEC */
    uint16_t shape;                 /**< enum leat_shape */
    uint16_t nargs;                 /**< of `types` and `sets` */
    uint8_t types[40];              /**< enum leat_arg_type of each argument */
    const leat_schema *const *sets; /**< of each argument: what a SET sets, else NULL */
    const char *const *texts;       /**< of each argument: as the author wrote it, for messages */
} leat_query;

static inline leat_arg leat_a_str(str v) {
    return (leat_arg){LEAT_A_STR, {.s = v}};
}
static inline leat_arg leat_a_cstr(const char *v) {
    return (leat_arg){LEAT_A_CSTR, {.c = v}};
}
static inline leat_arg leat_a_i32(i32 v) {
    return (leat_arg){LEAT_A_I32, {.i = v}};
}
static inline leat_arg leat_a_i64(i64 v) {
    return (leat_arg){LEAT_A_I64, {.i = v}};
}
static inline leat_arg leat_a_f64(f64 v) {
    return (leat_arg){LEAT_A_F64, {.f = v}};
}
static inline leat_arg leat_a_bool(bool v) {
    return (leat_arg){LEAT_A_BOOL, {.i = v}};
}
static inline leat_arg leat_a_uuid(uuid v) {
    return (leat_arg){LEAT_A_UUID, {.u = v}};
}
static inline leat_arg leat_a_time(timestamp v) {
    return (leat_arg){LEAT_A_TIME, {.i = v.us}};
}
static inline leat_arg leat_a_json(json_value v) {
    return (leat_arg){LEAT_A_JSON, {.s = v.raw}};
}
static inline leat_arg leat_a_set(struct leat_set v) {
    return (leat_arg){LEAT_A_SET, {.set = v}};
}
#define LEAT_A_LISTS(name, T, item)                                                                                                        \
    static inline leat_arg name(T v) {                                                                                                     \
        return (leat_arg){LEAT_A_LIST | (item), {.list = {v.items, v.n}}};                                                                 \
    }
LEAT_A_LISTS(leat_a_str_list, str_list, LEAT_A_STR)
LEAT_A_LISTS(leat_a_i32_list, i32_list, LEAT_A_I32)
LEAT_A_LISTS(leat_a_i64_list, i64_list, LEAT_A_I64)
LEAT_A_LISTS(leat_a_f64_list, f64_list, LEAT_A_F64)
LEAT_A_LISTS(leat_a_bool_list, _Bool_list, LEAT_A_BOOL)
LEAT_A_LISTS(leat_a_uuid_list, uuid_list, LEAT_A_UUID)
LEAT_A_LISTS(leat_a_time_list, timestamp_list, LEAT_A_TIME)
LEAT_A_LISTS(leat_a_json_list, json_value_list, LEAT_A_JSON)
#define LEAT_ARG(_, ...)                                                                                                                   \
    __VA_OPT__(_Generic((__VA_ARGS__),                                                                                                     \
               str: leat_a_str,                                                                                                            \
               char *: leat_a_cstr,                                                                                                        \
               const char *: leat_a_cstr,                                                                                                  \
               int: leat_a_i32,                                                                                                            \
               long: leat_a_i64,                                                                                                           \
               long long: leat_a_i64,                                                                                                      \
               double: leat_a_f64,                                                                                                         \
               _Bool: leat_a_bool,                                                                                                         \
               uuid: leat_a_uuid,                                                                                                          \
               timestamp: leat_a_time,                                                                                                     \
               json_value: leat_a_json,                                                                                                    \
               str_list: leat_a_str_list,                                                                                                  \
               i32_list: leat_a_i32_list,                                                                                                  \
               i64_list: leat_a_i64_list,                                                                                                  \
               f64_list: leat_a_f64_list,                                                                                                  \
               _Bool_list: leat_a_bool_list,                                                                                               \
               uuid_list: leat_a_uuid_list,                                                                                                \
               timestamp_list: leat_a_time_list,                                                                                           \
               json_value_list: leat_a_json_list,                                                                                          \
               struct leat_set: leat_a_set)(__VA_ARGS__), )
#define LEAT_ARGTYPE(_, ...)                                                                                                               \
    __VA_OPT__(_Generic((__VA_ARGS__),                                                                                                     \
               str: LEAT_A_STR,                                                                                                            \
               char *: LEAT_A_CSTR,                                                                                                        \
               const char *: LEAT_A_CSTR,                                                                                                  \
               int: LEAT_A_I32,                                                                                                            \
               long: LEAT_A_I64,                                                                                                           \
               long long: LEAT_A_I64,                                                                                                      \
               double: LEAT_A_F64,                                                                                                         \
               _Bool: LEAT_A_BOOL,                                                                                                         \
               uuid: LEAT_A_UUID,                                                                                                          \
               timestamp: LEAT_A_TIME,                                                                                                     \
               json_value: LEAT_A_JSON,                                                                                                    \
               str_list: LEAT_A_LIST | LEAT_A_STR,                                                                                         \
               i32_list: LEAT_A_LIST | LEAT_A_I32,                                                                                         \
               i64_list: LEAT_A_LIST | LEAT_A_I64,                                                                                         \
               f64_list: LEAT_A_LIST | LEAT_A_F64,                                                                                         \
               _Bool_list: LEAT_A_LIST | LEAT_A_BOOL,                                                                                      \
               uuid_list: LEAT_A_LIST | LEAT_A_UUID,                                                                                       \
               timestamp_list: LEAT_A_LIST | LEAT_A_TIME,                                                                                  \
               json_value_list: LEAT_A_LIST | LEAT_A_JSON,                                                                                 \
               const leat_schema *: LEAT_A_SET), )
#define LEAT_ARGTEXT(_, ...) __VA_OPT__(#__VA_ARGS__, )
#define LEAT_ARGSET(_, ...) __VA_OPT__(_Generic((__VA_ARGS__), const leat_schema * : (__VA_ARGS__), default : NULL), )

/** What db_one() and its kin call: the answer in the request's memory. Suspends. */
void *leat_db_run(db_conn *, const leat_query *, const leat_arg *);
/** What db_one_start() and its kin call: the same, to be awaited. */
struct leat_future *leat_db_start(db_conn *, const leat_query *, const leat_arg *);
/** What db_require() calls. */
void leat_require(struct leat_future *, const leat_error *);
#ifdef __OPTIMIZE__ // the compiler counts the $n of every query
extern void leat_sql_unused_argument(void) __attribute__((error("more arguments than $n parameters in this SQL")));
extern void leat_sql_missing_argument(void) __attribute__((error("fewer arguments than $n parameters in this SQL")));
#define LEAT_TEXT_(x) #x
#define LEAT_TEXT(x) LEAT_TEXT_(x)
#define LEAT_SQL_COUNT(sql_, n, next)                                                                                                      \
    do {                                                                                                                                   \
        if ((n) && !__builtin_strstr("" sql_, "$" LEAT_TEXT(n)) && !__builtin_strstr("" sql_, "{set}"))                                    \
            leat_sql_unused_argument();                                                                                                    \
        if (__builtin_strstr("" sql_, "$" LEAT_TEXT(next)))                                                                                \
            leat_sql_missing_argument();                                                                                                   \
    } while (0)
#else
#define LEAT_SQL_COUNT(sql_, n, next) (void)0
#endif
#define LEAT_NEXT(...) LEAT_NARGS(_ __VA_OPT__(, ) __VA_ARGS__)
#define LEAT_Q(run, db, shape_, row_, sql_, ...)                                                                                           \
    __extension__({                                                                                                                        \
        LEAT_SQL_COUNT(sql_, LEAT_NARGS(__VA_ARGS__), LEAT_NEXT(__VA_ARGS__));                                                             \
        enum { leat_wants_schema = 1 };                                                                                                    \
        static const leat_schema *const q_sets_[] = {LEAT_EACH(LEAT_ARGSET, _, __VA_ARGS__) NULL};                                         \
        static const char *const q_texts_[] = {LEAT_EACH(LEAT_ARGTEXT, _, __VA_ARGS__) NULL};                                              \
        static const leat_query q_ = {                                                                                                     \
            LEAT_ITEM(LEAT_ITEM_QUERY, leat_query),    "" sql_ "", __func__, row_, shape_, LEAT_NARGS(__VA_ARGS__),                        \
            {LEAT_EACH(LEAT_ARGTYPE, _, __VA_ARGS__)}, q_sets_,    q_texts_};                                                              \
        LEAT_REGISTER(q_reg_, q_);                                                                                                         \
        __extension__({                                                                                                                    \
            enum { leat_wants_schema = 0 };                                                                                                \
            run((db), &q_, (const leat_arg[]){LEAT_EACH(LEAT_ARG, _, __VA_ARGS__){0}});                                                    \
        });                                                                                                                                \
    })

// Each suspends until the answer is here. A failure of Postgres never returns: a constraint that an ERROR names is that error, the others
// are answered as their SQLSTATE says (409, 422, 503 ...). Rows live as long as the request; at most 10,000 of them, 128 MiB.

/** The first row as a `T *`, or NULL where there is none. */
#define db_one(db, T, sql, ...) ((T *)LEAT_Q(leat_db_run, db, LEAT_ONE, &T##__schema, sql, ##__VA_ARGS__))
/** All rows as a `T_list *`, never NULL. */
#define db_list(db, T, sql, ...) ((T##_list *)LEAT_Q(leat_db_run, db, LEAT_MANY, &T##__schema, sql, ##__VA_ARGS__))
/** The first column of the first row as a `T`; zero where there is no row or it is NULL. */
#define db_value(db, T, sql, ...) (*(T *)LEAT_Q(leat_db_run, db, LEAT_SCALAR, &LEAT_CAT(T, __schema), sql, ##__VA_ARGS__))
/** How many rows were touched, as an i64. */
#define db_exec(db, sql, ...) (*(i64 *)LEAT_Q(leat_db_run, db, LEAT_EXEC, NULL, sql, ##__VA_ARGS__))
/** The same without waiting: await() the promise. Statements of one request leave together, and writes keep their place among them. */
#define db_one_start(db, T, sql, ...) ((T##_promise){LEAT_Q(leat_db_start, db, LEAT_ONE, &T##__schema, sql, ##__VA_ARGS__), {}})
#define db_list_start(db, T, sql, ...) ((T##_list_promise){LEAT_Q(leat_db_start, db, LEAT_MANY, &T##__schema, sql, ##__VA_ARGS__), {}})
/**
 * Fails with `error` unless the statement finds or touches a row. In a GET it costs no round trip of its own: it leaves with the handler's
 * next statement, and is judged before that one's answer, or the request's, is seen. Otherwise it suspends, so that nothing is written
 * first.
 */
#define db_require(db, error, sql, ...) leat_require(LEAT_Q(leat_db_start, db, LEAT_EXEC, NULL, sql, ##__VA_ARGS__), &(error))

#pragma GCC visibility pop
#endif
