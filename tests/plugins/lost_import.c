// lost_import.c — imports what no plugin provides.
#include <leat/leat.h>

IMPORT(get_nobody, uuid, "good");
SCHEMA(Lost, (uuid, id));

GET("/lost", lost, Lost, (depends(get_nobody, id))) {
    Lost *answer = new (r, Lost);
    answer->id = id;
    return answer;
}

PLUGIN(lost_import);
