// survey.h — what all cores are at, asked from outside: each counts its own requests and says so.
#ifndef HOST_SURVEY_H
#define HOST_SURVEY_H

#include "app/census.h"

struct server;
struct survey;

enum { SURVEY_MS = 200 };

/** 0 or -ENOMEM. The server outlives it. */
int survey_create(struct server *server, struct survey **ret_survey);
/** After server_stop(). NULL is fine. */
void survey_destroy(struct survey *survey);
/**
 * Asks every core, and waits SURVEY_MS at most. One that is held by a handler does not answer in time: `*ret_silent_count` is how many.
 * From one thread at a time.
 */
void survey_take(struct survey *survey, struct census *ret_census, unsigned *ret_silent_count);

#endif
