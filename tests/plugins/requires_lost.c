// requires_lost.c — requires a plugin that is nowhere.
#include <leat/leat.h>

PLUGIN(requires_lost, .requires = REQUIRES("nowhere"));
