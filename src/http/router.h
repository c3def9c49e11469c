// router.h — which route a method and a path mean: a radix tree of segments, immutable once built.
//
// "/users/{user_id}" matches one segment, "/files/{name:path}" the rest of the path. Literal segments win over parameters, and a path whose
// literal branch lacks the method is tried on the parameter branch, as FastAPI's routes in their usual order would.
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>

#include "http/head.h"

enum { ROUTER_PARAMS_MAX = 16 };

struct router;

struct router_match {
    void *target;         // NULL: none
    unsigned allowed;     // methods that this path has, 1 << HTTP_GET and so on; HEAD where there is GET; OPTIONS where there is any
    bool is_redirect;     // no such path, but there is one with, or without, a slash at its end
    unsigned param_count; // as many as the path has parameters, in the path's order
    str params[ROUTER_PARAMS_MAX]; // decoded, slices of the path that was given
};

int router_create(struct router **ret_router);
void router_destroy(struct router *router);
/**
 * 0; -EEXIST where the method and a path of the same shape are there already, and `*ret_other` is its target; -EINVAL for a path that does
 * not begin with '/', has an unclosed brace, an empty or a doubled parameter name, or more than ROUTER_PARAMS_MAX; -ENOMEM.
 */
int router_add(struct router *router, enum http_method method, const char *path, void *target, void **ret_other);
/** `path` is percent-decoded. HEAD finds GET's route. */
void router_match(const struct router *router, enum http_method method, str path, struct router_match *ret_match);
/** "GET, HEAD, OPTIONS" for a set of methods, in that order of names; returns `out`, at least 64 bytes. */
const char *router_allow(unsigned methods, char *out);

#endif
