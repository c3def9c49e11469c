// activity.h — what a core can be busy with, by name: a route's handler, a task, an EVERY and its kin.
//
// Made when a route is compiled and never freed, the same one in every generation of its plugin: so whoever looks from outside, another
// thread or the handler of a fatal signal, may read one at any time, whatever became of the plugin.
#ifndef APP_ACTIVITY_H
#define APP_ACTIVITY_H

#include <stdatomic.h>
#include <stdint.h>

struct activity {
    const char *plugin, *name; // of the handler, or the task
    const char *kind;          // "task", "EVERY", "ON_START"; "" of a route
    const char *method, *path; // of a route; "" of all others
    const char *file;
    unsigned line;
    _Atomic(uint64_t) held_count, held_ms; // how often, and how long, it kept its core from turning
};

enum { ACTIVITIES_MAX = 8192 }; // those beyond are one, called "other"

/** The one that is equal to `wanted`, its figures aside; made where there is none. Never NULL. Any thread. */
struct activity *activity_of(const struct activity *wanted);
unsigned activity_count(void);
struct activity *activity_at(unsigned index);

#endif
