// sql.h — SQL taken apart just far enough to find what is ours in it: $n, {*}, {set}, and words outside quotes and comments.
#ifndef DB_SQL_H
#define DB_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include <leat/values.h>

enum sql_kind {
    SQL_END,
    SQL_WORD,      // a key word or an unquoted identifier
    SQL_QUOTED,    // "an identifier"
    SQL_STRING,    // '...', E'...', $tag$...$tag$
    SQL_PARAMETER, // $1: `number`
    SQL_COLUMNS,   // {*}
    SQL_SET,       // {set}
    SQL_OTHER,     // one character of anything else
    SQL_BROKEN,    // a quote or comment that never ends
};

struct sql_token {
    enum sql_kind kind;
    str text; // as it stands there
    unsigned number;
};

/** The token at or behind `*position` (blanks and comments are skipped), which moves behind it. */
struct sql_token sql_next(str sql, size_t *position);
/** A word, whatever its case. */
bool sql_is_word(struct sql_token token, const char *lower_case);
/** A SELECT, perhaps behind WITH, in which no word is INSERT, UPDATE, DELETE, MERGE or INTO; of a plain SELECT INTO alone is looked for. */
bool sql_is_read(str sql);
/** `lower_case` is a word of it, outside quotes and comments. */
bool sql_has_word(str sql, const char *lower_case);
/**
 * How the row that the SET clause at `position` writes is called there: the alias or name of UPDATE's table, or of INSERT's before
 * ON CONFLICT DO UPDATE. Empty where there is none. `ret_table` (may be NULL) is the table's own name, as it stands there.
 */
str sql_update_target(str sql, size_t position, str *ret_table);

#endif
