// environment.c — settings as text: variables by name, any case, from several sources, the strongest first.
#include "environment.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

void environment_init(struct environment *environment, struct arena *arena) {
    *environment = (struct environment){.arena = arena};
}

int environment_put(struct environment *environment, enum environment_source source, str name, str value) {
    struct variable *variable = arena_alloc(environment->arena, sizeof *variable);
    if (!variable)
        return -ENOMEM;
    variable->name = arena_copy(environment->arena, name);
    variable->value = arena_copy(environment->arena, value);
    if (!variable->name.ptr || !variable->value.ptr)
        return -ENOMEM;
    variable->next = environment->first[source];
    environment->first[source] = variable;
    return 0;
}

int environment_import(struct environment *environment, char *const *variables) {
    for (; *variables; variables++) {
        const char *equals = strchr(*variables, '=');
        if (!equals)
            continue;
        str name = {*variables, (size_t)(equals - *variables)}, value = {equals + 1, strlen(equals + 1)};
        int status = environment_put(environment, FROM_PROCESS, name, value);
        if (status < 0)
            return status;
    }
    return 0;
}

typedef int compare_fn(const char *left, const char *right, size_t bytes);

static const struct variable *find(const struct variable *variable, const char *name, size_t bytes, compare_fn *compare) {
    while (variable && (variable->name.len != bytes || compare(variable->name.ptr, name, bytes)))
        variable = variable->next;
    return variable;
}

str environment_value(const struct environment *environment, const char *name, enum environment_source *ret_source) {
    size_t bytes = strlen(name);
    for (unsigned source = 0; source < ENVIRONMENT_SOURCES; source++) {
        const struct variable *variable = find(environment->first[source], name, bytes, strncmp);
        if (!variable)
            variable = find(environment->first[source], name, bytes, strncasecmp);
        if (!variable || !variable->value.len)
            continue;
        if (ret_source)
            *ret_source = source;
        return variable->value;
    }
    return (str){0};
}

const char *environment_source_words(enum environment_source source) {
    static const char *const words[] = {
        [FROM_FLAG] = "on the command line",
        [FROM_PROCESS] = "in the environment",
        [FROM_FILE] = "in .env",
        [FROM_SERVER] = "as the server made it",
    };
    return words[source];
}
