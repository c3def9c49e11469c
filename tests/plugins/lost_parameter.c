// lost_parameter.c — a path that lacks its parameter, built without the optimiser that would have said so.
#include <leat/leat.h>

SCHEMA(Found, (i64, id));

GET("/found", found, Found, (path(i64, id))) {
    Found *answer = new (r, Found);
    answer->id = id;
    return answer;
}

PLUGIN(lost_parameter);
