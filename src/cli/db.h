// db.h — what the actions of leat db share.
#ifndef CLI_DB_H
#define CLI_DB_H

#include "cli/workspace.h"
#include "db/migrate.h"

enum { DB_EXIT_PENDING = 3 };

bool db_has_flag(const struct workspace *workspace, const char *flag);
/** The order that the flags make; no plugin yet. False: one is wrong, and it was said. */
bool db_order_open(const struct workspace *workspace, enum migration_verb verb, struct migration_order *ret_order);
/** On standard error; nothing where `status` is none. */
void db_say_failure(int status, str failure);

/** The actions of db_draft.c: new PLUGIN NAME, which starts the database where it needs one; check [PLUGIN]. */
int db_new(struct workspace *workspace, char **arguments);
int db_check(struct workspace *workspace, char **arguments);

#endif
