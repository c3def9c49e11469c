// work.h — work that no request asks for: when a plugin begins and ends to serve, and every so often.
//
// Each runs on a coroutine with a request of its own, for memory, queries and dependencies; it may wait for whatever a handler may. There
// is nobody to answer: a failure is logged with the place it is declared at, and counted in /metrics.
#ifndef LEAT_WORK_H
#define LEAT_WORK_H
#pragma GCC system_header

#include "route.h"

#pragma GCC visibility push(default)

enum leat_when { LEAT_WHEN_START = 1, LEAT_WHEN_STOP, LEAT_WHEN_EVERY };
/** An ON_START, ON_STOP or EVERY (ABI). */
typedef struct leat_work {
    leat_item base;                  /**< LEAT_ITEM_WORK */
    uint16_t when;                   /**< enum leat_when */
    uint16_t nparams;                /**< of `params` */
    uint32_t args_bytes;             /**< sizeof the struct of its arguments */
    const char *name;                /**< in the log and /metrics */
    const leat_param *params;        /**< what it depends on */
    void (*call)(req *, void *args); /**< the work */
    double period_s;                 /**< of EVERY */
    // author's options
    uint32_t timeout_ms;             /**< its deadline; 0: the server's for requests (30 s) */
    bool per_core;                   /**< EVERY: on each core instead of once a process */
    bool at_start;                   /**< EVERY: also as soon as it serves */
    const leat_error *const *errors; /**< for the constraints of its statements */
} leat_work;

/**
 * ON_START(warm_up, (depends(get_db, db))) { ... }  Once a process and load, after on_load and on_worker, before the first request of any
 * core. In the order of plugins (.requires first) and lines. When it fails, the server does not start, or the reload is refused.
 */
#define ON_START(W_, params_, ...) LEAT_WORK(W_, LEAT_WHEN_START, 0, params_, ##__VA_ARGS__)
/**
 * ON_STOP(say_goodbye, (depends(get_db, db))) { ... }  Once, after the last request and task of the plugin has ended on all cores, before
 * on_unload; plugins and lines in reverse. Not where an ON_START of the plugin has failed. A failure is logged and stops nothing.
 */
#define ON_STOP(W_, params_, ...) LEAT_WORK(W_, LEAT_WHEN_STOP, 0, params_, ##__VA_ARGS__)
/**
 * EVERY(sweep_sessions, 60, (depends(get_db, db)), options...) { db_exec(db, "DELETE FROM ..."); }
 * Every so many seconds, 0.1 to a year, by the wall clock: 60 is at each full minute, 86400 at midnight UTC, however long a run takes and
 * whenever the server was started. On one core of the process, or with .per_core on each. A run that has not ended when the next is due is
 * let go on, and that next one is left out, logged and counted. After a reload the new generation's runs; one that is running ends as it
 * was.
 */
#define EVERY(W_, seconds_, params_, ...) LEAT_WORK(W_, LEAT_WHEN_EVERY, seconds_, params_, ##__VA_ARGS__)

#define LEAT_WORK(W_, when_, seconds_, params_, ...)                                                                                       \
    LEAT_ARGS(W_, params_)                                                                                                                 \
    static void W_(req *r LEAT_EACH(LEAT_DECL, W_, LEAT_STRIP params_));                                                                   \
    static void W_##__call(req *r, void *a_) {                                                                                             \
        struct W_##__args *a LEAT_UNUSED = a_;                                                                                             \
        W_(r LEAT_EACH(LEAT_PASS, W_, LEAT_STRIP params_));                                                                                \
    }                                                                                                                                      \
    static const leat_work W_##__work = {.base = LEAT_ITEM(LEAT_ITEM_WORK, leat_work),                                                     \
                                         .when = when_,                                                                                    \
                                         .nparams = LEAT_NARGS params_,                                                                    \
                                         .args_bytes = sizeof(struct W_##__args),                                                          \
                                         .name = #W_,                                                                                      \
                                         .params = W_##__params,                                                                           \
                                         .call = W_##__call,                                                                               \
                                         .period_s = seconds_,                                                                             \
                                         ##__VA_ARGS__};                                                                                   \
    LEAT_REGISTER(W_##__work_reg, W_##__work);                                                                                             \
    static void W_(req *r LEAT_UNUSED LEAT_EACH(LEAT_DECL, W_, LEAT_STRIP params_))

#pragma GCC visibility pop
#endif
