// redis_link.c — one connection to Redis on the ring: commands out in order, replies in the same; lost, it comes back by itself.
#include "cache/redis_link.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "cache/redis_transport.h"

static struct redis_command **pending_of(struct redis_link *link, uint32_t number) {
    return &link->pending[number % REDIS_PENDING_MAX].command;
}

static uint32_t pending_count(const struct redis_link *link) {
    return link->sent_number - link->answered_number;
}

static int64_t now_ms(const struct redis_link *link) {
    return core_now_ms(link->core);
}

static void tell(struct redis_command *command, const redisReply *reply) {
    if (!command)
        return;
    command->link = NULL;
    command->done(command, reply);
}

void redis_command_forget(struct redis_command *command) {
    if (!command->link)
        return;
    *pending_of(command->link, command->number) = NULL;
    command->link = NULL;
}

// ---- time

static int64_t first_due_ms(const struct redis_link *link) {
    if (!pending_count(link))
        return INT64_MAX;
    int64_t due_ms = link->pending[link->answered_number % REDIS_PENDING_MAX].sent_ms + REDIS_HUNG_MS;
    for (uint32_t number = link->answered_number; number != link->sent_number; number++) {
        int64_t own_ms = link->pending[number % REDIS_PENDING_MAX].due_ms;
        if (link->pending[number % REDIS_PENDING_MAX].command && own_ms)
            return own_ms < due_ms ? own_ms : due_ms; // those behind it are due later
    }
    return due_ms;
}

static void set_timer(struct redis_link *link) {
    int64_t due_ms = first_due_ms(link);
    if (due_ms == INT64_MAX)
        wheel_disarm(&link->core->wheel, &link->timer);
    else if (!timer_is_armed(&link->timer) || link->timer.due_ms > due_ms)
        wheel_arm(&link->core->wheel, &link->timer, due_ms);
}

static void answer_overdue(struct redis_link *link) {
    for (uint32_t number = link->answered_number; number != link->sent_number; number++) {
        struct redis_command **command = pending_of(link, number);
        int64_t due_ms = link->pending[number % REDIS_PENDING_MAX].due_ms;
        if (due_ms > now_ms(link))
            break;
        if (!*command || !due_ms)
            continue;
        struct redis_command *overdue = *command;
        *command = NULL;
        tell(overdue, NULL);
    }
}

bool redis_link_is_ready(const struct redis_link *link) {
    if (link->state != REDIS_UP)
        return false;
    if (!pending_count(link))
        return true;
    uint32_t at = link->answered_number % REDIS_PENDING_MAX;
    int64_t due_ms = link->pending[at].due_ms ? link->pending[at].due_ms : link->pending[at].sent_ms + REDIS_SLOW_MS;
    return now_ms(link) < due_ms;
}

// ---- lost

static void back_off(struct redis_link *link) {
    if (link->is_stopping)
        return link->stopped(link);
    // each core a little apart from the others
    uint32_t ms = link->back_off_ms + link->back_off_ms * (link->core->index % 8) / 16;
    wheel_arm(&link->core->wheel, &link->timer, now_ms(link) + ms);
    link->back_off_ms = link->back_off_ms * 2 < REDIS_BACK_OFF_MS_MAX ? link->back_off_ms * 2 : REDIS_BACK_OFF_MS_MAX;
}

static void fail_pending(struct redis_link *link) {
    while (pending_count(link)) {
        struct redis_command *command = *pending_of(link, link->answered_number);
        link->answered_number++;
        tell(command, NULL);
    }
}

void redis_link_reap(struct redis_link *link) {
    if (link->state != REDIS_CLOSING || redis_transport_is_busy(link))
        return;
    redis_socket_close(&link->socket);
    redisReaderFree(link->reader);
    link->reader = NULL;
    buffer_finish(&link->output[0]);
    buffer_finish(&link->output[1]);
    link->is_sending = false;
    link->state = REDIS_DOWN;
    back_off(link);
}

void redis_link_close(struct redis_link *link, const char *why) {
    if (link->state != REDIS_UP)
        return;
    if (!why)
        why = "it was asked to";
    link->state = REDIS_CLOSING;
    wheel_disarm(&link->core->wheel, &link->timer);
    deferred_cancel(&link->flush);
    if (now_ms(link) - link->up_ms > REDIS_BACK_OFF_MS_MAX) // it has served
        link->back_off_ms = REDIS_BACK_OFF_MS_MIN;
    redis_transport_stop(link);
    fail_pending(link);
    link->events->down(link, why);
    redis_link_reap(link);
}

// ---- in

static bool take_reply(struct redis_link *link, const redisReply *reply) {
    link->unread_bytes = 0;
    if (link->events->pushed && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[0]->type == REDIS_REPLY_STRING &&
        strcmp(reply->element[0]->str, "message") == 0) {
        link->events->pushed(link, reply);
        return true;
    }
    if (!pending_count(link))
        return false; // nobody asked
    struct redis_command *command = *pending_of(link, link->answered_number);
    link->answered_number++;
    tell(command, reply);
    return true;
}

void redis_link_received(struct redis_link *link, const char *data, size_t bytes) {
    void *reply = NULL;
    link->unread_bytes += bytes;
    if (link->unread_bytes > link->reply_bytes_max)
        return redis_link_close(link, "a reply that is too long");
    bool is_good = redisReaderFeed(link->reader, data, bytes) == REDIS_OK;
    while (is_good && link->state == REDIS_UP && (is_good = redisReaderGetReply(link->reader, &reply) == REDIS_OK) && reply) {
        is_good = take_reply(link, reply);
        freeReplyObject(reply);
    }
    if (!is_good)
        return redis_link_close(link, "bytes that are not Redis'");
    if (link->state == REDIS_UP)
        set_timer(link);
}

// ---- out

static void flush(struct deferred *deferred) {
    struct redis_link *link = container_of(deferred, struct redis_link, flush);
    if (link->state != REDIS_UP || link->is_sending || !buffer_bytes(&link->output[link->filling]))
        return;
    link->filling = !link->filling;
    link->is_sending = true;
    redis_transport_send(link);
}

void redis_link_sent(struct redis_link *link) {
    link->is_sending = false;
    if (buffer_bytes(&link->output[link->filling]))
        core_defer(link->core, &link->flush);
}

static size_t output_bytes(const struct redis_link *link) {
    return buffer_bytes(&link->output[0]) + buffer_bytes(&link->output[1]);
}

static int write_command(struct redis_link *link, int argc, const char *const *argv, const size_t *bytes) {
    char *text = NULL;
    int length = redisFormatCommandArgv(&text, argc, (const char **)(uintptr_t)argv, bytes);
    if (length < 0)
        return -ENOMEM;
    int error = buffer_append(&link->output[link->filling], text, (size_t)length);
    free(text);
    return error;
}

int redis_send(struct redis_link *link, struct redis_command *command, int argc, const char *const *argv, const size_t *bytes) {
    if (link->state != REDIS_UP)
        return -ENOTCONN;
    if (pending_count(link) == REDIS_PENDING_MAX || output_bytes(link) > REDIS_OUTPUT_BYTES_MAX)
        return -EAGAIN;
    int error = write_command(link, argc, argv, bytes);
    if (error)
        return error;
    uint32_t at = link->sent_number % REDIS_PENDING_MAX;
    int64_t due_ms = command && command->answer_ms ? now_ms(link) + command->answer_ms : 0;
    link->pending[at].command = command;
    link->pending[at].sent_ms = now_ms(link);
    link->pending[at].due_ms = due_ms;
    if (command) {
        command->link = link;
        command->number = link->sent_number;
    }
    link->sent_number++;
    set_timer(link);
    core_defer(link->core, &link->flush);
    return 0;
}

// ---- begun

static void connect_to(struct job *job) {
    struct redis_link *link = container_of(job, struct redis_link, job);
    link->made_error = redis_connect(link->address, &link->made, link->failure);
}

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static redisReplyObjectFunctions makers;
static void *(*make_list)(const redisReadTask *task, element_count count);

static void *make_short_list(const redisReadTask *task, element_count count) {
    return count <= REDIS_ELEMENTS_MAX ? make_list(task, count) : NULL;
}

static void bound_makers(void) {
    redisReader *reader = redisReaderCreate();
    if (!reader)
        return;
    makers = *reader->fn;
    make_list = makers.createArray;
    makers.createArray = make_short_list;
    redisReaderFree(reader);
}

// hiredis of 0.14 has no bound of its own: it takes memory for as many elements as a list says it has.
static redisReader *make_reader(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, bound_makers);
    return make_list ? redisReaderCreateWithFunctions(&makers) : NULL;
}

static int take_over(struct redis_link *link) {
    link->socket = link->made;
    link->made = (struct redis_socket){.fd = -1};
    link->reader = make_reader();
    link->unread_bytes = 0;
    link->tls = (struct tls_stream){0};
    link->filling = 0;
    link->state = REDIS_UP;
    link->up_ms = now_ms(link);
    link->epoch++;
    return link->reader ? redis_transport_start(link) : -ENOMEM;
}

static void connected(struct job *job) {
    struct redis_link *link = container_of(job, struct redis_link, job);
    link->state = REDIS_DOWN;
    if (!link->made_error && !link->is_stopping) {
        int error = take_over(link);
        if (error)
            redis_link_close(link, link->tls.why ? link->tls.why : strerror(-error));
        else if (link->state == REDIS_UP) // what TLS had read ahead may have closed it
            link->events->up(link);
        return;
    }
    if (!link->made_error)
        redis_socket_close(&link->made);
    else if (!link->is_stopping)
        link->events->down(link, link->failure);
    back_off(link);
}

static void attempt(struct redis_link *link) {
    link->state = REDIS_CONNECTING;
    link->job = (struct job){.work = connect_to, .done = connected};
    if (offload_submit(link->connector, link->core, &link->job) == 0)
        return;
    link->state = REDIS_DOWN;
    back_off(link);
}

static void expired(struct timer *timer) {
    struct redis_link *link = container_of(timer, struct redis_link, timer);
    if (link->state == REDIS_DOWN)
        return attempt(link);
    answer_overdue(link);
    if (link->state != REDIS_UP)
        return;
    bool is_hung = pending_count(link) && now_ms(link) - link->pending[link->answered_number % REDIS_PENDING_MAX].sent_ms >= REDIS_HUNG_MS;
    if (is_hung)
        redis_link_close(link, "it does not answer");
    else
        set_timer(link);
}

void redis_link_start(struct redis_link *link) {
    link->socket.fd = link->made.fd = -1;
    link->back_off_ms = REDIS_BACK_OFF_MS_MIN;
    timer_init(&link->timer, expired);
    deferred_init(&link->flush, flush);
    attempt(link);
}

void redis_link_stop(struct redis_link *link, void (*stopped)(struct redis_link *link)) {
    link->is_stopping = true;
    link->stopped = stopped;
    if (link->state == REDIS_UP) {
        redis_link_close(link, NULL);
    } else if (link->state == REDIS_DOWN) {
        wheel_disarm(&link->core->wheel, &link->timer);
        stopped(link);
    }
}
