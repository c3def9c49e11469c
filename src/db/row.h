// row.h — a DataRow into a struct: by the plan's offsets, text copied in one piece.
#ifndef DB_ROW_H
#define DB_ROW_H

#include "db/plan.h"

/** What of a row does not fit. */
struct row_fault {
    const struct plan_column *column;
    enum { ROW_IS_NULL, ROW_LABEL, ROW_VALUE, ROW_NULL_ITEM, ROW_DIMENSIONS } kind;
    str value; // of ROW_LABEL, a slice of the row
};

/**
 * Decodes `body` into `row` (plan->row_bytes). 0; -EPROTO: the lengths in it are wrong, the stream is lost; -EBADMSG: `*ret_fault` says
 * which value does not fit its member; -ENOMEM. `row` is then half made.
 */
int row_decode(const struct plan *plan, str body, struct arena *arena, void *row, struct row_fault *ret_fault);

#endif
