// outbound.c — the calls of one core: which run, which wait, and how they end.
//
// A call begins at the end of the turn that submitted it, on the thread's own stack, and its waiter hears of its end there as well: libcurl
// is never entered from inside itself, and never asked to much on a coroutine's small stack.
#include "outbound/outbound.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "outbound/state.h"

const struct outbound_options outbound_options_default = {
    .running_max = 256,
    .host_running_max = 32,
    .waiting_max = 1024,
    .idle_max = 64,
    .idle_ms = 60000,
    .connect_ms = 5000,
    .call_ms = 10000,
    .answer_bytes_max = 1 << 20,
};

// ---- hosts

static struct list *bucket_of(struct outbound *outbound, const char *key) {
    uint32_t hash = 2166136261u; // FNV-1a
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return &outbound->hosts[hash % HOST_BUCKETS];
}

static struct outbound_host *host_take(struct outbound *outbound, const char *key) {
    struct list *bucket = bucket_of(outbound, key);
    list_each (node, bucket) {
        struct outbound_host *host = container_of(node, struct outbound_host, node);
        if (strcmp(host->key, key) == 0)
            return host;
    }
    struct outbound_host *host = calloc(1, sizeof *host + strlen(key) + 1);
    if (!host)
        return NULL;
    strcpy(host->key, key);
    list_push(bucket, &host->node);
    return host;
}

static void host_release_if_idle(struct outbound_host *host) {
    if (host->running || host->waiting)
        return;
    list_remove(&host->node);
    free(host);
}

// ---- queues

static int enqueue(struct outbound_call *call, const char *key) {
    struct outbound *outbound = call->outbound;
    call->place = host_take(outbound, key);
    if (!call->place)
        return -ENOMEM;
    call->place->waiting++;
    outbound->figures.waiting++;
    list_push(&outbound->waiting, &call->node);
    core_defer(outbound->core, &outbound->settle);
    return 0;
}

static void dequeue(struct outbound_call *call) {
    struct outbound_host *host = call->place;
    list_remove(&call->node);
    call->place = NULL;
    if (call->is_running) {
        host->running--;
        call->outbound->figures.running--;
    } else {
        host->waiting--;
        call->outbound->figures.waiting--;
    }
    call->is_running = false;
    host_release_if_idle(host);
    core_defer(call->outbound->core, &call->outbound->settle); // another may begin
}

static void run(struct outbound_call *call) {
    struct outbound *outbound = call->outbound;
    list_remove(&call->node);
    list_push(&outbound->running, &call->node);
    call->is_running = true;
    call->place->waiting--;
    call->place->running++;
    outbound->figures.waiting--;
    outbound->figures.running++;
}

// ---- the end of a call

static void finish(struct outbound_call *call) {
    struct outbound *outbound = call->outbound;
    wheel_disarm(&outbound->core->wheel, &call->timer);
    dequeue(call);
    call->outbound = NULL;
    call->done(call);
}

static void fail(struct outbound_call *call, int error, const char *problem) {
    call->error = error;
    call->problem = problem;
    finish(call);
}

static struct lost_lookups *lost_of(struct outbound_call *call) {
    return call->is_untrusted ? &call->outbound->lost_of_strangers : &call->outbound->lost;
}

static void note_lost_lookup(struct outbound_call *call) {
    struct lost_lookups *lost = lost_of(call);
    if (!transfer_is_looking_up(call))
        return;
    lost->at_ms[lost->next] = core_now_ms(call->outbound->core);
    lost->next = (lost->next + 1) % LOST_LOOKUPS_MAX;
}

static bool may_look_up(struct outbound_call *call) {
    const struct lost_lookups *lost = lost_of(call);
    int64_t oldest_ms = lost->at_ms[lost->next];
    return !oldest_ms || core_now_ms(call->outbound->core) - oldest_ms >= LOST_LOOKUP_MS;
}

static void cut(struct outbound_call *call) {
    note_lost_lookup(call);
    transfer_end(call);
}

static void deadline_passed(struct timer *timer) {
    struct outbound_call *call = container_of(timer, struct outbound_call, timer);
    bool was_running = call->is_running;
    cut(call);
    fail(call, -ETIMEDOUT, was_running ? "no answer in time" : "it has waited too long for others to this host");
}

// Once more, to where the answer leads.
static void go_on(struct outbound_call *call) {
    char key[OUTBOUND_HOST_BYTES_MAX + 16];
    dequeue(call);
    int error = transfer_judge_url(call, key); // which follow() found good
    if (!error)
        error = enqueue(call, key);
    if (!error)
        return;
    wheel_disarm(&call->outbound->core->wheel, &call->timer);
    call->error = error;
    call->outbound = NULL;
    call->done(call);
}

static void ended(CURL *easy, CURLcode code) {
    struct outbound_call *call;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    bool leads_on = transfer_take(call, code);
    transfer_end(call);
    if (leads_on)
        go_on(call);
    else
        finish(call);
}

// ---- at the end of a turn

// The waiter of one may cancel others: their messages go with them.
static void take_ended(struct outbound *outbound) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(outbound->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            ended(message->easy_handle, message->data.result);
}

static struct outbound_call *next_of(struct outbound *outbound) {
    if (outbound->figures.running >= outbound->options->running_max)
        return NULL;
    list_each (node, &outbound->waiting) {
        struct outbound_call *call = container_of(node, struct outbound_call, node);
        if (call->place->running < outbound->options->host_running_max)
            return call;
    }
    return NULL;
}

static void begin_next(struct outbound *outbound) {
    struct outbound_call *call;
    while ((call = next_of(outbound))) {
        run(call);
        int error = transfer_begin(call);
        if (error)
            fail(call, error, call->problem);
    }
}

static void settle(struct deferred *deferred) {
    struct outbound *outbound = container_of(deferred, struct outbound, settle);
    if (outbound->multi) {
        sockets_tick(outbound);
        take_ended(outbound);
    }
    begin_next(outbound);
}

// ---- from outside

static int refuse(struct outbound_call *call, const char *problem) {
    call->problem = problem;
    return -EAGAIN;
}

// Those that begin at the end of this turn wait as well, until then.
static int judge_room(struct outbound_call *call) {
    const struct outbound *outbound = call->outbound;
    const struct outbound_options *options = outbound->options;
    if (outbound->figures.waiting + outbound->figures.running >= options->waiting_max + options->running_max)
        return refuse(call, "too many calls wait");
    if (!transfer_has_address(call) && !may_look_up(call))
        return refuse(call, "too many names are being looked up for calls that were given up");
    return 0;
}

int outbound_submit(struct outbound *outbound, struct outbound_call *call) {
    char key[OUTBOUND_HOST_BYTES_MAX + 16];
    call->outbound = outbound;
    int error = transfer_judge_url(call, key);
    if (!error)
        error = judge_room(call);
    if (!error)
        error = enqueue(call, key);
    if (error) {
        call->outbound = NULL;
        return error;
    }
    timer_init(&call->timer, deadline_passed);
    wheel_arm(&outbound->core->wheel, &call->timer, call->due_ms);
    outbound->figures.call_count++;
    return 0;
}

void outbound_cancel(struct outbound_call *call) {
    struct outbound *outbound = call->outbound;
    if (!outbound)
        return;
    wheel_disarm(&outbound->core->wheel, &call->timer);
    cut(call);
    dequeue(call);
    call->outbound = NULL;
}

void outbound_figures(const struct outbound *outbound, struct outbound_figures *ret_figures) {
    *ret_figures = outbound->figures;
}

int outbound_create(struct core *core, const struct outbound_options *options, struct outbound **ret_outbound) {
    struct outbound *outbound = calloc(1, sizeof *outbound);
    if (!outbound)
        return -ENOMEM;
    outbound->core = core;
    outbound->options = options;
    list_init(&outbound->polls);
    list_init(&outbound->waiting);
    list_init(&outbound->running);
    for (unsigned i = 0; i < HOST_BUCKETS; i++)
        list_init(&outbound->hosts[i]);
    timer_init(&outbound->clock, NULL);
    deferred_init(&outbound->settle, settle);
    *ret_outbound = outbound;
    return 0;
}

void outbound_destroy(struct outbound *outbound) {
    if (!outbound)
        return;
    assert(list_is_empty(&outbound->waiting) && list_is_empty(&outbound->running));
    deferred_cancel(&outbound->settle);
    sockets_close(outbound);
    for (unsigned i = 0; i < outbound->spare_count; i++)
        curl_easy_cleanup(outbound->spare[i]);
    free(outbound);
}
