// sql_split.h — a file of SQL, one statement at a time, each with its line.
//
// Statements are sent one by one, so that an error has a file and a line, and CREATE INDEX CONCURRENTLY can stand in a file. A semicolon
// ends a statement where psql would end it too: outside quotes, comments and parentheses, and outside the body of a function that is
// written as BEGIN ATOMIC ... END.
#ifndef DB_SQL_SPLIT_H
#define DB_SQL_SPLIT_H

#include <leat/values.h>

struct sql_split {
    str sql;
    size_t position;
    size_t counted; // bytes of sql whose lines are in `line`
    unsigned line;
};

struct sql_statement {
    str text; // from its first word to its last, without the semicolon
    unsigned line;
};

void sql_split_init(struct sql_split *split, str sql);
/** 1 and the next statement; 0 at the end; -EINVAL where a quote or a comment never ends, `line` then says where it begins. */
int sql_split_next(struct sql_split *split, struct sql_statement *ret_statement);
/** The line, counted from 1 at the statement's own, of the character `position` (from 1, as Postgres tells it). */
unsigned sql_statement_line(const struct sql_statement *statement, unsigned position);

#endif
