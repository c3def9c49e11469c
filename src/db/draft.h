// draft.h — what the plugins declare beside what the database has: told, or written as a migration up and down.
//
// All happens in one transaction that is rolled back: renames are carried out first, so that Postgres itself carries them into constraints
// and indexes; declarations become temporary tables; a draft is tried, and what it made is what its way back begins from.
#ifndef DB_DRAFT_H
#define DB_DRAFT_H

#include "db/declared.h"
#include "db/drift.h"

struct draft_rename {
    const char *table; // NULL: `from` and `to` are tables
    const char *from, *to;
};

struct draft_order {
    const char *conninfo;
    const struct declared_table *tables;
    unsigned table_count;
    const struct draft_rename *renames;
    unsigned rename_count;
    bool drops;         // what is not declared goes
    bool only_compares; // no scripts
    uint32_t wait_ms, lock_timeout_ms;
};

struct draft {
    struct drift drift;
    struct draft_rename *candidates; // what is gone and what is new are of one type: it may be a rename
    unsigned candidate_count;
    str up, down;        // scripts; empty where nothing differs
    unsigned kept_count; // statements of `up` that are comments, because they would drop
    str trial;           // why Postgres refused the draft when it was tried: rows that are in its way; empty where it did not
    str failure;         // as migrate_run()'s
};

/** Blocking. 0, or a negative errno and draft->failure. Names in candidates are as SQL wants them. */
int draft_make(const struct draft_order *order, struct arena *arena, struct draft *ret_draft);

#endif
