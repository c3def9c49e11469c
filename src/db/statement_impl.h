// statement_impl.h — what a statement is made of; for this floor alone.
#ifndef DB_STATEMENT_IMPL_H
#define DB_STATEMENT_IMPL_H

#include <stdatomic.h>

#include "base/arena.h"
#include "db/statement.h"

enum {
    STATEMENT_PARAMETERS_MAX = 40 + 64, // the arguments of a call, one of them a SET of 64 fields and its mask
    STATEMENT_NAME_BYTES = 32,          // "s" hash "_" n, with its NUL
};

struct plan;

/** What the read lane's link, which refuses writes, has said of a statement. */
enum read_proof { READ_UNKNOWN, READ_PROVEN, READ_REFUSED };

/** One $n as Postgres sees it: an argument, or the mask or a field of the SET argument. */
struct statement_parameter {
    uint8_t type; // enum leat_arg_type
    uint8_t argument;
    bool is_mask;
    const leat_field *field; // of the SET
};

struct statement {
    const leat_query *query;
    const struct statement_set *set;
    unsigned index; // in its set
    str sql;        // expanded
    uint64_t hash;  // of sql
    bool is_read;   // a SELECT, perhaps behind WITH: run again when its link is lost
    bool is_alone;  // on the read lane too its transaction is its own
    unsigned parameter_count;
    const struct statement_parameter *parameters;
    /** How the types of the server fit: a plan for each description that a server gave, newest first. Cores push, nobody takes away. */
    _Atomic(struct plan *) plans;
    /** The SQLSTATE that some server refused it with last, packed; 0: none. So that a refusal is said once, not by every link. */
    _Atomic(uint64_t) refusal;
    /** How often it took long of late, SLOW_SCORE and more: it goes apart. Cores write it only when it changes. */
    _Atomic(uint8_t) slow_score;
    /** enum read_proof. Cores write it only when it changes. */
    _Atomic(uint8_t) read_proof;
    /** What statement_set_check() had to say of it, a line; empty where it fits. */
    str misfit;
};

const struct statement *statement_at(const struct statement_set *set, size_t index);
/** The same, for the check, which writes down what it finds. */
struct statement *statement_of_index(struct statement_set *set, size_t index);
/** "users.c:83: error: ..." about the statement. */
str statement_message(const leat_query *query, struct arena *arena, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** How argument `index` is called in messages: "$1", and "$1, in->ids," where it was written as a name or a member. */
str statement_argument(const leat_query *query, unsigned index, struct arena *arena);
/** The column of a field. */
const char *field_column(const leat_field *field);
/** The value may be NULL: `.nullable` or `.optional`. */
bool field_may_be_null(const leat_field *field);
/** A value that one column can hold: a scalar, an ENUM, or a list of scalars. */
bool type_is_column(const leat_schema *type);

#endif
