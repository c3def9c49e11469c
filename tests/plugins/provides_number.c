// provides_number.c — provides a number, and a struct, to other plugins.
#include <leat/leat.h>

ENUM(Colour, red, green);
SCHEMA(Shared, (i64, id), (Colour, colour), (str, name));

PROVIDE(get_number, i64, ()) {
    return 42;
}
PROVIDE(get_shared, Shared *, ()) {
    return new (r, Shared);
}

PLUGIN(provides_number);
