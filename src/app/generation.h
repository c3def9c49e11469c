// generation.h — a snapshot on one core: made ready before its first request, held by those that have begun, ended after the last.
//
// Ready means: the values that are made once per core are there, and the ON_STARTs of plugins that are new have run (on the first core).
// It ends when it is not current and nothing holds it: the ON_STOPs of plugins that no other core and no other generation has run then, the
// values go, and whoever published is told.
#ifndef APP_GENERATION_H
#define APP_GENERATION_H

#include "app/app_internal.h"

/** Not ready, not current. NULL without memory. */
struct generation *generation_create(struct app *app, struct snapshot *snapshot);
/** On this core, the one of that snapshot; NULL where there is none. */
struct generation *generation_of(const struct app *app, const struct snapshot *snapshot);
/**
 * Makes it ready; `ready` is told when it is, or why it cannot be: then it is not ready and not current. Valid during the call; may be
 * called from inside this one.
 */
void generation_start(struct generation *generation, void (*ready)(void *arg, const char *failure), void *arg);
/** `ready` is told nothing any more; `released`, when it has ended. */
void generation_forget(struct generation *generation, void (*released)(void *arg), void *arg);
/** From now on new requests see it; its periodic work begins. */
void generation_make_current(struct generation *generation);
/** It is no longer what new requests see: it ends when nothing holds it, and `released` is told. */
void generation_retire(struct generation *generation, void (*released)(void *arg), void *arg);
/** Without further ado, as the app goes. */
void generation_destroy(struct generation *generation);

/** A value that is made once per core; see STEP_WORKER. */
const void *generation_value(const struct generation *generation, unsigned index);

#endif
