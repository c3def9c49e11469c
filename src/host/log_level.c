// log_level.c — LOG_LEVEL_USERS: how much of one plugin is logged, whatever LOG_LEVEL says of all others.
#include "log_level.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

static const char *const names[] = {[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};

static int refuse(const struct variable *variable, const struct environment *environment, struct messages *messages) {
    str words = variable_words(variable, environment->arena);
    messages_add(messages, "leat: error: %.*s: Input should be 'debug', 'info', 'warning' or 'error'", (int)words.len,
                 words.ptr ? words.ptr : "");
    return -EINVAL;
}

int log_level_bind(const char *plugin, const struct environment *environment, struct messages *messages) {
    char name[sizeof "LOG_LEVEL_" + LOG_PLUGIN_BYTES_MAX];
    snprintf(name, sizeof name, "LOG_LEVEL_%s", plugin);
    const struct variable *variable = environment_find(environment, name);
    if (!variable)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (variable->value.len == strlen(names[i]) && strncasecmp(variable->value.ptr, names[i], variable->value.len) == 0)
            return log_set_plugin_level(plugin, (enum log_level)i) ? 0 : -ENOMEM;
    return refuse(variable, environment, messages);
}
