// circle_a.c — requires circle_b, which requires it.
#include <leat/leat.h>

PLUGIN(circle_a, .requires = REQUIRES("circle_b"));
