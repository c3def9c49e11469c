// answers.c — every kind of answer, for test_answers.py.
#include <string.h>

#include <leat/leat.h>

SCHEMA(Row, (i64, id), (str, title));
LINES_OF(Row);
SETTINGS(Answers, (str, folder, .env = "ANSWERS_FOLDER", .def = "."));

static const char *folder(req *r) {
    str name = settings(Answers)->folder;
    return format(r, "%.*s", (int)name.len, name.ptr).ptr;
}

// ---- files

GET("/files/{name:path}", get_file, File, (path(str, name))) {
    return send_file(r, folder(r), name, .index = "index.html");
}

GET("/cached/{name:path}", get_cached, File, (path(str, name))) {
    return send_file(r, folder(r), name, .max_age_s = 60, .precompressed = true);
}

GET("/saved/{name:path}", save_file, File, (path(str, name), query(str, as))) {
    return send_file(r, folder(r), name, .download = as, .type = "application/octet-stream");
}

GET("/another", another_status, File, (), .produces = "text/plain") {
    set_status(r, 203);
    return send_file(r, folder(r), S("text.txt"));
}

GET("/lost", lost, File, ()) {
    return send_file(r, "/nowhere/at/all", S("hello.txt"));
}

// ---- pieces

GET("/pieces", pieces, Stream, (query(i64, count), query(i64, bytes, .def = 10), query(i64, pause_ms, .def = 0))) {
    Stream *out = stream(r, "text/plain; charset=utf-8");
    char *piece = alloc(r, (size_t)bytes);
    memset(piece, 'x', (size_t)bytes);
    for (i64 i = 0; i < count; i++) {
        send_bytes(out, (str){piece, (size_t)bytes});
        if (pause_ms)
            sleep_ms(r, pause_ms);
    }
    return out;
}

GET("/formatted", formatted, Stream, (query(i64, count)), .produces = "text/csv") {
    Stream *out = stream(r, "text/csv");
    set_header(r, "X-Set", S("yes"));
    for (i64 i = 0; i < count; i++)
        send_format(out, "%ld,%0*d\n", (long)i, (int)i, 0);
    return out;
}

ERROR(broken, 409, "Broken");
GET("/breaks", breaks, Stream, (query(i64, behind), depends(get_db, db)), .errors = ERRORS(broken)) {
    Stream *out = stream(r, "text/plain");
    for (i64 i = 0; i < behind; i++)
        send_bytes(out, S("good\n"));
    if (behind < 3)
        fail(r, broken);
    db_value(db, i64, "SELECT 1 / $1::bigint", (i64)0);
    return out;
}

static i64 live, ended[3];
static void on_end(void *arg LEAT_UNUSED, enum outcome outcome) {
    __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&ended[outcome], 1, __ATOMIC_RELAXED);
}

SCHEMA(Counts, (i64, live), (i64, ok), (i64, failed), (i64, cancelled));
GET("/counts", counts, Counts, ()) {
    Counts *c = new (r, Counts);
    *c = (Counts){.live = live, .ok = ended[OK], .failed = ended[FAILED], .cancelled = ended[CANCELLED]};
    return c;
}

GET("/endless", endless, Stream, (query(i64, pause_ms, .def = 0))) {
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    on_done(r, on_end, NULL);
    static const char bytes[16384] = "0123";
    Stream *out = stream(r, "application/octet-stream");
    for (;;) {
        send_bytes(out, (str){bytes, sizeof bytes});
        if (pause_ms)
            sleep_ms(r, pause_ms);
    }
    return out;
}

GET("/stuck", stuck, Stream, (depends(get_db, db)), .timeout_ms = 500) {
    Stream *out = stream(r, "text/plain");
    send_bytes(out, S("begun"));
    db_exec(db, "SELECT pg_sleep(20)");
    return out;
}

GET("/twice", twice, Stream, ()) {
    stream(r, "text/plain");
    return stream(r, "text/plain");
}

GET("/nothing", nothing, Stream, (query(bool, begun))) {
    return begun ? stream(r, "text/plain") : NULL;
}

POST("/committed", committed, Stream, (query(bool, again), depends(get_tx, db))) {
    db_exec(db, "SELECT set_config('leat.test', '1', true)");
    Stream *out = stream(r, "text/plain");
    send_bytes(out, S("one"));
    if (again)
        db_exec(db, "SELECT set_config('leat.test', '2', true)");
    send_bytes(out, S("two"));
    return out;
}

// ---- events

GET("/ticks", ticks, Events, (query(i64, count, .def = 1000000), query(i64, pause_ms, .def = 20))) {
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    on_done(r, on_end, NULL);
    Events *out = events(r);
    for (i64 i = 0; i < count; i++) {
        Row row = {.id = i, .title = S("tick")};
        send_event_json(out, Row, &row, .event = S("tick"), .id = format(r, "%ld", (long)i));
        sleep_ms(r, pause_ms);
    }
    return out;
}

GET("/event", one_event, Events,
    (query(str, event, .optional = true), query(str, data, .optional = true), query(str, id, .optional = true))) {
    Events *out = events(r);
    send_event(out, .event = event, .data = data, .id = id, .retry_ms = 1500);
    send_comment(out, S("bye\nnow"));
    return out;
}

GET("/waits", waits, Events, ()) {
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    on_done(r, on_end, NULL);
    Events *out = events(r);
    sleep_ms(r, 3600 * 1000);
    return out;
}

// ---- JSON Lines

GET("/rows", rows, Row_lines, (query(i64, count))) {
    Row_lines *out = lines(r, Row);
    for (i64 i = 0; i < count; i++) {
        Row row = {.id = i, .title = S("a \"title\"")};
        send_line(out, Row, &row);
    }
    return out;
}

// ---- time

SCHEMA(Slept, (i64, ms));
GET("/sleep", sleeps, Slept, (query(i64, ms)), .timeout_ms = 1000) {
    timestamp before = timestamp_now();
    sleep_ms(r, ms);
    Slept *answer = new (r, Slept);
    answer->ms = (timestamp_now().us - before.us) / 1000;
    return answer;
}

static void count(req *r) {
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    on_done(r, on_end, NULL);
}

GET("/waits/on/time", waits_on_time, Slept, (query(i64, ms)), .timeout_ms = 60000) {
    count(r);
    sleep_ms(r, ms);
    return new (r, Slept);
}

GET("/waits/on/postgres", waits_on_postgres, Slept, (query(i64, ms), depends(get_db, db)), .timeout_ms = 60000) {
    count(r);
    db_exec(db, "SELECT pg_sleep($1::float8 / 1000)", (f64)ms);
    return new (r, Slept);
}

// ---- values, redirects, cookies, conditions

GET("/value", value, json_value, (query(str, json))) {
    json_value *answer = new (r, json_value);
    answer->raw = json;
    return answer;
}

GET("/redirect", redirects, Response, (query(i64, status, .def = 307), query(str, to)), .status = 307) {
    return redirect_as(r, (unsigned)status, to);
}

GET("/cookies", cookies, Response, (query(str, kind))) {
    if (str_eq(kind, S("session")))
        put_cookie(r, "session", S("abc"), .max_age_s = 3600, .http_only = true, .secure = true, .same_site = SAME_SITE_STRICT);
    else if (str_eq(kind, S("plain")))
        put_cookie(r, "theme", S("dark"), .path = "/app", .domain = "example.org");
    else if (str_eq(kind, S("drop")))
        drop_cookie(r, "session", .path = "/app");
    else if (str_eq(kind, S("none")))
        put_cookie(r, "third", S("1"), .same_site = SAME_SITE_NONE);
    else if (str_eq(kind, S("host")))
        put_cookie(r, "__Host-id", S("1"), .secure = true, .path = "/app");
    else
        put_cookie(r, "echo", kind);
    return text(r, S("ok"));
}

static i64 version = 1;
GET("/versioned", versioned, Response, (query(i64, bytes, .def = 10)), .produces = "text/plain, application/x-v+json") {
    check_validators(r, .etag = format(r, "v%ld", (long)version), .modified = (timestamp){1700000000000000});
    char *body = alloc(r, (size_t)bytes);
    memset(body, 'v', (size_t)bytes);
    return text(r, (str){body, (size_t)bytes});
}

PUT("/versioned", put_version, Empty, ()) {
    check_validators(r, .etag = format(r, "v%ld", (long)version));
    version++;
    return NULL;
}

// ---- bodies to compress

SCHEMA(Long, (str_list, words));
GET("/long", long_value, Long, (query(i64, words))) {
    Long *answer = new (r, Long);
    answer->words = (str_list){alloc(r, (size_t)words * sizeof(str)), (size_t)words};
    for (i64 i = 0; i < words; i++)
        answer->words.items[i] = format(r, "word %ld", (long)i);
    return answer;
}

GET("/body", typed_body, Response, (query(i64, bytes), query(i64, kind, .def = 0))) {
    static const char *const types[] = {"text/plain", "image/png", "application/octet-stream", "application/json"};
    char *body = alloc(r, (size_t)bytes);
    memset(body, 'b', (size_t)bytes);
    if (kind == 3)
        set_header(r, "Content-Encoding", S("zstd"));
    if (kind == 4)
        set_header(r, "Cache-Control", S("no-transform"));
    return respond(r, types[kind & 3], (str){body, (size_t)bytes});
}

PLUGIN(answers, .prefix = "/answers");
