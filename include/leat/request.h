// request.h — the request being served: its memory, its failures, its time, and the work it leaves behind.
#ifndef LEAT_REQUEST_H
#define LEAT_REQUEST_H
#pragma GCC system_header

#include "schema.h"

#pragma GCC visibility push(default)

// ---- memory

/**
 * Zeroed, 16-byte aligned memory that lives as long as the request. Never NULL: past the request's allowance (128 MiB) the request is
 * answered 503 and this does not return. Does not suspend.
 */
void *alloc(req *, size_t n);
/** alloc() of one T. */
// clang-format off
#define new(r, T) ((T *)alloc((r), sizeof(T)))
// clang-format on
/** printf into the request's memory. */
str format(req *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The value of a request header, any case of its name; `ptr` is NULL where it is absent. Repeated fields: the first. */
str header_of(req *, const char *name);
/**
 * The request's body, byte for byte; suspends until it has arrived whole. Empty where there is none. What request_body_next() or a form
 * with files has taken of it is not there any more.
 */
str request_body(req *);
/** What a handler that makes its own body returns: see response.h. */
typedef struct Response Response;

/** What a route without a body returns: 204, and the handler returns NULL. */
typedef struct Empty {
    char _; /**< C wants a member */
} Empty;
extern const leat_schema Empty__schema;

// ---- failures: fail() leaves the handler for good. The runtime never resumes its coroutine, runs the clean-ups (last first, told that
// it failed), drops the memory and answers. No longjmp, no unwinding: so call it neither with a lock or heap memory held outside
// on_done, nor from inside a C library's callback (qsort's, say). __attribute__((cleanup)) does not run: use on_done.

/** An ERROR (ABI). */
typedef struct leat_error {
    uint16_t size;      /**< of this descriptor */
    uint16_t status;    /**< what it is answered with */
    const char *name;   /**< in the log */
    const char *detail; /**< what the client is told */
    // author's options
    const char *constraint; /**< the Postgres constraint whose violation is this error */
    const char *headers;    /**< "WWW-Authenticate: Bearer", lines between '\n'; not given: the parent's. ON_ERROR's answer has them too */
    const struct leat_error *parent; /**< ON_ERROR(parent) answers for its children */
    const leat_schema *model;        /**< a body other than {"detail": ...}, for the documents and ON_ERROR */
} leat_error;

/** ERROR(email_taken, 409, "Email already registered", .constraint = "users_email_key"); */
#define ERROR(nm, status_, detail_, ...)                                                                                                   \
    static const leat_error nm LEAT_UNUSED = {.size = sizeof(leat_error), .status = status_, .name = #nm, .detail = detail_, ##__VA_ARGS__}
/** A list for a route's or provider's `.errors`. */
#define ERRORS(...) ((const leat_error *const[]){LEAT_EACH(LEAT_ADDR, _, __VA_ARGS__) NULL})
#define LEAT_ADDR(_, ...) __VA_OPT__(&__VA_ARGS__, )

/**
 * fail(r, error) or fail(r, error, "format", ...): the text goes to the log only; the client gets the error's own detail. Never returns.
 */
#define fail(r, e, ...) LEAT_CAT(LEAT_FAIL_, LEAT_HAS(__VA_ARGS__))(r, e, __VA_ARGS__)
/** Answers {"detail": text} with that status, 400 to 599. Never returns. */
_Noreturn void http_fail(req *, unsigned status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** What fail() calls. */
_Noreturn void leat_fail(req *, const leat_error *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define LEAT_HAS(...) LEAT_HAS_(__VA_OPT__(1, ) 0, 0)
#define LEAT_HAS_(x, ...) x
#define LEAT_FAIL_0(r, e, ...) leat_fail((r), &(e), NULL)
#define LEAT_FAIL_1(r, e, ...) leat_fail((r), &(e), __VA_ARGS__)

/** ON_ERROR(email_taken, e) { return json_text(r, ...); }  That error's own answer, and its children's; NULL: the default answer. */
#define ON_ERROR(nm, e_)                                                                                                                   \
    static Response *nm##__on_error(req *r, const leat_error *e_);                                                                         \
    static const struct leat_on_error nm##__oe = {LEAT_ITEM(LEAT_ITEM_ON_ERROR, struct leat_on_error), &nm, nm##__on_error};               \
    LEAT_REGISTER(nm##__oe_reg, nm##__oe);                                                                                                 \
    static Response *nm##__on_error(req *r LEAT_UNUSED, const leat_error *e_ LEAT_UNUSED)
/** An ON_ERROR (ABI). */
struct leat_on_error {
    leat_item base;                             /**< LEAT_ITEM_ON_ERROR */
    const leat_error *error;                    /**< whose answer it is */
    Response *(*fn)(req *, const leat_error *); /**< NULL: the default answer */
};

/** How a request ended. CANCELLED: the client left or the deadline passed. */
enum outcome { OK, FAILED, CANCELLED };
/** Runs `fn(arg, outcome)` once when the request ends, last registered first; it may not suspend. */
void on_done(req *, void (*fn)(void *arg, enum outcome), void *arg);

/** A log line: log_info(r, "order_paid", "id=%d total=%s", ...). No secrets. Neither suspends nor blocks. */
void log_info(req *, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** The same at other levels; LOG_LEVEL_<PLUGIN> says which are written. */
void log_debug(req *, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void log_warning(req *, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void log_error(req *, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/**
 * What every log line of this request and its answer's X-Request-ID say: the client's own X-Request-ID where that is 1 to 128 visible ASCII
 * characters, else one made here. Empty with REQUEST_ID=off.
 */
str request_id(req *);

// ---- what was begun and is waited for later: db_one_start(), http_get_start() and their kin make promises

/** A query or a call that was begun; the request owns it. */
struct leat_future;
/** What await() calls. */
void *leat_await(struct leat_future *);
/** What the call without `_start` would have returned. Suspends until it is here; one await for queries and for calls alike. */
#define await(p) ((__typeof__((p).t[0]))leat_await((p).f))
/**
 * Waits, while the core serves others; to the next tick of 16 ms. The request's deadline goes on meanwhile, but for one that streams. A
 * stream that was begun has sent its head by then.
 */
void sleep_ms(req *, i64 ms);

// ---- work after the answer

/** What a TASK declares (ABI). */
struct leat_task {
    leat_item base;                  /**< LEAT_ITEM_TASK */
    const leat_schema *args;         /**< what spawn() copies */
    void (*fn)(req *, const void *); /**< the task, and that copy */
    const char *name;                /**< in the log and /metrics */
};
/** TASK(send_welcome, (str, email)) { ... a->email ... }  Runs on its own coroutine, with a request of its own for memory and queries. */
#define TASK(F, ...)                                                                                                                       \
    SCHEMA(F##__args, __VA_ARGS__);                                                                                                        \
    static void F(req *r, const F##__args *a);                                                                                             \
    static void F##__run(req *r, const void *a) {                                                                                          \
        F(r, a);                                                                                                                           \
    }                                                                                                                                      \
    static const struct leat_task F##__task = {LEAT_ITEM(LEAT_ITEM_TASK, struct leat_task), &F##__args__schema, F##__run, #F};             \
    LEAT_REGISTER(F##__task_reg, F##__task);                                                                                               \
    static void F(req *r LEAT_UNUSED, const F##__args *a LEAT_UNUSED)
/** spawn(r, send_welcome, .email = u->email): once this request has been answered without failing. The arguments are copied. */
#define spawn(r, F, ...) leat_spawn((r), &F##__task, &(const F##__args){__VA_ARGS__})
/** What spawn() calls. */
void leat_spawn(req *, const struct leat_task *, const void *args);

#pragma GCC visibility pop
#endif
