// imports_text.c — imports a number as something else.
#include <leat/leat.h>

IMPORT(get_number, uuid, "provides_number");
SCHEMA(Numbered, (uuid, id));

GET("/numbered", numbered, Numbered, (depends(get_number, id))) {
    Numbered *answer = new (r, Numbered);
    answer->id = id;
    return answer;
}

PLUGIN(imports_text, .requires = REQUIRES("provides_number"));
