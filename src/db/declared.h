// declared.h — what TABLE, INDEX, CONSTRAINT and COLUMN_TYPE say, as the SQL that would make it.
#ifndef DB_DECLARED_H
#define DB_DECLARED_H

#include <stdbool.h>

#include <leat/schema.h>

#include "base/arena.h"

/** A table and all that its plugin says about it, as the descriptors are. */
struct declaration_of_table {
    const char *plugin;
    const leat_schema *schema;
    const leat_item *const *items; // INDEX, CONSTRAINT, COLUMN_TYPE of it
    size_t item_count;
};

struct declared_column {
    const char *name;  // not quoted
    const char *type;  // SQL
    const char *value; // "DEFAULT now()", "GENERATED ALWAYS AS IDENTITY"; NULL: none
    bool is_not_null;
    unsigned line;
};

struct declared_constraint {
    const char *name;
    const char *sql; // "UNIQUE (...)": identifiers quoted
    unsigned line;
    bool is_foreign;            // of what it references must be there before
    const leat_field *labelled; // the CHECK of an ENUM's labels; else NULL
    const char *written;        // what the author wrote, where he did; else NULL
};

struct declared_index {
    const char *name;
    const char *sql; // "(...) WHERE ..."
    bool is_unique;
    unsigned line;
};

struct declared_table {
    const char *plugin, *file;
    unsigned line;
    const char *name; // as it is written: "users", "shop.orders"
    struct declared_column *columns;
    struct declared_constraint *constraints;
    struct declared_index *indexes;
    unsigned column_count, constraint_count, index_count;
};

/**
 * 0; -EINVAL and `*ret_message` in the compiler's shape: a field that no column can hold, an INDEX of a member that is none; -ENOMEM.
 */
int declared_table_make(const struct declaration_of_table *declaration, struct arena *arena, struct declared_table *ret_table,
                        str *ret_message);
/** The labels of an ENUM as SQL: "'admin', 'user'". `ptr` is NULL without memory. */
str declared_labels(const leat_schema *type, struct arena *arena);

#endif
