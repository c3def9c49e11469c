// middleware.h — what happens around routes: before their dependencies, before their answers leave, when they fail, and how errors look.
//
// Hooks are put into the program of each route they are for when it is loaded: a route without any pays nothing. They run in the order of
// `.order`, then of their names, towards the handler; on the way back, ON_RESPONSE and ON_FAILURE, in the opposite one, so that the first
// to see a request is the last to see its answer. All of them may suspend, like a handler.
#ifndef LEAT_MIDDLEWARE_H
#define LEAT_MIDDLEWARE_H
#pragma GCC system_header

#include "route.h"

#pragma GCC visibility push(default)

/** Whose routes a hook is for. */
enum leat_scope {
    THIS_PLUGIN, // those of the plugin that declares it
    ALL_PLUGINS, // every plugin's, but not the server's own: /health, /metrics, /docs, /openapi.json
    EVERY_ROUTE, // the server's own as well
};

/** An answer that is about to leave. */
struct leat_answer {
    uint16_t size;   /**< of this: a newer host tells more */
    uint16_t status; /**< that it has */
    i64 duration_us; /**< since the request was whole */
};

/** Why a request is not answered as its route promises. The strings live as long as the request; those of an ERROR_SHAPE, until it returns.
 */
struct leat_failure {
    uint16_t size;           /**< of this: a newer host tells more */
    uint16_t status;         /**< that it is answered with */
    const leat_error *error; /**< what was passed to fail(), or a constraint's; NULL: another failure, or none of a handler's */
    str reason;              /**< the status in words (RFC 9110, section 15): "Not Found" */
    str detail;              /**< what the client is told; of a 422 empty: look at `problems` */
    json_value problems;     /**< of a 422: the list that is its detail; else empty */
    str request_id;          /**< empty with REQUEST_ID=off */
};

enum leat_hook_kind { LEAT_HOOK_REQUEST = 1, LEAT_HOOK_RESPONSE, LEAT_HOOK_FAILURE };
/** An ON_REQUEST, ON_RESPONSE or ON_FAILURE (ABI). */
typedef struct leat_hook {
    leat_item base;                                           /**< LEAT_ITEM_HOOK */
    uint16_t when;                                            /**< enum leat_hook_kind: which of the three functions there is */
    uint16_t nparams;                                         /**< of `params` */
    uint32_t args_bytes;                                      /**< sizeof the struct of its arguments */
    const char *name;                                         /**< its place among those of the same `order` */
    const leat_param *params;                                 /**< of ON_REQUEST */
    void (*request)(req *, void *args, void *out);            /**< ON_REQUEST; writes a Response * to `out`, NULL to go on */
    void (*response)(req *, const struct leat_answer *);      /**< ON_RESPONSE */
    Response *(*failure)(req *, const struct leat_failure *); /**< ON_FAILURE; NULL: whoever comes next answers */
    // author's options
    i32 order;                       /**< lower ones are nearer to the client; equal ones by name */
    enum leat_scope scope;           /**< THIS_PLUGIN */
    const leat_error *const *errors; /**< of ON_REQUEST: for the documents of all routes it is for */
} leat_hook;

/**
 * ON_REQUEST(check_key, (header(str, x_api_key, .optional = true)), .order = 10, .scope = ALL_PLUGINS) { ... return NULL; }
 * Before the guards, dependencies and parameters of a route. Its own are those of a provider: header, cookie, query, depends, and path
 * where every route has it; no body. What is wrong with them is answered at once, 422. NULL goes on; a Response is the answer, 200 unless
 * set_status() says otherwise, and nothing else of the route runs; fail() fails.
 */
#define ON_REQUEST(H_, params_, ...)                                                                                                       \
    LEAT_ARGS(H_, params_)                                                                                                                 \
    static Response *H_(req *r LEAT_EACH(LEAT_DECL, H_, LEAT_STRIP params_));                                                              \
    static void H_##__call(req *r, void *a_, void *out) {                                                                                  \
        struct H_##__args *a LEAT_UNUSED = a_;                                                                                             \
        *(Response **)out = H_(r LEAT_EACH(LEAT_PASS, H_, LEAT_STRIP params_));                                                            \
    }                                                                                                                                      \
    LEAT_HOOK(H_, LEAT_HOOK_REQUEST, .nparams = LEAT_NARGS params_, .args_bytes = sizeof(struct H_##__args), .params = H_##__params,       \
              .request = H_##__call, ##__VA_ARGS__);                                                                                       \
    static Response *H_(req *r LEAT_UNUSED LEAT_EACH(LEAT_DECL, H_, LEAT_STRIP params_))
/**
 * ON_RESPONSE(server_timing, answer, .scope = EVERY_ROUTE) { set_header(r, "Server-Timing", ...answer->duration_us...); }
 * Before an answer of a route leaves, failures included: it may set headers and read the status. fail() in it answers that instead. It does
 * not see what is answered without the request's coroutine: the 504 of a deadline that passes, and 503 where no coroutine was to be had.
 */
#define ON_RESPONSE(H_, answer_, ...)                                                                                                      \
    static void H_(req *r, const struct leat_answer *answer_);                                                                             \
    LEAT_HOOK(H_, LEAT_HOOK_RESPONSE, .response = H_, ##__VA_ARGS__);                                                                      \
    static void H_(req *r LEAT_UNUSED, const struct leat_answer *answer_ LEAT_UNUSED)
/**
 * ON_FAILURE(count_failures, failure) { log_warning(r, "failed", "status=%u", failure->status); return NULL; }
 * When a route fails in whatever way, a 422 and a Postgres that is down included, and no ON_ERROR has an answer of its own. NULL: the next
 * one is asked, at last the usual answer is given. As for ON_RESPONSE, not for what is answered without the coroutine.
 */
#define ON_FAILURE(H_, failure_, ...)                                                                                                      \
    static Response *H_(req *r, const struct leat_failure *failure_);                                                                      \
    LEAT_HOOK(H_, LEAT_HOOK_FAILURE, .failure = H_, ##__VA_ARGS__);                                                                        \
    static Response *H_(req *r LEAT_UNUSED, const struct leat_failure *failure_ LEAT_UNUSED)
#define LEAT_HOOK(H_, when_, ...)                                                                                                          \
    static const leat_hook H_##__hook = {.base = LEAT_ITEM(LEAT_ITEM_HOOK, leat_hook), .when = when_, .name = #H_, __VA_ARGS__};           \
    LEAT_REGISTER(H_##__hook_reg, H_##__hook)

// ---- how errors look

/** An ERROR_SHAPE (ABI). */
struct leat_error_shape {
    leat_item base;                                    /**< LEAT_ITEM_ERROR_SHAPE */
    const leat_schema *schema;                         /**< of the body */
    const char *name;                                  /**< of that schema, as the author wrote it */
    void (*fill)(const struct leat_failure *, void *); /**< makes one of a failure; the second is zeroed */
    // author's options
    const char *content_type; /**< "application/json" where not given */
};
/**
 * ERROR_SHAPE(Problem, failure, out, .content_type = "application/problem+json") { out->title = failure->reason; ... }
 * The body of every failure the server words itself, in the place of {"detail": ...}: of all plugins, and of what never reached a route
 * (404, 405, 413, 400 ...). `out` is a zeroed Problem, a SCHEMA of at most 4096 bytes; it is written as an answer is. There is no request
 * and no memory but the failure's: members point into `failure`, or are literals. It may neither suspend nor fail. One in an application.
 */
#define ERROR_SHAPE(T_, failure_, out_, ...)                                                                                               \
    static void T_##__shape(const struct leat_failure *failure_, T_ *out_);                                                                \
    static void T_##__shape_fill(const struct leat_failure *failure_, void *out_) {                                                        \
        T_##__shape(failure_, out_);                                                                                                       \
    }                                                                                                                                      \
    static const struct leat_error_shape T_##__error_shape = {.base = LEAT_ITEM(LEAT_ITEM_ERROR_SHAPE, struct leat_error_shape),           \
                                                              .schema = &T_##__schema,                                                     \
                                                              .name = #T_,                                                                 \
                                                              .fill = T_##__shape_fill,                                                    \
                                                              ##__VA_ARGS__};                                                              \
    LEAT_REGISTER(T_##__error_shape_reg, T_##__error_shape);                                                                               \
    static void T_##__shape(const struct leat_failure *failure_ LEAT_UNUSED, T_ *out_)

// ---- what a hook asks of the request

/** "GET", "POST" ... */
str request_method(req *);
/** The path as it came, without its query; in the request's memory. Empty in a task. */
str request_path(req *);
/** The route that is being served, its path, name and tag; NULL in a task. Lives as long as the plugin. */
const leat_route *request_route(req *);

#pragma GCC visibility pop
#endif
