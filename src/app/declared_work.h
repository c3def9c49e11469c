// declared_work.h — the work that plugins declare, compiled: values per core, beginnings, ends, and what is due every so often.
#ifndef APP_DECLARED_WORK_H
#define APP_DECLARED_WORK_H

#include <leat/work.h>

#include "app/snapshot_internal.h"

/** Room for the works of all items; before the first of them. 0 or -ENOMEM. */
int declared_work_init(struct snapshot *snapshot, size_t item_count);
/**
 * The index of what makes the value of a .per_worker provider, compiled when it is first asked for, after all it depends on. 0; -EINVAL and
 * a message; -ENOMEM.
 */
int declared_work_value(struct compilation *compilation, const leat_provider *provider, uint16_t *ret_index);
/** An ON_START, ON_STOP or EVERY of a plugin. As above. */
int declared_work_add(struct compilation *compilation, const struct plugin_view *view, const leat_work *declared);

#endif
