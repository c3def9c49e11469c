// drift.h — where two images of a table differ, in a sentence and in the SQL that makes one into the other.
//
// The same comparison drafts both ways: up from what is to what is declared, down from what was made to what was. What would lose data
// (a column, a table, a rule that is not declared) is marked as a drop, and it is the caller's to leave it out.
#ifndef DB_DRIFT_H
#define DB_DRIFT_H

#include "db/image.h"

/** In which order the statements of a draft have to run. */
enum drift_step {
    DRIFT_DROP_RULE, // constraints and indexes that are to go or change
    DRIFT_RENAME,
    DRIFT_CREATE_TABLE,
    DRIFT_COLUMN,
    DRIFT_ADD_RULE,
    DRIFT_ADD_FOREIGN,
    DRIFT_ADD_INDEX,
    DRIFT_DROP_COLUMN,
    DRIFT_DROP_TABLE,
    DRIFT_STEPS,
};

struct difference {
    enum drift_step step;
    unsigned table;   // its number
    unsigned line;    // of the declaration; 0: the table's
    str message;      // empty: another one's says it
    str sql;          // one statement or more, each with its semicolon; empty: only a hand can mend it
    const char *note; // for who reads the draft; NULL: none
    bool is_drop;
};

struct drift {
    struct arena *arena;
    struct difference *items; // in no order
    unsigned count, capacity;
    bool is_out_of_memory;
};

/** What makes `present` into `wanted`, arrays of `count` tables, is appended. 0 or -ENOMEM. */
int drift_find(struct drift *drift, const struct table_image *wanted, const struct table_image *present, unsigned count);
/**
 * The statements of all differences in their order, with notes; drops as comments unless `drops`. 0 or -ENOMEM. `ret_drop_count`: those
 * that are comments.
 */
int drift_script(const struct drift *drift, bool drops, struct buffer *script, unsigned *ret_drop_count);

#endif
