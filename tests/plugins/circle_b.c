// circle_b.c — requires circle_a, which requires it.
#include <leat/leat.h>

PLUGIN(circle_b, .requires = REQUIRES("circle_a"));
