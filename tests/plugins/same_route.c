// same_route.c — wants a path that another plugin has.
#include <leat/leat.h>

SCHEMA(Other, (str, text));

GET("/greeting/{who}", other_greet, Other, (path(str, who))) {
    Other *answer = new (r, Other);
    answer->text = who;
    return answer;
}

PLUGIN(same_route, .prefix = "/v1");
