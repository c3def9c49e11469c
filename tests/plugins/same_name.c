// same_name.c — another file, the same name.
#include <leat/leat.h>

PLUGIN(good);
