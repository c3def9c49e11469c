// environment.c — settings as text: variables by name, any case, from several sources, the strongest first.
#include "environment.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

void environment_init(struct environment *environment, struct arena *arena) {
    *environment = (struct environment){.arena = arena};
}

static int put(struct environment *environment, enum environment_source source, str name, str value, const char *flag) {
    struct variable *variable = arena_alloc(environment->arena, sizeof *variable);
    if (!variable)
        return -ENOMEM;
    variable->source = source;
    variable->flag = flag;
    variable->name = arena_copy(environment->arena, name);
    variable->value = arena_copy(environment->arena, value);
    if (!variable->name.ptr || !variable->value.ptr)
        return -ENOMEM;
    variable->next = environment->first[source];
    environment->first[source] = variable;
    return 0;
}

int environment_put(struct environment *environment, enum environment_source source, str name, str value) {
    return put(environment, source, name, value, NULL);
}

int environment_put_flag(struct environment *environment, const char *name, str value, const char *flag) {
    return put(environment, FROM_FLAG, str_of(name), value, flag);
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

const struct variable *environment_find(const struct environment *environment, const char *name) {
    size_t bytes = strlen(name);
    for (unsigned source = 0; source < ENVIRONMENT_SOURCES; source++) {
        const struct variable *variable = find(environment->first[source], name, bytes, strncmp);
        if (!variable)
            variable = find(environment->first[source], name, bytes, strncasecmp);
        if (variable && variable->value.len)
            return variable;
    }
    return NULL;
}

str environment_value(const struct environment *environment, const char *name) {
    const struct variable *variable = environment_find(environment, name);
    return variable ? variable->value : (str){0};
}

str variable_words(const struct variable *variable, struct arena *arena) {
    static const char *const where[] = {
        [FROM_FLAG] = "on the command line",          [FROM_PROCESS] = "in the environment",   [FROM_FILE] = "in .env",
        [FROM_CONFIG] = "in the file of LEAT_CONFIG", [FROM_SERVER] = "as the server made it",
    };
    if (variable->flag)
        return arena_format(arena, "%s", variable->flag);
    return arena_format(arena, "%.*s %s", (int)variable->name.len, variable->name.ptr, where[variable->source]);
}
