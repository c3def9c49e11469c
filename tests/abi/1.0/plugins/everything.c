// everything.c — every declaration and call of version 1.0 of the interface in one plugin, for test_released.py, which builds it twice.
#include <stdatomic.h>
#include <string.h>

#include <leat/leat.h>

#ifdef BUILT_TODAY // with the headers of today, beside the one that is built with those of 1.0
#define NAME today
#define PREFIX "/today"
#define FILE_NAME "today"
#else
#define NAME released
#define PREFIX "/released"
#define FILE_NAME "released"
#endif
#define NAMED_PLUGIN(nm, ...) PLUGIN(nm, __VA_ARGS__)

// ---- data

SETTINGS(Everything, (str, greeting, .env = "EVERYTHING_GREETING", .def = "hello", .max_length = 40), (i32, depth, .def = 3, .ge = 1));

ENUM(Colour, red, green);
static const char *upper_first(req *r, str *s);
static const char *even(req *r LEAT_UNUSED, i64 *n) {
    return *n % 2 ? "must be even" : NULL;
}
SCHEMA(Part, (str, name, .min_length = 1), (i64_list, numbers, .max_items = 3));
SCHEMA(Whole, (str, title, .min_length = 2, .max_length = 20, .check = upper_first), (i64, count, .ge = 2, .le = 100, .check = even),
       (f64, share, .lt = 1.5, .def = 0.5), (bool, is_open, .def = true), (Colour, colour, .def = Colour_green), (uuid, id, .optional = true),
       (timestamp, at, .optional = true, .nullable = true), (json_value, rest, .optional = true), (Part, part), (Part_list, parts, .optional = true),
       (str, email, .format = EMAIL, .optional = true), (str, secret, .secret = true, .write_only = true, .optional = true));
VALIDATE(Whole, in) {
    return in->count == 42 ? "not that one" : NULL;
}
SCHEMA(Number, (i64, number));
LINES_OF(Number);
PAGE_OF(Number);
SCHEMA(Word, (str, word));
PARTIAL(Change, (str, first_name));
SCHEMA(Person, (uuid, id), (str, first_name));
SCHEMA(Note, (str, text, .optional = true));

ERROR(base_error, 409, "Base");
ERROR(teapot, 418, "Short and stout", .parent = &base_error, .headers = "X-Pot: yes");
ERROR(no_such_person, 404, "No such person");
ON_ERROR(base_error, e) {
    return json_text(r, format(r, "{\"detail\": \"%s, by ON_ERROR\"}", e->detail));
}

// ---- what is shared and what is around

IMPORT(get_current_user, uuid, "users");
PROVIDE(get_word, str, (query(str, word, .def = "none"), header(str, x_word, .optional = true))) {
    return x_word.ptr ? x_word : word;
}
PROVIDE(get_made, i64, (), .per_worker = true) {
    return 77;
}
PROVIDE(check_key, bool, (header(str, x_key, .optional = true)), .no_cache = true) {
    if (x_key.ptr && !str_eq(x_key, S("right")))
        http_fail(r, 403, "Wrong key");
    return true;
}
ON_REQUEST(stop_here, (header(str, x_stop, .optional = true)), .order = 5) {
    return x_stop.ptr ? text(r, S("stopped")) : NULL;
}
ON_RESPONSE(count_answers, answer) {
    set_header(r, "X-Status", format(r, "%u", answer->status));
}
ON_FAILURE(tell_failures, failure) {
    set_header(r, "X-Failure", format(r, "%u", failure->status));
    return NULL;
}

static struct counters {
    _Atomic i64 loads, starts, ticks, tasks, dones;
} *counters;
ON_START(begin, (depends(get_db, db))) {
    counters->starts += db_value(db, i64, "SELECT 1::bigint");
}
ON_STOP(end, ()) {
    log_info(r, "everything_ends", "plugin=" PREFIX);
}
EVERY(tick, 0.2, (), .at_start = true) {
    counters->ticks++;
}
TASK(remember, (str, word), (i64, times)) {
    if (str_eq(a->word, S("task")))
        counters->tasks += a->times;
}

// ---- routes

POST("/whole", echo_whole, Whole, (body(Whole, in)), .status = 201, .summary = "The same again", .guards = GUARDS(check_key)) {
    Whole *out = new (r, Whole);
    *out = *in;
    return out;
}

GET("/values/{number}/{name:path}", get_values, Word,
    (path(i64, number, .ge = 0), path(str, name), query(f64, share, .def = 0.25), query(i64_list, n, .max_items = 4), cookie(str, c, .optional = true),
     depends(get_word, word), depends(get_made, made))) {
    Word *out = new (r, Word);
    out->word = format(r, "%ld %.*s %g %zu %.*s %.*s %ld %.*s", (long)number, (int)name.len, name.ptr, share, n.n, (int)c.len, c.ptr, (int)word.len,
                       word.ptr, (long)made, (int)settings(Everything)->greeting.len, settings(Everything)->greeting.ptr);
    return out;
}

GET("/fails", fails, Number, (query(bool, known)), .errors = ERRORS(teapot)) {
    if (known)
        fail(r, teapot, "the text is the log's");
    http_fail(r, 402, "Pay");
}

GET("/people/first", first_person, Person, (depends(get_current_user, me), depends(get_db, db)), .errors = ERRORS(no_such_person)) {
    db_require(db, no_such_person, "SELECT 1 FROM users WHERE id = $1", me);
    Person_promise person = db_one_start(db, Person, "SELECT {*} FROM users WHERE id = $1", me);
    i64 count = db_value(db, i64, "SELECT count(*) FROM users WHERE first_name <> $1 AND created_at < $2 AND is_active = $3", S("nobody"),
                         timestamp_now(), true);
    Person *found = await(person);
    return count ? found : NULL;
}

PATCH("/people/first", change_person, Person, (body(Change, in), depends(get_current_user, me), depends(get_tx, db))) {
    return db_one(db, Person, "UPDATE users SET {set} WHERE id = $2 RETURNING {*}", SET(Change, in), me);
}

GET("/numbers", numbers, Number_page, (query(i64, limit, .def = 3), depends(get_db, db))) {
    Number_list *rows = db_list(db, Number, "SELECT n AS number FROM generate_series(1, $1::bigint) n", limit);
    Number_page *out = new (r, Number_page);
    out->data = *rows;
    out->pagination = (Pagination){1, limit, (i64)rows->n, 1};
    return out;
}

GET("/types", types, Word, (query(uuid, id), query(timestamp, at), depends(get_db, db))) {
    Word *out = db_one(db, Word, "SELECT concat_ws(' ', $1::text, $2::int, $3::bigint, $4::float8, $5::boolean, $6::uuid, $7::jsonb) AS word",
                       S("text"), (i32)1, (i64)2, 3.5, true, id, ((json_value){S("{\"a\": 1}")}));
    i64 year = db_value(db, i64, "SELECT extract(year FROM $1::timestamptz)::bigint", at);
    out->word = format(r, "%.*s %ld", (int)out->word.len, out->word.ptr, (long)year);
    return out;
}

GET("/cached", cached, Number, (query(i64, n)), .cache_s = 60, .cache_tags = "everything") {
    Number *out = new (r, Number);
    out->number = n + ++counters->dones;
    return out;
}
POST("/forget", forget, Empty, ()) {
    cache_forget(r, S("everything"));
    return NULL;
}
GET("/kept", kept, Number, ()) {
    Number *out = cache_get(r, Number, S(PREFIX ":kept"));
    if (!out) {
        out = new (r, Number);
        out->number = 5;
        cache_set(r, Number, S(PREFIX ":kept"), out, 60, S(""));
    }
    return out;
}

GET("/blocking", blocking, Number, (depends(get_db, db)), .blocking = true) {
    return db_one(db, Number, "SELECT 9::bigint AS number");
}

GET("/stream", streamed, Stream, ()) {
    Stream *out = stream(r, "text/plain");
    send_bytes(out, S("one "));
    sleep_ms(r, 20);
    send_format(out, "%s %d", "two", 3);
    return out;
}
GET("/events", some_events, Events, ()) {
    Events *out = events(r);
    Number number = {4};
    send_event(out, .event = S("first"), .data = S("a"), .id = S("1"), .retry_ms = 100);
    send_event_json(out, Number, &number);
    send_comment(out, S("end"));
    return out;
}
GET("/lines", some_lines, Number_lines, ()) {
    Number_lines *out = lines(r, Number);
    for (i64 i = 1; i <= 2; i++) {
        Number number = {i};
        send_line(out, Number, &number);
    }
    return out;
}
GET("/file/{name:path}", a_file, File, (path(str, name))) {
    return send_file(r, ".", name, .max_age_s = 5, .type = "text/plain");
}

POST("/upload", upload, Word, (file(f, .max_bytes = 100000), form(Note, in))) {
    str bytes = upload_bytes(r, f);
    upload_save(r, f, "kept", S(FILE_NAME), .replace = true);
    Word *out = new (r, Word);
    out->word = format(r, "%.*s %ld %.*s %.*s", (int)f->filename.len, f->filename.ptr, (long)f->size, (int)bytes.len, bytes.ptr,
                       (int)in->text.len, in->text.ptr);
    return out;
}
POST("/raw", raw, Number, (), .stream_body = true) {
    Number *out = new (r, Number);
    for (str piece; request_body_next(r, &piece);)
        out->number += (i64)piece.len;
    return out;
}

GET("/other", other, Word, (query(str, url))) {
    const http_answer *answer = http_get(r, http_answer, url, .headers = HEADERS({"X-Word", S("over there")}), .timeout_ms = 5000);
    Word *mine = http_get(r, Word, url, .headers = HEADERS({"X-Word", S("again")}), .optional = true);
    Word *out = new (r, Word);
    out->word = format(r, "%u %.*s", answer->status, mine ? (int)mine->word.len : 4, mine ? mine->word.ptr : "none");
    return out;
}

static void done(void *arg, enum outcome outcome) {
    if (outcome == OK)
        ++*(_Atomic i64 *)arg;
}
POST("/spawn", spawn_some, Response, (query(str, word))) {
    on_done(r, done, &counters->dones);
    spawn(r, remember, .word = word, .times = 2);
    put_cookie(r, "everything", S("1"), .max_age_s = 60, .http_only = true);
    set_status(r, 202);
    return respond(r, "text/plain", S("later"));
}
SCHEMA(Counts, (i64, loads), (i64, starts), (i64, ticks), (i64, tasks));
GET("/counts", counts, Counts, (), .tag = "figures", .hidden = true) {
    check_validators(r, .etag = header_of(r, "X-Etag"));
    Counts *out = new (r, Counts);
    *out = (Counts){counters->loads, counters->starts, counters->ticks, counters->tasks};
    return out;
}
GET("/where", where, Response, (depends(deadline, by))) {
    const leat_route *route = request_route(r);
    str method = request_method(r), path = request_path(r);
    bool has_time = by.us > timestamp_now().us;
    return text(r, format(r, "%.*s %.*s %s %s %d", (int)method.len, method.ptr, (int)path.len, path.ptr, route->path, LABEL(Colour, Colour_red).ptr,
                          has_time));
}
GET("/go", go, Response, ()) {
    return redirect(r, S(PREFIX "/where"));
}

static const char *upper_first(req *r, str *s) {
    if (s->len && s->ptr[0] >= 'a' && s->ptr[0] <= 'z') {
        char *copy = alloc(r, s->len);
        memcpy(copy, s->ptr, s->len);
        copy[0] ^= 32;
        s->ptr = copy;
    }
    return str_eq(*s, S("Wrong")) ? "is wrong" : NULL;
}

static int load(leat_host *host) {
    counters = host_state(host, "counters", sizeof *counters, 1);
    if (counters)
        counters->loads++;
    return !counters;
}

static const char *const needed[] = {"users", NULL};
NAMED_PLUGIN(NAME, .version = "1.0.0", .prefix = PREFIX, .tag = "everything", .description = "All of it", .requires = needed, .on_load = load);
