// shared.c — what the cores, processes and machines of one Redis share: entries, and when each tag was last forgotten.
#include "cache/shared.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "cache/hash.h"
#include "cache/tags.h"

enum { NAME_BYTES_MAX = SHARED_PREFIX_BYTES_MAX + 3 + DIGEST_TEXT_BYTES + 1, PUSHED_TAGS_MAX = 256 };

// The clock never goes back, even where the machine's does. A tag is remembered for longer than any entry lives.
static const char forgetting[] = "local t = redis.call('TIME') "
                                 "local now = t[1] * 1000000 + t[2] "
                                 "local last = tonumber(redis.call('GET', KEYS[1]) or '0') "
                                 "if now <= last then now = last + 1 end "
                                 "local stamp = string.format('%.0f', now) "
                                 "redis.call('SET', KEYS[1], stamp) "
                                 "for i = 2, #KEYS do redis.call('SET', KEYS[i], stamp, 'EX', ARGV[2]) end "
                                 "redis.call('PUBLISH', ARGV[3], ARGV[1]) "
                                 "return stamp";

struct shared {
    struct core *core;
    const struct shared_options *options;
    const struct shared_events *events;
    void *arg;
    struct redis_link link, listener; // a link that listens takes no other commands
    struct redis_command subscription;
    bool is_lost; // what was told last
    uint64_t untold[SHARED_UNTOLD_MAX];
    unsigned untold_count;
    bool is_all_untold; // more than can be remembered
    unsigned running_count;
    void (*stopped)(void *arg);
    void *stopped_arg;
    struct shared_figures figures;
};

/** A forgetting that is under way. */
struct shared_news {
    struct redis_command command;
    struct shared *shared;
    struct shared_waiter *waiter;
    unsigned count;
    uint64_t tags[ENTRY_TAGS_MAX];
};

// ---- names

struct name {
    char text[NAME_BYTES_MAX];
    size_t bytes;
};

static struct name name_of(const struct shared *shared, const char *what) {
    struct name name;
    name.bytes = (size_t)snprintf(name.text, sizeof name.text, "%s:%s", shared->options->prefix, what);
    return name;
}

static struct name name_of_tag(const struct shared *shared, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "t:%016" PRIx64, number);
    return name_of(shared, text);
}

static struct name name_of_entry(const struct shared *shared, str key) {
    char text[2 + DIGEST_TEXT_BYTES + 1] = "a:";
    struct digest digest = digest_of(key);
    digest_text(text + 2, &digest);
    text[sizeof text - 1] = '\0';
    return name_of(shared, text);
}

struct words {
    const char *argv[8 + ENTRY_TAGS_MAX];
    size_t bytes[8 + ENTRY_TAGS_MAX];
    int argc;
};

static void say(struct words *words, const char *text, size_t bytes) {
    words->argv[words->argc] = text;
    words->bytes[words->argc++] = bytes;
}

static void say_word(struct words *words, const char *word) {
    say(words, word, strlen(word));
}

static void say_name(struct words *words, const struct name *name) {
    say(words, name->text, name->bytes);
}

static int send_words(struct redis_link *link, struct redis_command *command, const struct words *words) {
    return redis_send(link, command, words->argc, words->argv, words->bytes);
}

static struct moment moment_of(const struct shared *shared) {
    return (struct moment){core_now_ms(shared->core), shared->core->wall_us};
}

// ---- forgotten

static void remember(struct shared *shared, const uint64_t *tags, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        bool is_there = false;
        for (unsigned k = 0; k < shared->untold_count; k++)
            is_there |= shared->untold[k] == tags[i];
        if (is_there)
            continue;
        if (shared->untold_count == SHARED_UNTOLD_MAX)
            shared->is_all_untold = true;
        else
            shared->untold[shared->untold_count++] = tags[i];
    }
}

static void end_news(struct shared_news *news) {
    struct shared_waiter *waiter = news->waiter;
    free(news);
    if (!waiter)
        return;
    waiter->news = NULL;
    waiter->done(waiter);
}

static void news_answered(struct redis_command *command, const redisReply *reply) {
    struct shared_news *news = container_of(command, struct shared_news, command);
    bool is_known = reply && reply->type != REDIS_REPLY_ERROR;
    news->shared->figures.error_count += !is_known;
    if (!is_known)
        remember(news->shared, news->tags, news->count);
    end_news(news);
}

static int send_news(struct shared_news *news) {
    struct shared *shared = news->shared;
    struct name clock = name_of(shared, "clock"), channel = name_of(shared, "forget"), tags[ENTRY_TAGS_MAX];
    char count[12], seconds[12], told[17 * (ENTRY_TAGS_MAX + 1) + 1];
    struct words words = {0};
    say(&words, "EVAL", 4);
    say(&words, forgetting, sizeof forgetting - 1);
    snprintf(count, sizeof count, "%u", news->count + 1);
    snprintf(seconds, sizeof seconds, "%d", SHARED_TAGS_S);
    say_word(&words, count);
    say_name(&words, &clock);
    int bytes = snprintf(told, sizeof told, "%016" PRIx64, shared->options->process_id);
    for (unsigned i = 0; i < news->count; i++) {
        tags[i] = name_of_tag(shared, news->tags[i]);
        say_name(&words, &tags[i]);
        bytes += snprintf(told + bytes, sizeof told - (size_t)bytes, " %016" PRIx64, news->tags[i]);
    }
    say(&words, told, (size_t)bytes);
    say_word(&words, seconds);
    say_name(&words, &channel);
    return send_words(&shared->link, &news->command, &words);
}

// At most ENTRY_TAGS_MAX of them.
static bool tell(struct shared *shared, const uint64_t *tags, unsigned count, struct shared_waiter *waiter) {
    struct shared_news *news = calloc(1, sizeof *news);
    if (news) {
        *news = (struct shared_news){.command.done = news_answered, .shared = shared, .waiter = waiter, .count = count};
        memcpy(news->tags, tags, count * sizeof *tags);
        if (send_news(news) == 0) {
            if (waiter)
                waiter->news = news;
            return true;
        }
    }
    free(news);
    remember(shared, tags, count);
    return false;
}

bool shared_forget(struct shared *shared, const uint64_t *tags, unsigned count, struct shared_waiter *waiter) {
    bool is_told = false;
    shared->figures.forget_count += count;
    if (!shared_is_ready(shared))
        waiter = NULL;
    for (unsigned at = 0; at < count; at += ENTRY_TAGS_MAX) {
        bool is_last = count - at <= ENTRY_TAGS_MAX;
        is_told = tell(shared, tags + at, is_last ? count - at : ENTRY_TAGS_MAX, is_last ? waiter : NULL);
    }
    return is_told && waiter;
}

void shared_wait_no_more(struct shared_waiter *waiter) {
    if (waiter->news)
        waiter->news->waiter = NULL;
    waiter->news = NULL;
}

static void tell_untold(struct shared *shared) {
    static const uint64_t everything = TAG_EVERYTHING;
    uint64_t tags[SHARED_UNTOLD_MAX];
    unsigned count = shared->untold_count;
    bool is_all = shared->is_all_untold;
    memcpy(tags, shared->untold, count * sizeof *tags);
    shared->untold_count = 0;
    shared->is_all_untold = false;
    if (is_all)
        tell(shared, &everything, 1, NULL);
    for (unsigned at = 0; at < count && !is_all; at += ENTRY_TAGS_MAX)
        tell(shared, tags + at, count - at < ENTRY_TAGS_MAX ? count - at : ENTRY_TAGS_MAX, NULL);
}

// ---- asked for

static void finish(struct shared_lookup *lookup, struct cache_entry *entry) {
    lookup->entry = entry;
    lookup->shared->figures.hit_count += entry != NULL;
    lookup->done(lookup);
}

static uint64_t number_of(const redisReply *reply) {
    return reply->type == REDIS_REPLY_STRING ? strtoull(reply->str, NULL, 10) : 0;
}

static bool has_tag(const struct shared_lookup *lookup, uint64_t tag) {
    for (unsigned i = 0; i < lookup->tag_count; i++)
        if (lookup->tags[i] == tag)
            return true;
    return false;
}

// An entry may bear tags that were not asked for: those that a value was given.
static bool has_others(const struct shared_lookup *lookup, const struct cache_entry *entry) {
    for (unsigned i = 0; i < entry->tag_count; i++)
        if (!has_tag(lookup, entry_tag_numbers(entry)[i]))
            return true;
    return false;
}

static bool ask(struct shared_lookup *lookup);

// Of the entry's name, the clock, everything, and the tags: all of one moment.
static void judge(struct shared_lookup *lookup, const redisReply *reply) {
    struct shared *shared = lookup->shared;
    uint64_t latest = number_of(reply->element[1]), forgotten = number_of(reply->element[2]);
    for (unsigned i = 0; i < lookup->tag_count; i++) {
        uint64_t own = number_of(reply->element[3 + i]);
        forgotten = own > forgotten ? own : forgotten;
    }
    lookup->stamp = latest > forgotten ? latest : forgotten; // a clock that was lost is not behind what it said
    const redisReply *bytes = reply->element[0];
    struct cache_entry *entry =
        bytes->type == REDIS_REPLY_STRING ? blob_read((str){bytes->str, bytes->len}, lookup->key, moment_of(shared)) : NULL;
    if (entry && lookup->asked_count == 1 && has_others(lookup, entry)) {
        lookup->tag_count = entry->tag_count;
        memcpy(lookup->tags, entry_tag_numbers(entry), entry->tag_count * sizeof *lookup->tags);
        entry_release(entry);
        if (!ask(lookup))
            finish(lookup, NULL);
        return;
    }
    if (entry && (entry->stamp < forgotten || has_others(lookup, entry))) {
        entry_release(entry);
        entry = NULL;
    }
    finish(lookup, entry);
}

static void looked_up(struct redis_command *command, const redisReply *reply) {
    struct shared_lookup *lookup = container_of(command, struct shared_lookup, command);
    struct shared_figures *figures = &lookup->shared->figures;
    figures->late_count += !reply;
    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 + lookup->tag_count)
        return judge(lookup, reply);
    figures->error_count += reply != NULL;
    finish(lookup, NULL);
}

static bool ask(struct shared_lookup *lookup) {
    struct shared *shared = lookup->shared;
    struct name entry = name_of_entry(shared, lookup->key), clock = name_of(shared, "clock"),
                everything = name_of_tag(shared, TAG_EVERYTHING), tags[ENTRY_TAGS_MAX];
    struct words words = {0};
    say(&words, "MGET", 4);
    say_name(&words, &entry);
    say_name(&words, &clock);
    say_name(&words, &everything);
    for (unsigned i = 0; i < lookup->tag_count; i++) {
        tags[i] = name_of_tag(shared, lookup->tags[i]);
        say_name(&words, &tags[i]);
    }
    lookup->asked_count++;
    lookup->command = (struct redis_command){.done = looked_up, .answer_ms = shared->options->answer_ms};
    return send_words(&shared->link, &lookup->command, &words) == 0;
}

bool shared_look_up(struct shared *shared, struct shared_lookup *lookup, str key, const uint64_t *tags, unsigned tag_count) {
    assert(tag_count <= ENTRY_TAGS_MAX);
    lookup->shared = shared;
    lookup->entry = NULL;
    lookup->stamp = STAMP_UNKNOWN;
    lookup->command.link = NULL;
    if (!shared_is_ready(shared)) {
        shared->figures.late_count += !shared->is_lost;
        return false;
    }
    lookup->key = key;
    lookup->asked_count = 0;
    lookup->tag_count = tag_count;
    if (tag_count)
        memcpy(lookup->tags, tags, tag_count * sizeof *tags);
    shared->figures.lookup_count++;
    return ask(lookup);
}

void shared_look_up_no_more(struct shared_lookup *lookup) {
    redis_command_forget(&lookup->command);
}

// ---- made public

static void put_answered(struct redis_command *command, const redisReply *reply);

/** One for all: what is heard of a SET is counted, and nothing more. */
struct put {
    struct redis_command command;
    struct shared *shared;
};

static void put_answered(struct redis_command *command, const redisReply *reply) {
    struct put *put = container_of(command, struct put, command);
    put->shared->figures.error_count += reply && reply->type == REDIS_REPLY_ERROR;
    free(put);
}

void shared_put(struct shared *shared, const struct cache_entry *entry) {
    struct moment moment = moment_of(shared);
    int64_t ms = entry->dead_ms - moment.now_ms;
    struct buffer blob = {0};
    struct put *put = entry->stamp != STAMP_UNKNOWN && ms > 0 && shared_is_ready(shared) ? malloc(sizeof *put) : NULL;
    if (!put)
        return;
    *put = (struct put){.command.done = put_answered, .shared = shared};
    struct name name = name_of_entry(shared, entry_key(entry));
    char life[24];
    struct words words = {0};
    int error = blob_write(&blob, entry, moment);
    say(&words, "SET", 3);
    say_name(&words, &name);
    say(&words, buffer_head(&blob), buffer_bytes(&blob));
    say(&words, "PX", 2);
    snprintf(life, sizeof life, "%" PRId64, ms);
    say_word(&words, life);
    if (!error)
        error = send_words(&shared->link, &put->command, &words);
    if (error)
        free(put);
    else
        shared->figures.put_count++;
    buffer_finish(&blob);
}

// ---- the links

static void note_loss(struct shared *shared, const char *why) {
    if (shared->link.is_stopping || shared->is_lost)
        return;
    shared->is_lost = true;
    shared->events->changed(shared->arg, why);
}

static void note_return(struct shared *shared) {
    if (!shared->is_lost || shared->link.state != REDIS_UP || shared->listener.state != REDIS_UP)
        return;
    shared->is_lost = false;
    shared->events->changed(shared->arg, NULL);
}

static void link_up(struct redis_link *link) {
    struct shared *shared = container_of(link, struct shared, link);
    tell_untold(shared);
    note_return(shared);
}

static void link_down(struct redis_link *link, const char *why) {
    struct shared *shared = container_of(link, struct shared, link);
    shared->figures.error_count += !link->is_stopping;
    note_loss(shared, why);
}

static void subscribed(struct redis_command *command, const redisReply *reply) {
    struct shared *shared = container_of(command, struct shared, subscription);
    if (!reply)
        return;
    shared->events->doubt(shared->arg); // until now nobody told us
    note_return(shared);
}

static void listener_up(struct redis_link *link) {
    struct shared *shared = container_of(link, struct shared, listener);
    struct name channel = name_of(shared, "forget");
    struct words words = {0};
    shared->subscription = (struct redis_command){.done = subscribed};
    say(&words, "SUBSCRIBE", 9);
    say_name(&words, &channel);
    send_words(link, &shared->subscription, &words);
}

static void listener_down(struct redis_link *link, const char *why) {
    struct shared *shared = container_of(link, struct shared, listener);
    shared->figures.error_count += !link->is_stopping;
    note_loss(shared, why);
}

// "process tag tag ...", in hex.
static void listener_pushed(struct redis_link *link, const redisReply *reply) {
    struct shared *shared = container_of(link, struct shared, listener);
    const redisReply *payload = reply->element[2];
    if (payload->type != REDIS_REPLY_STRING)
        return;
    uint64_t tags[PUSHED_TAGS_MAX];
    unsigned count = 0;
    char *at = payload->str;
    if (strtoull(at, &at, 16) == shared->options->process_id)
        return; // its cores have told each other
    while (*at == ' ' && count < PUSHED_TAGS_MAX)
        tags[count++] = strtoull(at + 1, &at, 16);
    shared->events->forget(shared->arg, tags, count);
}

static const struct redis_link_events link_events = {.up = link_up, .down = link_down};
static const struct redis_link_events listener_events = {.up = listener_up, .down = listener_down, .pushed = listener_pushed};

static void link_stopped(struct redis_link *link) {
    struct shared *shared =
        link->events == &link_events ? container_of(link, struct shared, link) : container_of(link, struct shared, listener);
    if (--shared->running_count == 0)
        shared->stopped(shared->stopped_arg);
}

int shared_create(struct core *core, const struct shared_options *options, const struct shared_events *events, void *arg,
                  struct shared **ret_shared) {
    struct shared *shared = calloc(1, sizeof *shared);
    if (!shared)
        return -ENOMEM;
    shared->core = core;
    shared->options = options;
    shared->events = events;
    shared->arg = arg;
    struct redis_link *links[] = {&shared->link, &shared->listener};
    for (unsigned i = 0; i < 2; i++) {
        links[i]->core = core;
        links[i]->connector = options->connector;
        links[i]->address = options->address;
        links[i]->events = i ? &listener_events : &link_events;
        links[i]->reply_bytes_max = options->reply_bytes_max;
        shared->running_count++;
        redis_link_start(links[i]);
    }
    *ret_shared = shared;
    return 0;
}

void shared_stop(struct shared *shared, void (*done)(void *arg), void *arg) {
    shared->stopped = done;
    shared->stopped_arg = arg;
    redis_link_stop(&shared->link, link_stopped);
    redis_link_stop(&shared->listener, link_stopped);
}

void shared_destroy(struct shared *shared) {
    free(shared);
}

bool shared_is_ready(const struct shared *shared) {
    return redis_link_is_ready(&shared->link);
}

const struct shared_figures *shared_figures(const struct shared *shared) {
    return &shared->figures;
}
