// provider_circle.c — two providers, each of which wants the other first.
#include <leat/leat.h>

PROVIDER(get_hen, i64);
PROVIDE(get_egg, i64, (depends(get_hen, hen))) {
    return hen + 1;
}
PROVIDE(get_hen, i64, (depends(get_egg, egg))) {
    return egg + 1;
}
SCHEMA(Coop, (i64, eggs));

GET("/coop", coop, Coop, (depends(get_egg, eggs))) {
    Coop *answer = new (r, Coop);
    answer->eggs = eggs;
    return answer;
}

PLUGIN(provider_circle);
