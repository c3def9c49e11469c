// image.h — a table as Postgres' catalog tells it: columns, constraints, indexes, each in the words of the server's own deparser.
//
// Two images are equal where their texts are, whatever way their tables came to be: `now()` and `CURRENT_TIMESTAMP` differ, `varchar(9)`
// and `character varying(9)` do not. Names are quoted where they have to be, ready to stand in SQL.
#ifndef DB_IMAGE_H
#define DB_IMAGE_H

#include "db/migration_session.h"

struct column_image {
    const char *name;
    const char *type;  // "varchar(255)"
    const char *value; // "now()"; empty: none. GENERATED: the expression
    char identity;     // 'a' always, 'd' by default, 0
    bool is_generated, is_not_null;
    unsigned line; // of the declaration; 0 in the database
};

struct constraint_image {
    const char *name;
    char kind;              // p, u, f, c, x
    const char *definition; // compared
    const char *written;    // what a draft says; NULL: the definition
    const char *references; // the table, of a foreign key; else ""
    unsigned line;
};

struct index_image {
    const char *name;
    const char *definition; // "btree (created_at DESC) WHERE published"
    bool is_unique, is_valid;
    unsigned line;
};

struct table_image {
    const char *name; // qualified where the search path does not find it
    bool is_there;
    char kind; // r or p: a table; another relkind is none
    struct column_image *columns;
    struct constraint_image *constraints;
    struct index_image *indexes; // but those of constraints
    unsigned column_count, constraint_count, index_count;
};

/** How a table is called instead of its own name: a shadow of one that is meant. */
struct alias {
    const char *oid, *name;
};

/** The table of that oid, called `name`. `aliases` are those that foreign keys may reference. 0 or a negative errno and session->failure.
 */
int image_read(struct migration_session *session, const char *oid, const char *name, const struct alias *aliases, unsigned alias_count,
               struct table_image *ret_image);
/** The index of that name in an array; -1 where there is none. */
int image_column(const struct table_image *image, const char *name);

#endif
