// around.c — middleware around every route, for the benchmark of what it costs: it looks at each request, and puts its word on each answer.
#include <leat/leat.h>

ON_REQUEST(refuse_the_banned, (header(str, x_client, .optional = true)), .scope = ALL_PLUGINS) {
    if (x_client.len && str_eq(x_client, S("banned")))
        http_fail(r, 403, "This client is not served");
    return NULL;
}

ON_RESPONSE(tell_version, answer, .scope = ALL_PLUGINS) {
    set_header(r, "X-API-Version", S("1.0.0"));
}

PLUGIN(around, .version = "1.0.0", .tag = "bench");
