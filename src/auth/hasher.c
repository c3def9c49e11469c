// hasher.c — passwords hashed beside the ring: a few worker threads with a bounded queue, awaited from a coroutine.
#include "auth/hasher.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum { HASH_TEXT_BYTES_MAX = 256 };

struct hash_job {
    struct job job;
    struct list node;
    struct coro *waiter; // NULL: it was dropped, and nobody wants the answer
    struct password_cost cost;
    bool is_done;
    int result;
    char hash[HASH_TEXT_BYTES_MAX];
    size_t hash_bytes, plain_bytes;
    char plain[];
};

// The jobs whose coroutine waits, of this thread's core.
static _Thread_local struct list waiting;

static void destroy(struct hash_job *job) {
    OPENSSL_cleanse(job->plain, job->plain_bytes);
    free(job);
}

static str plain_of(const struct hash_job *job) {
    return (str){job->plain, job->plain_bytes};
}

static void work_make(struct job *job) {
    struct hash_job *hash = container_of(job, struct hash_job, job);
    hash->result = password_make(plain_of(hash), &hash->cost, hash->hash);
}

static void work_matches(struct job *job) {
    struct hash_job *hash = container_of(job, struct hash_job, job);
    hash->result = password_matches(plain_of(hash), (str){hash->hash, hash->hash_bytes}, &hash->cost);
}

static void on_done(struct job *job) {
    struct hash_job *hash = container_of(job, struct hash_job, job);
    hash->is_done = true;
    if (hash->waiter)
        coro_resume(hash->waiter); // which destroys it
    else
        destroy(hash);
}

// A hash that is too long to be one reads as an empty one: refused, at the same cost.
static struct hash_job *create(const struct hasher *hasher, str plain, str hash) {
    struct hash_job *job = calloc(1, sizeof *job + plain.len);
    if (!job)
        return NULL;
    job->cost = hasher->cost;
    job->plain_bytes = plain.len;
    job->hash_bytes = hash.len <= HASH_TEXT_BYTES_MAX ? hash.len : 0;
    if (plain.len)
        memcpy(job->plain, plain.ptr, plain.len);
    if (job->hash_bytes)
        memcpy(job->hash, hash.ptr, job->hash_bytes);
    return job;
}

// Until the answer is there; 0, or -EAGAIN.
static int await_job(struct hasher *hasher, struct core *core, struct hash_job *job) {
    assert(coro_current());
    if (!waiting.next)
        list_init(&waiting);
    job->waiter = coro_current();
    int error = offload_submit(hasher->workers, core, &job->job);
    if (error)
        return error;
    list_push(&waiting, &job->node);
    while (!job->is_done)
        coro_suspend();
    list_remove(&job->node);
    return 0;
}

int hasher_make(struct hasher *hasher, struct core *core, str plain, char ret_hash[PASSWORD_HASH_BYTES]) {
    if (plain.len > PASSWORD_BYTES_MAX)
        return -EINVAL;
    struct hash_job *job = create(hasher, plain, (str){0});
    if (!job)
        return -ENOMEM;
    job->job = (struct job){.work = work_make, .done = on_done};
    int error = await_job(hasher, core, job);
    if (error == 0)
        error = job->result;
    if (error == 0)
        memcpy(ret_hash, job->hash, PASSWORD_HASH_BYTES);
    destroy(job);
    return error;
}

int hasher_matches(struct hasher *hasher, struct core *core, str plain, str hash) {
    if (plain.len > PASSWORD_BYTES_MAX)
        plain.len = PASSWORD_BYTES_MAX + 1; // still too long
    struct hash_job *job = create(hasher, plain, hash);
    if (!job)
        return -ENOMEM;
    job->job = (struct job){.work = work_matches, .done = on_done};
    int error = await_job(hasher, core, job);
    int result = error ? error : job->result;
    destroy(job);
    return result;
}

void hasher_forget(struct coro *coro) {
    if (!waiting.next)
        return;
    list_each_safe (node, &waiting) {
        struct hash_job *job = container_of(node, struct hash_job, node);
        if (job->waiter == coro) {
            job->waiter = NULL;
            list_remove(&job->node);
        }
    }
}
