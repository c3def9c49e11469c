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

GET("/another", another_status, File, ()) {
    set_status(r, 203);
    return send_file(r, folder(r), S("text.txt"));
}

GET("/lost", lost, File, ()) {
    return send_file(r, "/nowhere/at/all", S("hello.txt"));
}

PLUGIN(answers, .prefix = "/answers");
