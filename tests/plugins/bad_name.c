// bad_name.c — a name that cannot stand in a message, a metric or a variable.
#include <leat/leat.h>

PLUGIN(bad_name, .name = "no name; DROP");
