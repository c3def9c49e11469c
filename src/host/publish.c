// publish.c — the next generation of plugins, from the main thread to every core; the one before, back when its last request has ended.
#include "publish.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/server_state.h"

enum { RING_TRIES_MAX = 100 };

// A generation that serves no new requests: each core that has ended its last one counts down.
struct retirement {
    struct list node;
    struct plugin_set *set;
    int64_t since_us;
    atomic_uint cores_left;
    int event_fd;
    struct retirement_on_core {
        struct retirement *retirement;
        struct worker *worker;
    } on_cores[];
};

// What one core is asked, and what it says.
struct errand {
    struct message message;
    struct publisher *publisher;
    struct worker *worker;
    bool is_done; // under the publisher's lock
    int result;
    struct plugin *refuser;
    char failure[512]; // of what it was to make ready
};

struct publisher {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct plugin_set *next;
    struct retirement *retirement; // of the set that `next` follows
    struct list retirements;
    int event_fd;
    struct errand errands[];
};

static struct crew *crew_of(struct publisher *publisher) {
    return &publisher->server->crew;
}

static struct statement_set *statements_of(const struct plugin_set *set) {
    return snapshot_statements(set->snapshot);
}

static void report(struct errand *errand, int result) {
    pthread_mutex_lock(&errand->publisher->lock);
    errand->result = result;
    errand->is_done = true;
    pthread_cond_signal(&errand->publisher->changed);
    pthread_mutex_unlock(&errand->publisher->lock);
}

// ---- on a core's thread

static void ready(void *arg, const char *failure) {
    struct errand *errand = arg;
    snprintf(errand->failure, sizeof errand->failure, "%s", failure ? failure : "");
    errand->refuser = failure ? plugin_set_plugin_of(errand->publisher->next, app_culprit(errand->worker->app)) : NULL;
    report(errand, failure ? -ECANCELED : 0);
}

static void prepared(void *arg) {
    struct errand *errand = arg;
    struct crew *crew = crew_of(errand->publisher);
    pthread_mutex_lock(&crew->loading);
    int result = plugin_set_start_on_core(errand->publisher->next, errand->worker->index, &errand->refuser);
    pthread_mutex_unlock(&crew->loading);
    if (result == 0)
        result = app_prepare(errand->worker->app, errand->publisher->next->snapshot, ready, errand);
    if (result)
        report(errand, result);
}

static void prepare(struct message *message) {
    struct errand *errand = container_of(message, struct errand, message);
    db_prepare(app_db(errand->worker->app), statements_of(errand->publisher->next), prepared, errand);
}

static void forgotten(void *arg) {
    struct errand *errand = arg;
    db_forget(app_db(errand->worker->app), statements_of(errand->publisher->next));
    report(errand, 0);
}

static void forget(struct message *message) {
    struct errand *errand = container_of(message, struct errand, message);
    app_forget(errand->worker->app, errand->publisher->next->snapshot, forgotten, errand);
}

static void released(void *arg) {
    struct retirement_on_core *here = arg;
    struct retirement *retirement = here->retirement;
    db_forget(app_db(here->worker->app), statements_of(retirement->set));
    int event_fd = retirement->event_fd; // the last to count down gives the retirement away
    if (atomic_fetch_sub(&retirement->cores_left, 1) == 1)
        eventfd_write(event_fd, 1);
}

static void publish(struct message *message) {
    struct errand *errand = container_of(message, struct errand, message);
    struct retirement_on_core *here = &errand->publisher->retirement->on_cores[errand->worker->index];
    app_publish(errand->worker->app, errand->publisher->next->snapshot, released, here);
    report(errand, 0);
}

// ---- on the main thread

static bool post(struct errand *errand) {
    for (unsigned tries = 0; tries < RING_TRIES_MAX; tries++) {
        if (ring_post(errand->worker->core.ring, &errand->message) == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); // the core's queue is full: it turns
    }
    return false;
}

static bool all_are_done(const struct publisher *publisher) {
    for (unsigned i = 0; i < publisher->server->options.worker_count; i++)
        if (!publisher->errands[i].is_done)
            return false;
    return true;
}

// Sends every core on the errand and waits for all. False when one has not come back in time.
static bool run_errands(struct publisher *publisher, void (*run)(struct message *message)) {
    unsigned count = publisher->server->options.worker_count;
    for (unsigned i = 0; i < count; i++) {
        publisher->errands[i].is_done = false;
        publisher->errands[i].result = 0;
        publisher->errands[i].refuser = NULL;
        publisher->errands[i].failure[0] = '\0';
        publisher->errands[i].message.run = run;
    }
    for (unsigned i = 0; i < count; i++)
        if (!post(&publisher->errands[i]))
            report(&publisher->errands[i], -EAGAIN);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PUBLISH_MS / 1000;
    pthread_mutex_lock(&publisher->lock);
    while (!all_are_done(publisher) && pthread_cond_timedwait(&publisher->changed, &publisher->lock, &until) != ETIMEDOUT)
        continue;
    bool is_done = all_are_done(publisher);
    pthread_mutex_unlock(&publisher->lock);
    return is_done;
}

static bool all_have_agreed(const struct publisher *publisher, struct messages *messages) {
    for (unsigned i = 0; i < publisher->server->options.worker_count; i++) {
        const struct errand *errand = &publisher->errands[i];
        size_t said = messages->bytes;
        if (!errand->result)
            continue;
        if (errand->failure[0])
            messages_add(messages, "%s", errand->failure);
        else if (errand->refuser)
            messages_add(messages, "%s: error: on_worker of '%s' refused core %u with %d; its own log lines say why", errand->refuser->path,
                         errand->refuser->entry.name, i, errand->result);
        else
            messages_add(messages, "leat: error: core %u takes no messages; it is held by a handler", i);
        if (errand->refuser)
            plugin_blame_for_now(errand->refuser, messages_since(messages, said));
        return false;
    }
    return true;
}

static struct retirement *retirement_create(struct publisher *publisher) {
    unsigned count = publisher->server->options.worker_count;
    struct retirement *retirement = calloc(1, sizeof *retirement + count * sizeof retirement->on_cores[0]);
    if (!retirement)
        return NULL;
    retirement->set = crew_of(publisher)->plugins;
    retirement->event_fd = publisher->event_fd;
    retirement->since_us = clock_wall_us();
    atomic_store(&retirement->cores_left, count);
    for (unsigned i = 0; i < count; i++)
        retirement->on_cores[i] = (struct retirement_on_core){retirement, &publisher->server->workers[i]};
    return retirement;
}

int publisher_publish(struct publisher *publisher, struct plugin_set *next, struct messages *messages) {
    publisher->next = next;
    publisher->retirement = retirement_create(publisher);
    if (!publisher->retirement) {
        messages_add(messages, "leat: error: there is too little memory for another generation of plugins");
        return -EINVAL;
    }
    bool is_in_time = run_errands(publisher, prepare);
    if (!is_in_time)
        messages_add(messages,
                     "leat: error: not every core was ready within %d s: statements are prepared on all links, values per core made, "
                     "ON_STARTs run; is Postgres stopped?",
                     PUBLISH_MS / 1000);
    if (!is_in_time || !all_have_agreed(publisher, messages)) {
        bool is_forgotten = run_errands(publisher, forget);
        free(publisher->retirement);
        return is_forgotten ? -EINVAL : -ETIMEDOUT;
    }
    if (!run_errands(publisher, publish)) // it will be served when the core has time; there is no way back from here
        log_line(LOG_ERROR, "core_held", "cause=\"a core has not taken the new plugins within %d s\"", PUBLISH_MS / 1000);
    list_push(&publisher->retirements, &publisher->retirement->node);
    crew_of(publisher)->plugins = next;
    return 0;
}

int publisher_fd(const struct publisher *publisher) {
    return publisher->event_fd;
}

static void retire(struct retirement *retirement) {
    list_remove(&retirement->node);
    plugin_set_close(retirement->set);
    free(retirement);
}

unsigned publisher_reap(struct publisher *publisher) {
    eventfd_t ignored;
    eventfd_read(publisher->event_fd, &ignored);
    unsigned living = 0;
    list_each_safe (node, &publisher->retirements) {
        struct retirement *retirement = container_of(node, struct retirement, node);
        if (atomic_load(&retirement->cores_left) == 0)
            retire(retirement);
        else
            living++;
    }
    return living;
}

bool publisher_retired(const struct publisher *publisher, unsigned index, struct retired *ret_retired) {
    list_each (node, &publisher->retirements) {
        const struct retirement *retirement = container_of(node, struct retirement, node);
        if (index-- > 0)
            continue;
        *ret_retired = (struct retired){retirement->set, retirement->since_us};
        return true;
    }
    return false;
}

int publisher_create(struct server *server, struct publisher **ret_publisher) {
    unsigned count = server->options.worker_count;
    struct publisher *publisher = calloc(1, sizeof *publisher + count * sizeof publisher->errands[0]);
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!publisher || event_fd < 0) {
        free(publisher);
        if (event_fd >= 0)
            close(event_fd);
        return -ENOMEM;
    }
    publisher->server = server;
    publisher->event_fd = event_fd;
    pthread_mutex_init(&publisher->lock, NULL);
    pthread_cond_init(&publisher->changed, NULL);
    list_init(&publisher->retirements);
    for (unsigned i = 0; i < count; i++)
        publisher->errands[i] = (struct errand){.publisher = publisher, .worker = &server->workers[i]};
    *ret_publisher = publisher;
    return 0;
}

void publisher_destroy(struct publisher *publisher) {
    if (!publisher)
        return;
    for (struct list *node; (node = list_pop(&publisher->retirements));)
        retire(container_of(node, struct retirement, node));
    pthread_mutex_destroy(&publisher->lock);
    pthread_cond_destroy(&publisher->changed);
    close(publisher->event_fd);
    free(publisher);
}
