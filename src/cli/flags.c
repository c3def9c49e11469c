// flags.c — the command line: flags that set variables, and the arguments that are left.
#include "cli/flags.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

enum { WORD_BYTES_MAX = 64, FLAGS_MAX = 64 };

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// How many letters have to be put in, taken out or changed (Levenshtein).
static size_t distance(const char *left, const char *right) {
    size_t bytes = strlen(right), row[WORD_BYTES_MAX + 1];
    if (bytes > WORD_BYTES_MAX || strlen(left) > WORD_BYTES_MAX)
        return WORD_BYTES_MAX;
    for (size_t j = 0; j <= bytes; j++)
        row[j] = j;
    for (size_t i = 0; left[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < bytes; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least(above + 1, row[j] + 1, diagonal + (left[i] != right[j]));
            diagonal = above;
        }
    }
    return row[bytes];
}

const char *nearest(const char *name, const char *const *names) {
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 2;
    for (; *names; names++) {
        size_t d = distance(name, *names);
        if (d < best_distance) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}

static const struct flag *find(const struct flag *flags, const char *name, size_t bytes) {
    for (; flags && flags->name; flags++)
        if (strlen(flags->name) == bytes && !memcmp(flags->name, name, bytes))
            return flags;
    return NULL;
}

static const struct flag *find_letter(const struct flag *flags, const char *argument) {
    for (; flags && flags->name; flags++)
        if (flags->letter && argument[1] == flags->letter && !argument[2])
            return flags;
    return NULL;
}

static void say_unknown(const struct flag *flags, const char *argument, struct messages *messages) {
    const char *names[FLAGS_MAX + 1] = {0};
    for (size_t i = 0; flags && flags[i].name && i < FLAGS_MAX; i++)
        names[i] = flags[i].name;
    size_t dashes = strspn(argument, "-");
    const char *near = nearest(argument + dashes, names);
    messages_add(messages, "leat: error: there is no flag %s; %s%s", argument, near ? "did you mean --" : "--help shows those there are",
                 near ? near : "");
}

static int set(const struct flag *flag, str value, struct environment *environment) {
    const struct variable *before = environment_find(environment, flag->variable);
    if (flag->is_repeatable && before && before->source == FROM_FLAG)
        value = arena_format(environment->arena, "%.*s%c%.*s", (int)before->value.len, before->value.ptr,
                             flag->variable[0] == '-' ? '\n' : ',', (int)value.len, value.ptr);
    const char *spelling = arena_format(environment->arena, "--%s", flag->name).ptr;
    return value.ptr && spelling ? environment_put_flag(environment, flag->variable, value, spelling) : -ENOMEM;
}

static int say_value(const struct flag *flag, const char *problem, struct messages *messages) {
    messages_add(messages, "leat: error: --%s %s", flag->name, problem);
    return -EINVAL;
}

// Takes one flag; moves `*cursor` behind its value where that is an argument of its own.
static int take(const struct flag *flags, char ***cursor, struct environment *environment, struct messages *messages) {
    const char *argument = **cursor;
    size_t bytes = strcspn(argument, "=");
    const char *given = argument[bytes] ? argument + bytes + 1 : NULL;
    const struct flag *flag = !strncmp(argument, "--", 2) ? find(flags, argument + 2, bytes - 2) : find_letter(flags, argument);
    if (!flag) {
        say_unknown(flags, argument, messages);
        return -EINVAL;
    }
    if (!flag->value)
        return given ? say_value(flag, "takes no value", messages) : set(flag, str_of(flag->sets), environment);
    if (!given && (*cursor)[1])
        given = *++*cursor;
    if (!given || !*given)
        return say_value(flag, "wants a value; --help shows which", messages);
    return set(flag, str_of(given), environment);
}

int flags_take(const struct flag *flags, char **arguments, struct environment *environment, struct messages *messages) {
    char **left = arguments;
    int status = 0;
    bool is_ended = false;
    for (char **cursor = arguments; *cursor; cursor++) {
        if (is_ended || **cursor != '-' || !(*cursor)[1]) {
            *left++ = *cursor;
            continue;
        }
        if (!strcmp(*cursor, "--help") || !strcmp(*cursor, "-h"))
            return 1;
        is_ended = !strcmp(*cursor, "--");
        if (is_ended)
            continue;
        int result = take(flags, &cursor, environment, messages);
        if (result == -ENOMEM)
            return result;
        status = result < 0 ? result : status;
    }
    *left = NULL;
    return status;
}
