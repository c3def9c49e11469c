// activity.c — what a core can be busy with, by name: a route's handler, a task, an EVERY and its kin.
#include "app/activity.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct activity other = {.plugin = "", .name = "other", .kind = "", .method = "", .path = "", .file = ""};
static _Atomic(struct activity *) activities[ACTIVITIES_MAX] = {&other};
static atomic_uint count = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of adding

static bool is_equal(const struct activity *a, const struct activity *b) {
    return a->line == b->line && !strcmp(a->name, b->name) && !strcmp(a->path, b->path) && !strcmp(a->method, b->method) &&
           !strcmp(a->plugin, b->plugin) && !strcmp(a->file, b->file) && !strcmp(a->kind, b->kind);
}

// With the strings behind it, so that there is one thing to allocate.
static struct activity *make(const struct activity *wanted) {
    const char *const texts[] = {wanted->plugin, wanted->name, wanted->kind, wanted->method, wanted->path, wanted->file};
    enum { TEXTS = sizeof texts / sizeof *texts };
    size_t bytes = sizeof *wanted;
    for (size_t i = 0; i < TEXTS; i++)
        bytes += strlen(texts[i]) + 1;
    struct activity *made = malloc(bytes);
    if (!made)
        return NULL;
    *made = (struct activity){.line = wanted->line};
    const char **places[] = {&made->plugin, &made->name, &made->kind, &made->method, &made->path, &made->file};
    char *at = (char *)(made + 1);
    for (size_t i = 0; i < TEXTS; i++) {
        *places[i] = at;
        at = stpcpy(at, texts[i]) + 1;
    }
    return made;
}

static struct activity *find_or_make(const struct activity *wanted) {
    unsigned index = 1, end = atomic_load(&count);
    for (; index < end; index++)
        if (is_equal(activities[index], wanted))
            return activities[index];
    struct activity *made = end < ACTIVITIES_MAX ? make(wanted) : NULL;
    if (!made)
        return &other;
    atomic_store(&activities[end], made);
    atomic_store(&count, end + 1);
    return made;
}

struct activity *activity_of(const struct activity *wanted) {
    pthread_mutex_lock(&lock);
    struct activity *activity = find_or_make(wanted);
    pthread_mutex_unlock(&lock);
    return activity;
}

unsigned activity_count(void) {
    return atomic_load(&count);
}

struct activity *activity_at(unsigned index) {
    return atomic_load(&activities[index]);
}
