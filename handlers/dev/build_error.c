// build_error.c — while a build has failed, every page that a browser asks for says what the compiler said. Loaded by `leat dev` alone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <leat/leat.h>

enum { TEXT_BYTES_MAX = 64 << 10 };

// What `leat dev` left in the file that LEAT_BUILD_ERROR names, for as long as the build is broken.
static str read_error(req *r) {
    const char *path = getenv("LEAT_BUILD_ERROR");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file)
        return (str){0};
    char *text = alloc(r, TEXT_BYTES_MAX);
    str error = {text, fread(text, 1, TEXT_BYTES_MAX, file)};
    fclose(file);
    return error;
}

static bool wants_page(str accept) {
    return accept.ptr && memmem(accept.ptr, accept.len, "text/html", 9);
}

ON_REQUEST(show_build_error, (header(str, accept, .optional = true)), .order = -1000, .scope = EVERY_ROUTE) {
    str error = wants_page(accept) ? read_error(r) : (str){0};
    if (!error.ptr)
        return NULL;
    error = html_escape(r, error);
    set_status(r, 500);
    set_header(r, "Cache-Control", S("no-store"));
    return html(r, format(r,
                          "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>The build failed</title>\n"
                          "<meta http-equiv=\"refresh\" content=\"1\">\n"
                          "<style>body { margin: 2rem; font: 16px sans-serif; background: #1e1e1e; color: #ddd; }"
                          " h1 { color: #f66; } pre { white-space: pre-wrap; font-size: 14px; }</style>\n</head>\n<body>\n"
                          "<h1>The build failed</h1>\n<p>What served before goes on; this page is gone when a build succeeds.</p>\n"
                          "<pre>%.*s</pre>\n</body>\n</html>\n",
                          (int)error.len, error.ptr));
}

PLUGIN(build_error, .version = LEAT_VERSION, .description = "What the compiler said, in the browser");
