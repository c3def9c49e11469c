// bad_prefix.c — a prefix that would make paths with two slashes.
#include <leat/leat.h>

PLUGIN(bad_prefix, .prefix = "/v1/");
