// headers.c — headers that handlers set where the server, a file or a stream has its own, for test_headers.py.
#include <leat/leat.h>

SCHEMA(Said, (str, text));
SETTINGS(Headers, (str, folder, .env = "HEADERS_FOLDER", .def = "."));

static Said *said(req *r) {
    Said *answer = new (r, Said);
    answer->text = S("said");
    return answer;
}

ON_RESPONSE(late, answer) {
    set_header(r, "Referrer-Policy", S("same-origin"));
}

GET("/own", own, Said, ()) {
    set_header(r, "x-frame-options", S("SAMEORIGIN"));
    set_header(r, "X-Content-Type-Options", S("nosniff"));
    set_header(r, "X-Request-ID", S("mine"));
    set_header(r, "Content-Type", S("application/hal+json"));
    return said(r);
}

GET("/none", none, Said, ()) {
    set_header(r, "X-Set", S("1"));
    drop_header(r, "x-set");
    drop_header(r, "X-Frame-Options");
    drop_header(r, "X-Content-Type-Options");
    return said(r);
}

GET("/again", again, Said, ()) {
    drop_header(r, "X-Frame-Options");
    set_header(r, "X-Frame-Options", S("SAMEORIGIN"));
    set_header(r, "Link", S("</a>"));
    set_header(r, "Link", S("</b>"));
    return said(r);
}

GET("/refused", refused, Said, (query(i64, which))) {
    if (which)
        drop_header(r, "Content-Type");
    drop_header(r, "Date");
    return said(r);
}

// What a client says, passed on without a look.
static Said *pass_on(req *r, str text) {
    set_header(r, "X-Tag", format(r, "tag=%.*s", (int)text.len, text.ptr));
    return said(r);
}

GET("/passed", passed, Said, (query(str, tag))) {
    return pass_on(r, tag);
}

GET("/passed/blocking", passed_blocking, Said, (query(str, tag)), .blocking = true) {
    return pass_on(r, tag);
}

GET("/passed/{tag}", passed_path, Said, (path(str, tag))) {
    return pass_on(r, tag);
}

POST("/passed", passed_body, Said, (body(Said, in))) {
    return pass_on(r, in->text);
}

POST("/passed/form", passed_form, Said, (form(Said, in))) {
    return pass_on(r, in->text);
}

GET("/broken", broken, Said, (query(str, tag, .optional = true))) {
    set_header(r, "X-Own", tag);
    set_header(r, "X-Tag", S("its own\r\nX-Injected: fault"));
    return said(r);
}

GET("/kept", kept, Said, (query(bool, none)), .cache_s = 60) {
    if (none)
        drop_header(r, "X-Frame-Options");
    else
        set_header(r, "X-Frame-Options", S("SAMEORIGIN"));
    set_header(r, "Content-Type", S("application/hal+json"));
    return said(r);
}

GET("/failed", failed, Said, ()) {
    set_header(r, "X-Frame-Options", S("SAMEORIGIN"));
    set_header(r, "Content-Type", S("image/png"));
    set_header(r, "Content-Encoding", S("br"));
    set_header(r, "Content-Disposition", S("attachment"));
    set_header(r, "X-Set", S("1"));
    http_fail(r, 404, "Not Found");
}

GET("/file", file, File, (), .timeout_ms = 5000) {
    set_header(r, "Cache-Control", S("private"));
    set_header(r, "ETag", S("\"mine\""));
    set_header(r, "Content-Disposition", S("inline"));
    const char *folder = format(r, "%.*s", (int)settings(Headers)->folder.len, settings(Headers)->folder.ptr).ptr;
    return send_file(r, folder, S("page.txt"), .max_age_s = 60, .download = S("other"), .type = "text/plain");
}

GET("/events", ticks, Events, ()) {
    set_header(r, "Cache-Control", S("no-cache"));
    drop_header(r, "X-Accel-Buffering");
    Events *out = events(r);
    send_comment(out, S("hello"));
    return out;
}

PLUGIN(headers, .prefix = "/headers");
