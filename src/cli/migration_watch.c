// migration_watch.c — a database that was not there at the start: asked from time to time whether its migrations are applied.
#include "migration_watch.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "db/migrate.h"

enum { ASK_S = 1, JOIN_S = 2, REPORT_BYTES_MAX = 1 << 20 };

struct migration_watch {
    const struct workspace *workspace;
    struct readiness *readiness;
    pthread_t thread;
    sem_t is_ending;
};

static enum migrations ask(const struct workspace *workspace, unsigned *ret_pending_count) {
    struct arena_pool pool;
    struct arena arena;
    struct migration_report report = {0};
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, REPORT_BYTES_MAX);
    int status = migrate_status(workspace->config.app.db.conninfo, workspace->migrations, workspace->migration_count, &arena, &report);
    *ret_pending_count = report.pending_count;
    arena_reset(&arena);
    arena_pool_finish(&pool);
    if (status == -EINVAL || (status == 0 && *ret_pending_count))
        return MIGRATIONS_PENDING;
    return status == 0 ? MIGRATIONS_APPLIED : MIGRATIONS_UNKNOWN;
}

static void tell(struct migration_watch *watch, enum migrations now, unsigned pending_count) {
    enum migrations before = (enum migrations)atomic_exchange(&watch->readiness->migrations, now);
    if (now == before)
        return;
    if (now == MIGRATIONS_PENDING)
        log_line(LOG_ERROR, "migrations_pending", "count=%u remedy=\"apply them with `leat db up`\"", pending_count);
    else if (now == MIGRATIONS_APPLIED)
        log_line(LOG_INFO, "migrations_applied", NULL);
}

static bool sleeps_on(struct migration_watch *watch) {
    struct timespec due;
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += ASK_S;
    int result;
    while ((result = sem_timedwait(&watch->is_ending, &due)) < 0 && errno == EINTR)
        continue;
    return result < 0;
}

static void *run(void *arg) {
    struct migration_watch *watch = arg;
    enum migrations now = MIGRATIONS_UNKNOWN;
    while (now != MIGRATIONS_APPLIED && sleeps_on(watch)) {
        unsigned pending_count = 0;
        now = ask(watch->workspace, &pending_count);
        tell(watch, now, pending_count);
    }
    return NULL;
}

int migration_watch_start(const struct workspace *workspace, struct readiness *readiness, struct migration_watch **ret_watch) {
    struct migration_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return -ENOMEM;
    watch->workspace = workspace;
    watch->readiness = readiness;
    sem_init(&watch->is_ending, 0, 0);
    atomic_store(&readiness->migrations, MIGRATIONS_UNKNOWN);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watch->thread, NULL, run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(watch);
        return -error;
    }
    *ret_watch = watch;
    return 0;
}

bool migration_watch_stop(struct migration_watch *watch) {
    if (!watch)
        return true;
    struct timespec due;
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += JOIN_S;
    sem_post(&watch->is_ending);
    if (pthread_timedjoin_np(watch->thread, NULL, &due) != 0)
        return false;
    sem_destroy(&watch->is_ending);
    free(watch);
    return true;
}
