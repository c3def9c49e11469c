// cached_plan.h — how a route with .cache_s is cached: what its key is made of, what tags its answers bear. Made at load, immutable.
#ifndef APP_CACHED_PLAN_H
#define APP_CACHED_PLAN_H

#include <stdatomic.h>

#include "app/endpoint.h"
#include "cache/hash.h"

enum { CACHED_TAGS_MAX = 8, CACHED_S_MAX = 7 * 24 * 3600 };

/** What the key holds of a request: all values of one name, or a parameter of the path, or (QUERY_MODEL) the whole query string. */
struct cached_part {
    enum step_kind kind;
    unsigned index; // STEP_PATH
    str name;       // the others
};

/** "post:{post_id}" in pieces. */
struct cached_tag {
    struct cached_tag_piece {
        str text;
        int param; // of the path; -1: `text`
    } * pieces;
    unsigned piece_count;
};

struct cached_plan {
    uint32_t fresh_ms, stale_ms; // and then so long still, while it is made anew
    bool is_per_user;
    bool runs_first;        // hooks, guards and dependencies run for a hit too: somebody wants to see each request
    struct digest identity; // of this code of this route: another build's answers are another route's
    const struct cached_part *parts;
    unsigned part_count, param_count; // the latter of the path
    bool reads_query, reads_whole_query;
    struct cached_tag *tags;
    unsigned tag_count;
    str control;          // the value of Cache-Control
    str vary;             // of Vary; empty where there is nothing to say
    atomic_bool is_unfit; // its handler reads what the route does not declare: cached no more
};

struct compilation;
/** The plan of a compiled endpoint whose route asks for one, else NULL. 0; -EINVAL after messages; -ENOMEM. */
int cached_plan_make(struct compilation *compilation, const struct endpoint *endpoint, struct cached_plan **ret_plan);

/** Does the plan's key hold that header? */
bool cached_plan_has_header(const struct cached_plan *plan, str name);

#endif
