// periodic.h — EVERY: work that is due again and again, on a grid of the wall clock.
//
// What is due when is a matter of the clock alone, so that neither a run that takes long nor a reload nor a restart shifts it, and nothing
// has to be handed from one generation to the next. A run holds the generation it began with, like a request.
#ifndef APP_PERIODIC_H
#define APP_PERIODIC_H

#include "app/app_internal.h"

/** The generation is current: its periodic work is due from now on. Without memory it is logged and left out. */
void periodic_begin(struct generation *generation);
/** Nothing of it becomes due any more; what runs goes on. */
void periodic_end(struct generation *generation);

/** Milliseconds from `wall_ms` to the next point of the grid, more than 0. */
int64_t periodic_delay_ms(int64_t wall_ms, int64_t period_ms);

#endif
