// relay.c — calls whatever server a test names, in every way a plugin can. For tests alone: it would lead strangers anywhere.
#include <leat/leat.h>

SCHEMA(Thing, (str, name, .min_length = 1), (i64, number, .ge = 0));
SCHEMA(Things, (Thing_list, things));
SCHEMA(Seen, (i64, status), (str, body), (str, kind, .nullable = true), (i64, header_count));
SCHEMA(Order, (str, item), (i64, count), (f64, price), (bool, express), (uuid, id), (timestamp, at), (str_list, tags),
       (str, note, .nullable = true, .alias = "remark"));
PARTIAL(OrderUpdate, (str, item), (i64, count));
SCHEMA(Callback, (str, url));

GET("/relay", relay, Thing,
    (query(str, url), query(i64, ms, .def = 0, .ge = 0), query(i64, bytes, .def = 0, .ge = 0), query(i64, redirects, .def = 0, .ge = 0)),
    .hidden = true) {
    return http_get(r, Thing, url, .timeout_ms = (uint32_t)ms, .max_bytes = (size_t)bytes, .redirects = (unsigned)redirects);
}

GET("/relay/soon", relay_soon, Thing, (query(str, url)), .timeout_ms = 200, .hidden = true) {
    return http_get(r, Thing, url);
}

GET("/relay/list", relay_list, Thing_list, (query(str, url)), .hidden = true) {
    return http_get(r, Thing_list, url);
}

GET("/relay/json", relay_json, Response, (query(str, url)), .hidden = true) {
    return json_text(r, http_get(r, json_value, url)->raw);
}

static Seen *seen(req *r, const http_answer *answer) {
    Seen *out = new (r, Seen);
    str kind = http_answer_header(answer, "content-type");
    *out = (Seen){.status = answer->status, .body = answer->body, .kind = kind, .header_count = (i64)answer->header_count};
    out->null.kind = !kind.ptr;
    return out;
}

GET("/relay/raw", relay_raw, Seen, (query(str, url), query(i64, redirects, .def = 0, .ge = 0)), .hidden = true) {
    return seen(r, http_get(r, http_answer, url, .redirects = (unsigned)redirects, .bearer = S("secret-token"),
                            .headers = HEADERS({"X-Api-Key", S("secret-key")})));
}

GET("/relay/optional", relay_optional, Things, (query(str, url)), .hidden = true) {
    Thing *thing = http_get(r, Thing, url, .optional = true, .timeout_ms = 200);
    Things *out = new (r, Things);
    if (thing)
        out->things = (Thing_list){thing, 1};
    return out;
}

ERROR(no_such_thing, 404, "No such thing");
GET("/relay/found", relay_found, Thing, (query(str, url)), .errors = ERRORS(no_such_thing), .hidden = true) {
    Thing *thing = http_get(r, Thing, url, .null_on = 404);
    if (!thing)
        fail(r, no_such_thing);
    return thing;
}

POST("/relay/stranger", relay_stranger, Thing, (body(Callback, in)), .hidden = true) {
    return http_get(r, Thing, in->url, .untrusted = "body.url", .redirects = 2);
}

POST("/relay/careless", relay_careless, Thing, (body(Callback, in)), .hidden = true) {
    return http_get(r, Thing, in->url);
}

GET("/relay/authors-own", relay_authors_own, Thing, (), .hidden = true) {
    return http_get(r, Thing, S("not a URL"));
}

POST("/relay/json", relay_post, Seen, (query(str, url), body(Order, in), query(i64, redirects, .def = 0, .ge = 0)), .hidden = true) {
    return seen(r, http_post(r, http_answer, url, json_body(Order, in), .redirects = (unsigned)redirects));
}

PUT("/relay/form", relay_form, Seen, (query(str, url), body(Order, in)), .hidden = true) {
    return seen(r, http_put(r, http_answer, url, form_body(Order, in)));
}

PATCH("/relay/part", relay_part, Seen, (query(str, url), body(OrderUpdate, in)), .hidden = true) {
    return seen(r, http_patch(r, http_answer, url, json_body(OrderUpdate, in)));
}

POST("/relay/bytes", relay_bytes, Seen, (query(str, url)), .hidden = true) {
    return seen(r, http_post(r, http_answer, url, bytes_body("text/csv", request_body(r))));
}

DELETE("/relay", relay_delete, Empty, (query(str, url)), .hidden = true) {
    return http_delete(r, Empty, url);
}

POST("/relay/header", relay_header, Seen, (query(str, url), body(Callback, value)), .hidden = true) {
    return seen(r, http_get(r, http_answer, url, .headers = HEADERS({"X-Given", value->url})));
}

enum { MANY_MAX = 100 };

GET("/relay/many", relay_many, Things, (query(str, url), query(i64, count, .def = 3, .ge = 1, .le = MANY_MAX)), .hidden = true) {
    Thing_promise promises[MANY_MAX];
    for (i64 i = 0; i < count; i++)
        promises[i] = http_get_start(r, Thing, url);
    Things *out = new (r, Things);
    out->things = (Thing_list){alloc(r, (size_t)count * sizeof(Thing)), (size_t)count};
    for (i64 i = count - 1; i >= 0; i--)
        out->things.items[i] = *await(promises[i]);
    return out;
}

// One fails while the others are under way.
GET("/relay/one-fails", relay_one_fails, Thing, (query(str, url), query(str, bad)), .hidden = true) {
    Thing_promise slow = http_get_start(r, Thing, url), other = http_get_start(r, Thing, url);
    http_get(r, Thing, bad);
    await(other);
    return await(slow);
}

TASK(tell_later, (str, url)) {
    Thing *thing = http_get(r, Thing, a->url);
    log_info(r, "told", "name=%.*s", (int)thing->name.len, thing->name.ptr);
}

POST("/relay/task", relay_task, Empty, (body(Callback, in)), .hidden = true) {
    spawn(r, tell_later, .url = in->url);
    return NULL;
}

// Password hashing and a query wait in other ways than a call does.
GET("/relay/mixed", relay_mixed, Thing, (query(str, url)), .hidden = true) {
    Thing_promise promise = http_get_start(r, Thing, url);
    str hash = password_hash(r, S("Secure123"));
    return hash.len ? await(promise) : NULL;
}

// On a worker thread: a call goes over to the core and back.
GET("/relay/blocking", relay_blocking, Thing, (query(str, url)), .blocking = true, .hidden = true) {
    Thing *first = http_get(r, Thing, url);
    Thing_promise second = http_get_start(r, Thing, url);
    return await(second)->number == first->number ? first : NULL;
}

PLUGIN(relay, .description = "Calls to other servers, for tests");
