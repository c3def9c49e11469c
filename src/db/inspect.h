// inspect.h — every statement of a set, told: its text, its parameters and columns, what it would scan. For people who look, off the rings.
#ifndef DB_INSPECT_H
#define DB_INSPECT_H

#include "db/statement.h"

enum { SCANS_MAX = 8 };

/** A parameter or a column: how the author has it, and how Postgres does. */
struct inspected_value {
    const char *name;   // "$1", "$1.first_name" of a SET; a column's
    const char *c_type; // "str"; NULL: a column that no member takes
    const char *type;   // "character varying"; NULL where no database was asked
};

/** A table that the plan reads from end to end. */
struct scan {
    const char *table;
    double row_count;  // as Postgres last estimated it
    bool has_no_index; // it would be so with enable_seqscan off: no index serves it
};

struct inspection {
    const leat_query *query;
    str sql; // {*} and {set} expanded
    bool is_write;
    struct inspected_value *parameters, *columns;
    unsigned parameter_count, column_count;
    struct scan scans[SCANS_MAX];
    unsigned scan_count;
};

/**
 * One for each statement, in their order. `conninfo` NULL: no database is asked. `explains`: plans as well, generic ones; nothing runs.
 * Blocking. 0; a negative errno where there is no database, and `*ret_failure` says why. A statement that Postgres refuses has no types:
 * statement_set_check() says why.
 */
int statement_set_inspect(const struct statement_set *set, const char *conninfo, bool explains, struct arena *arena,
                          struct inspection **ret_inspections, str *ret_failure);

#endif
