// offload.c — worker threads for what blocks or burns: a job goes out, its result comes back to the core that sent it.
#include "engine/offload.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { POST_TRIES_MAX = 1000, POST_RETRY_MS = 1 };

struct offload {
    pthread_mutex_t lock; // of all that follows
    pthread_cond_t changed;
    struct list queue;
    unsigned queue_count, queue_max;
    unsigned started_count; // threads that have tried to begin
    int start_error;
    bool is_ending;
    unsigned idle_count; // threads that wait for a job
    unsigned thread_count, thread_count_max;
    pthread_t threads[];
};

static void on_message(struct message *message) {
    struct job *job = container_of(message, struct job, message);
    job->done(job);
}

// A kernel that is short of memory for a moment must not lose a result: whoever waits for it would wait for ever.
static void post(struct job *job) {
    for (unsigned tries = 0; tries < POST_TRIES_MAX; tries++) {
        int error = ring_post(job->core->ring, &job->message);
        if (error != -ENOMEM && error != -EAGAIN && error != -EOVERFLOW)
            return; // sent, or the core is no more
        nanosleep(&(struct timespec){.tv_nsec = POST_RETRY_MS * 1000000}, NULL);
    }
}

// The next job, or NULL once the queue is empty and the end has come.
static struct job *take(struct offload *offload) {
    pthread_mutex_lock(&offload->lock);
    offload->idle_count++;
    while (list_is_empty(&offload->queue) && !offload->is_ending)
        pthread_cond_wait(&offload->changed, &offload->lock);
    offload->idle_count--;
    struct list *node = list_pop(&offload->queue);
    if (node)
        offload->queue_count--;
    pthread_mutex_unlock(&offload->lock);
    return node ? container_of(node, struct job, node) : NULL;
}

static void say_started(struct offload *offload, int error) {
    pthread_mutex_lock(&offload->lock);
    offload->started_count++;
    if (error < 0)
        offload->start_error = error;
    pthread_cond_broadcast(&offload->changed);
    pthread_mutex_unlock(&offload->lock);
}

static void *worker(void *arg) {
    struct offload *offload = arg;
    int error = ring_post_prepare();
    say_started(offload, error);
    if (error < 0)
        return NULL;
    struct job *job;
    while ((job = take(offload))) {
        job->work(job);
        post(job);
    }
    return NULL;
}

// Signals are the main thread's: a worker starts with all of them blocked.
static int start_thread(struct offload *offload) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&offload->threads[offload->thread_count], NULL, worker, offload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        offload->thread_count++;
    return -error;
}

static int wait_for_start(struct offload *offload) {
    pthread_mutex_lock(&offload->lock);
    while (offload->started_count < offload->thread_count)
        pthread_cond_wait(&offload->changed, &offload->lock);
    int error = offload->start_error;
    pthread_mutex_unlock(&offload->lock);
    return error;
}

static int create(unsigned thread_count, unsigned thread_count_max, unsigned queue_max, struct offload **ret_offload) {
    if (!thread_count || !queue_max)
        return -EINVAL;
    struct offload *offload = calloc(1, sizeof *offload + thread_count_max * sizeof *offload->threads);
    if (!offload)
        return -ENOMEM;
    pthread_mutex_init(&offload->lock, NULL);
    pthread_cond_init(&offload->changed, NULL);
    list_init(&offload->queue);
    offload->queue_max = queue_max;
    offload->thread_count_max = thread_count_max;
    int error = 0;
    while (error == 0 && offload->thread_count < thread_count)
        error = start_thread(offload);
    int start_error = wait_for_start(offload);
    if (error < 0 || start_error < 0) {
        offload_destroy(offload);
        return error < 0 ? error : start_error;
    }
    *ret_offload = offload;
    return 0;
}

int offload_create(unsigned thread_count, unsigned queue_max, struct offload **ret_offload) {
    return create(thread_count, thread_count, queue_max, ret_offload);
}

int offload_create_growing(unsigned thread_count_max, unsigned queue_max, struct offload **ret_offload) {
    return create(1, thread_count_max, queue_max, ret_offload);
}

void offload_destroy(struct offload *offload) {
    if (!offload)
        return;
    pthread_mutex_lock(&offload->lock);
    offload->is_ending = true;
    pthread_cond_broadcast(&offload->changed);
    pthread_mutex_unlock(&offload->lock);
    for (unsigned i = 0; i < offload->thread_count; i++)
        pthread_join(offload->threads[i], NULL);
    assert(list_is_empty(&offload->queue));
    pthread_cond_destroy(&offload->changed);
    pthread_mutex_destroy(&offload->lock);
    free(offload);
}

int offload_submit(struct offload *offload, struct core *core, struct job *job) {
    job->core = core;
    job->message.run = on_message;
    pthread_mutex_lock(&offload->lock);
    bool is_taken = offload->queue_count < offload->queue_max && !offload->is_ending;
    if (is_taken) {
        list_push(&offload->queue, &job->node);
        offload->queue_count++;
        pthread_cond_broadcast(&offload->changed);
        if (offload->queue_count > offload->idle_count && offload->thread_count < offload->thread_count_max)
            start_thread(offload); // one that cannot be is tried again with the next job
    }
    pthread_mutex_unlock(&offload->lock);
    return is_taken ? 0 : -EAGAIN;
}

unsigned offload_queue_count(struct offload *offload) {
    pthread_mutex_lock(&offload->lock);
    unsigned count = offload->queue_count;
    pthread_mutex_unlock(&offload->lock);
    return count;
}
