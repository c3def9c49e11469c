// cached_answer.h — an answer out of an entry: its head made once and kept, what differs from client to client put beside it.
#ifndef APP_CACHED_ANSWER_H
#define APP_CACHED_ANSWER_H

#include "app/cached_plan.h"
#include "app/request.h"
#include "cache/cache.h"
#include "http/coding.h"

enum cached_state { CACHED_HIT, CACHED_MISS, CACHED_STALE };

struct cached_answer {
    struct app *app;
    struct session *session;
    const struct http_head *head;
    const struct cache_entry *entry;
    enum cached_state state;
    str id;
    const struct header_line *headers; // of this request, beside the entry's
    // set by cached_answer_write()
    unsigned status;
    size_t bytes;
};

/** The entry's, or 304 for a client that has it. */
unsigned cached_answer_status(const struct cached_answer *answer);
/** Answers: with the entry's status, or 304 to a client that has it. */
void cached_answer_write(struct cached_answer *answer);

/**
 * The lines of an entry's head and its tag: what a 304 says as well stands first. `headers` are the handler's. False without memory.
 */
bool cached_answer_fields(const struct cached_plan *plan, const struct coding_options *options, const struct header_line *headers, str type,
                          struct arena *arena, struct entry_parts *parts);

#endif
