// older.c — made when PLUGIN had fewer options than now.
#include <stddef.h>

#include <leat/leat.h>

PLUGIN(older, .abi_minor = 0, .size = offsetof(leat_plugin, tag), .version = "0.9", .prefix = "/old", .tag = "not known then");
