// docs.c — /openapi.json, and two pages over it: Swagger UI at /docs and ReDoc at /redoc.
//
// The pages load nothing from outside: their scripts come from npm packages when leat is built (tools/fetch-pages) and are read once, at
// load. All that is theirs lies under /docs, so that a proxy may hide it with one rule.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <leat/leat.h>

#include "pages.h"

struct page_file {
    const char *name, *type;
    str bytes;
    bool is_ours; // a literal of this file, not read from the folder
};

#define SCRIPT "text/javascript; charset=utf-8"

static const char start_script[] =
    "window.ui = SwaggerUIBundle({url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: true,\n"
    "    presets: [SwaggerUIBundle.presets.apis], layout: 'BaseLayout', showExtensions: true});\n";

static struct page_file files[] = {
    {.name = "swagger-ui-bundle.js", .type = SCRIPT},
    {.name = "swagger-ui.css", .type = "text/css; charset=utf-8"},
    {.name = "redoc.standalone.js", .type = SCRIPT},
    {.name = "start.js", .type = SCRIPT, .bytes = {start_script, sizeof start_script - 1}, .is_ours = true},
};
enum { FILE_COUNT = sizeof files / sizeof *files };

// clang-format off
static const char swagger_page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>API - Swagger UI</title>\n<link rel=\"icon\" href=\"data:,\">\n"
    "<link rel=\"stylesheet\" href=\"/docs/files/swagger-ui.css\">\n</head>\n<body>\n"
    "<div id=\"swagger-ui\"></div>\n"
    "<script src=\"/docs/files/swagger-ui-bundle.js\"></script>\n<script src=\"/docs/files/start.js\"></script>\n"
    "</body>\n</html>\n";

static const char redoc_page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>API - ReDoc</title>\n<link rel=\"icon\" href=\"data:,\">\n"
    "<style>body { margin: 0; padding: 0; }</style>\n</head>\n<body>\n"
    "<redoc spec-url=\"/openapi.json\" disable-google-font=\"true\"></redoc>\n"
    "<script src=\"/docs/files/redoc.standalone.js\"></script>\n"
    "</body>\n</html>\n";
// clang-format on

static FILE *open_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "rb");
}

static bool read_file(const char *name, str *ret_bytes) {
    FILE *file = open_file(LEAT_PAGES, name);
    if (!file && !(file = open_file(LEAT_PAGES_INSTALLED, name)))
        return false;
    char *bytes = NULL;
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (length > 0 && fseek(file, 0, SEEK_SET) == 0 && (bytes = malloc((size_t)length)))
        *ret_bytes = (str){bytes, fread(bytes, 1, (size_t)length, file)};
    fclose(file);
    return bytes;
}

int pages_load(leat_host *host LEAT_UNUSED) {
    for (int i = 0; i < FILE_COUNT; i++)
        if (!files[i].is_ours && !read_file(files[i].name, &files[i].bytes))
            fprintf(stderr, "leat: /docs is not whole: %s/%s is missing; run tools/fetch-pages %s\n", LEAT_PAGES, files[i].name,
                    LEAT_PAGES);
    return 0;
}

void pages_unload(leat_host *host LEAT_UNUSED) {
    for (int i = 0; i < FILE_COUNT; i++)
        if (!files[i].is_ours) {
            free((char *)files[i].bytes.ptr);
            files[i].bytes = (str){0};
        }
}

ERROR(no_such_file, 404, "Not Found");

GET("/openapi.json", openapi_json, Response, (), .hidden = true) {
    return json_text(r, openapi_document(r));
}

// Whatever a script of theirs would like to fetch elsewhere (ReDoc its logo), the browser does not.
static Response *page(req *r, str text) {
    set_header(
        r, "Content-Security-Policy",
        S("default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'none'"));
    return html(r, text);
}

GET("/docs", swagger_ui, Response, (), .hidden = true) {
    return page(r, (str){swagger_page, sizeof swagger_page - 1});
}

GET("/redoc", redoc, Response, (), .hidden = true) {
    return page(r, (str){redoc_page, sizeof redoc_page - 1});
}

GET("/docs/files/{name}", docs_file, Response, (path(str, name)), .hidden = true) {
    for (int i = 0; i < FILE_COUNT; i++)
        if (files[i].bytes.ptr && str_eq(name, (str){files[i].name, strlen(files[i].name)})) {
            set_header(r, "Cache-Control", S("public, max-age=3600"));
            return respond(r, files[i].type, files[i].bytes);
        }
    fail(r, no_such_file);
}
