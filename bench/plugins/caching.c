// caching.c — cached routes of every kind, for the benchmark of a hit and for the tests: each answer tells how often it was made.
#include <stdatomic.h>
#include <string.h>

#include <leat/leat.h>

SCHEMA(Cached, (str, message));
SCHEMA(Making, (i64, number), (str, of));
SCHEMA(Numbered, (i64, id), (i64, number));
SCHEMA(Window, (i32, limit, .def = 20), (i32, page, .def = 1));

static atomic_llong made;

static Making *make(req *r, str of) {
    Making *making = new (r, Making);
    *making = (Making){.number = atomic_fetch_add(&made, 1) + 1, .of = of};
    return making;
}

// The same as /json, from the cache.
GET("/cached", cached_json, Cached, (), .cache_s = 3600) {
    Cached *message = new (r, Cached);
    message->message = S("Hello, World!");
    return message;
}

GET("/caching/plain", caching_plain, Making, (query(str, q, .optional = true)), .cache_s = 60, .cache_tags = "plain") {
    return make(r, q);
}

GET("/caching/items/{id}", caching_item, Numbered, (path(i64, id), query(i32, limit, .def = 20), query(str_list, tag, .optional = true)),
    .cache_s = 60, .cache_tags = "items, item:{id}") {
    Numbered *item = new (r, Numbered);
    if (id == 404)
        http_fail(r, 404, "No such item");
    (void)limit, (void)tag;
    *item = (Numbered){.id = id, .number = atomic_fetch_add(&made, 1) + 1};
    return item;
}

GET("/caching/window", caching_window, Making, (query_model(Window, window)), .cache_s = 60) {
    return make(r, format(r, "%d of %d", window->page, window->limit));
}

GET("/caching/language", caching_language, Making, (header(str, accept_language, .optional = true), cookie(str, theme, .optional = true)),
    .cache_s = 60) {
    set_header(r, "Content-Language", accept_language.len ? accept_language : S("en"));
    return make(r, theme);
}

GET("/caching/short", caching_short, Making, (), .cache_s = 1) {
    return make(r, S("short"));
}

GET("/caching/stale", caching_stale, Making, (), .cache_s = 1, .cache_stale_s = 60) {
    return make(r, S("stale"));
}

// What takes its time, so that others come meanwhile; `fails` of them end in a failure.
GET("/caching/slow/{key}", caching_slow, Making, (path(str, key), query(i32, fails, .def = 0), depends(get_db, db)), .cache_s = 60,
    .cache_tags = "slow") {
    Making *making = make(r, key);
    db_value(db, str, "SELECT pg_sleep(0.5)::text");
    if (fails)
        http_fail(r, 409, "It failed");
    return making;
}

GET("/caching/large", caching_large, Response, (query(i32, bytes, .ge = 0, .le = 67108864)), .cache_s = 60) {
    char *body = alloc(r, (size_t)bytes + 1);
    for (i32 i = 0; i < bytes; i++)
        body[i] = (char)('a' + i % 26);
    return text(r, (str){body, (size_t)bytes});
}

GET("/caching/listing", caching_listing, Making, (), .cache_s = 60, .cache_tags = "listing") {
    return make(r, S("something that is said again and again, again and again, again and again"));
}

GET("/caching/cookie", caching_cookie, Making, (), .cache_s = 60) {
    set_cookie(r, "seen", S("yes"), NULL);
    return make(r, S("cookie"));
}

GET("/caching/private", caching_private, Making, (), .cache_s = 60) {
    set_header(r, "Cache-Control", S("no-store"));
    return make(r, S("private"));
}

GET("/caching/undeclared", caching_undeclared, Making, (), .cache_s = 60) {
    return make(r, header_of(r, "X-Undeclared"));
}

GET("/caching/me", caching_me, Making, (depends(bearer_token, token)), .cache_s = 60, .cache_stale_s = 60, .cache_per_user = true) {
    str subject;
    if (!jwt_check(r, token, &subject))
        http_fail(r, 403, "Invalid token");
    return make(r, subject);
}

SCHEMA(Part, (str, name), (bool, good), (f64_list, weights));
SCHEMA(Whole, (i64, number), (str, note, .nullable = true), (Part_list, parts), (timestamp, made_at));

static Whole *make_whole(req *r, str name) {
    Whole *whole = new (r, Whole);
    f64 weights[] = {0.5, -1e300, 3};
    Part parts[] = {{.name = name, .good = true, .weights = {weights, 3}}, {.name = S(""), .weights = {0}}};
    whole->number = atomic_fetch_add(&made, 1) + 1;
    whole->null.note = true;
    whole->made_at = timestamp_now();
    whole->parts = (Part_list){alloc(r, sizeof parts), 2};
    memcpy(whole->parts.items, parts, sizeof parts);
    whole->parts.items[0].weights.items = memcpy(alloc(r, sizeof weights), weights, sizeof weights);
    return whole;
}

// A value that a handler keeps; `slow` of them are made while others forget.
GET("/caching/values/{key}", caching_value, Whole, (path(str, key), query(bool, slow, .def = false), depends(get_db, db))) {
    Whole *whole = cache_get(r, Whole, key);
    if (whole)
        return whole;
    whole = make_whole(r, key);
    if (slow)
        db_value(db, str, "SELECT pg_sleep(0.5)::text");
    cache_set(r, Whole, key, whole, 60, format(r, "values,value:%.*s", (int)key.len, key.ptr));
    return whole;
}

POST("/caching/forget/{tag}", caching_forget, Empty, (path(str, tag))) {
    cache_forget(r, tag);
    return NULL;
}

PLUGIN(caching, .version = "1.0.0", .tag = "bench");
