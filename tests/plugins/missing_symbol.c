// missing_symbol.c — calls what a later server will have.
#include <leat/leat.h>

SCHEMA(Nothing, (i32, n));
int leat_of_a_later_version(void);

GET("/missing", missing, Nothing, ()) {
    Nothing *nothing = new (r, Nothing);
    nothing->n = leat_of_a_later_version();
    return nothing;
}

PLUGIN(missing_symbol);
