// hooked.c — a cached route behind middleware, for the tests: each request is seen, whoever answers it.
#include <leat/leat.h>

SCHEMA(Count, (i64, number));

ON_REQUEST(ask_for_word, ()) {
    if (!str_eq(header_of(r, "X-Word"), S("open")))
        http_fail(r, 403, "The word is another");
    set_header(r, "X-Asked", S("yes"));
    return NULL;
}

ON_RESPONSE(tell_status, answer) {
    set_header(r, "X-Seen", format(r, "%u", answer->status));
}

GET("/hooked/cached", hooked_cached, Count, (), .cache_s = 60) {
    static i64 count;
    Count *made = new (r, Count);
    made->number = ++count;
    return made;
}

PLUGIN(hooked, .version = "1.0.0", .tag = "bench");
