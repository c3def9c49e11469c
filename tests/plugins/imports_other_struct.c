// imports_other_struct.c — imports a struct that has other members than in the plugin that provides it: both were built apart.
#include <leat/leat.h>

ENUM(Colour, red, blue);
SCHEMA(Shared, (i64, id), (Colour, colour), (str, name));
IMPORT(get_shared, Shared *, "provides_number");

GET("/shared", shared, Shared, (depends(get_shared, s))) {
    return s;
}

PLUGIN(imports_other_struct, .requires = REQUIRES("provides_number"));
