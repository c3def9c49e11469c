// survey.c — what all cores are at, asked from outside: each counts its own requests and says so.
#include "survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/server_state.h"

// What one core is asked. It is the core's from the post to the answer, which may come after nobody waits for it any more.
struct question {
    struct message message;
    struct survey *survey;
    struct worker *worker;
    bool is_out; // under the lock
    struct census census;
};

struct survey {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned out_count;
    struct question questions[];
};

static void on_question(struct message *message) {
    struct question *question = container_of(message, struct question, message);
    struct survey *survey = question->survey;
    app_census(question->worker->app, &question->census);
    pthread_mutex_lock(&survey->lock);
    question->is_out = false;
    survey->out_count--;
    pthread_cond_signal(&survey->changed);
    pthread_mutex_unlock(&survey->lock);
}

// Those of an earlier survey that are still out are on their way: they do as well.
static void ask(struct survey *survey) {
    for (unsigned i = 0; i < survey->server->options.worker_count; i++) {
        struct question *question = &survey->questions[i];
        pthread_mutex_lock(&survey->lock);
        bool is_out = question->is_out;
        question->is_out = true;
        survey->out_count += !is_out;
        pthread_mutex_unlock(&survey->lock);
        if (is_out || ring_post(question->worker->core.ring, &question->message) == 0)
            continue;
        pthread_mutex_lock(&survey->lock);
        question->is_out = false;
        survey->out_count--;
        memset(&question->census, 0, sizeof question->census);
        pthread_mutex_unlock(&survey->lock);
    }
}

void survey_take(struct survey *survey, struct census *ret_census, unsigned *ret_silent_count) {
    struct timespec due;
    ask(survey);
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_nsec += SURVEY_MS * 1000000L;
    due.tv_sec += due.tv_nsec / 1000000000;
    due.tv_nsec %= 1000000000;
    *ret_census = (struct census){0};
    pthread_mutex_lock(&survey->lock);
    while (survey->out_count && pthread_cond_timedwait(&survey->changed, &survey->lock, &due) != ETIMEDOUT)
        continue;
    *ret_silent_count = survey->out_count;
    for (unsigned i = 0; i < survey->server->options.worker_count; i++) {
        const struct question *question = &survey->questions[i];
        for (unsigned k = 0; !question->is_out && k < question->census.entry_count; k++)
            census_add(ret_census, &question->census.entries[k]);
        ret_census->uncounted += question->is_out ? 0 : question->census.uncounted;
    }
    pthread_mutex_unlock(&survey->lock);
}

int survey_create(struct server *server, struct survey **ret_survey) {
    unsigned count = server->options.worker_count;
    struct survey *survey = calloc(1, sizeof *survey + count * sizeof survey->questions[0]);
    if (!survey)
        return -ENOMEM;
    survey->server = server;
    pthread_mutex_init(&survey->lock, NULL);
    pthread_cond_init(&survey->changed, NULL);
    for (unsigned i = 0; i < count; i++)
        survey->questions[i] = (struct question){.message.run = on_question, .survey = survey, .worker = &server->workers[i]};
    *ret_survey = survey;
    return 0;
}

void survey_destroy(struct survey *survey) {
    if (!survey)
        return;
    pthread_mutex_destroy(&survey->lock);
    pthread_cond_destroy(&survey->changed);
    free(survey);
}
