// plan.h — how the types that a server describes and the types of C meet: made once per description, used by every row and call.
#ifndef DB_PLAN_H
#define DB_PLAN_H

#include "db/statement_impl.h"
#include "db/types.h"

enum {
    DESCRIPTION_COLUMNS_MAX = 65, // one more than a schema has fields: the first that is too many is named
    PLANS_MAX = 16,               // descriptions of one statement over its life: the table was altered between
};

/** What ParameterDescription and RowDescription say. Names are somebody else's memory. */
struct description {
    unsigned parameter_count, column_count; // as the server counts; what is beyond the arrays is not kept
    struct {
        uint32_t oid;
        str type_name; // for messages; `ptr` NULL: not known
    } parameters[STATEMENT_PARAMETERS_MAX];
    struct {
        uint32_t oid;
        str name, type_name;
    } columns[DESCRIPTION_COLUMNS_MAX];
};

struct plan_column {
    uint8_t decode, item_decode; // the latter of a list's items
    bool may_be_null;
    uint16_t offset;
    uint64_t bit; // in .set and .null of the row
    const leat_schema *type;
    const leat_field *field; // NULL for a bare value
};

/** Immutable, and as long-lived as its statement. */
struct plan {
    struct plan *next; // the older one
    const struct statement *statement;
    uint64_t fingerprint; // of the description
    str unfit;            // why it cannot be used, a message in the compiler's shape; `ptr` NULL: it can
    unsigned parameter_count, column_count;
    uint8_t encodes[STATEMENT_PARAMETERS_MAX];
    uint32_t elements[STATEMENT_PARAMETERS_MAX]; // of lists: the type of their items
    bool parameters_differ, results_differ;      // in format: a code each, else one for all
    uint8_t parameter_format, result_format;
    uint8_t parameter_formats[STATEMENT_PARAMETERS_MAX], result_formats[DESCRIPTION_COLUMNS_MAX];
    struct plan_column columns[DESCRIPTION_COLUMNS_MAX];
    bool has_text;        // some member points into the row's copy
    size_t row_bytes;     // of the C type
    uint32_t null_offset; // of .null, where the row is a schema
    char *blank;          // a row before any column: defaults, and the .set bits of its columns
};

/**
 * The plan of `statement` for this description: found, or made and kept. Any thread. 0; -ENOMEM; -E2BIG when the statement has been
 * described in PLANS_MAX ways already. A plan with `unfit` is a plan too, so that each misfit is judged once.
 */
int plan_of(const struct statement *statement, const struct description *description, const struct plan **ret_plan, bool *ret_is_new);
void plan_destroy_all(struct statement *statement);

#endif
