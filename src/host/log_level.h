// log_level.h — LOG_LEVEL_USERS: how much of one plugin is logged, whatever LOG_LEVEL says of all others.
#ifndef HOST_LOG_LEVEL_H
#define HOST_LOG_LEVEL_H

#include "host/environment.h"
#include "host/messages.h"

/** Before the plugin's routes are compiled, which keep it. 0, without such a variable too; -EINVAL and a message; -ENOMEM. */
int log_level_bind(const char *plugin, const struct environment *environment, struct messages *messages);

#endif
