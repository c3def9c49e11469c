// provides_number.c — provides a number to other plugins.
#include <leat/leat.h>

PROVIDE(get_number, i64, ()) {
    return 42;
}

PLUGIN(provides_number);
