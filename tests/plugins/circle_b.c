// circle_b.c — requires circle_a, which requires it.
#include <leat/leat.h>

PLUGIN(circle_b, .requires = (const char *const[]){"circle_a", NULL});
