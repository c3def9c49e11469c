// docs.c — the OpenAPI document, and two pages over it: Swagger UI and ReDoc.
//
// The pages load nothing from outside: their scripts come from npm packages when leat is built (tools/fetch-pages) and are sent as any
// files are, compressed beforehand. Where everything is, is a setting (OPENAPI_URL, DOCS_URL, REDOC_URL): the paths below are the defaults,
// and a page asks the server for those of the others. The scripts lie below the page, so that a proxy may hide it with one rule.
#include <stdio.h>
#include <unistd.h>

#include <leat/leat.h>

#include "pages.h"

// The scripts, which may be asked for, and nothing else of their folder.
static const char *const files[] = {"swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js"};
enum { FILE_COUNT = sizeof files / sizeof *files };
static const char *folder = LEAT_PAGES;

static bool has_file(const char *place, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", place, name);
    return access(path, R_OK) == 0;
}

int pages_load(leat_host *host LEAT_UNUSED) {
    folder = has_file(LEAT_PAGES, files[0]) ? LEAT_PAGES : LEAT_PAGES_INSTALLED;
    return 0;
}

ON_START(look_for_pages, ()) {
    for (int i = 0; i < FILE_COUNT; i++)
        if (!has_file(folder, files[i]))
            log_warning(r, "docs_not_whole", "missing=\"%s/%s\" remedy=\"tools/fetch-pages %s\"", LEAT_PAGES, files[i], LEAT_PAGES);
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

// A path is made of characters that mean nothing in a page or a script: the setting is judged by that.
static const char *path_of(req *r, const char *handler) {
    str path = route_path(r, handler);
    return format(r, "%.*s", (int)path.len, path.ptr ? path.ptr : "").ptr;
}

// "/docs/files/{name}" without the name.
static const char *files_path(req *r) {
    str path = route_path(r, "docs_file");
    size_t name_bytes = sizeof "/{name}" - 1;
    return format(r, "%.*s", path.len > name_bytes ? (int)(path.len - name_bytes) : 0, path.ptr ? path.ptr : "").ptr;
}

static const char *title_of(req *r) {
    str title = html_escape(r, api_title(r));
    return format(r, "%.*s", (int)title.len, title.ptr ? title.ptr : "").ptr;
}

// clang-format off
GET("/docs", swagger_ui, Response, (), .hidden = true) {
    const char *at = files_path(r);
    return page(r, format(r,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>%s - Swagger UI</title>\n<link rel=\"icon\" href=\"data:,\">\n"
        "<link rel=\"stylesheet\" href=\"%s/swagger-ui.css\">\n</head>\n<body>\n<div id=\"swagger-ui\"></div>\n"
        "<script src=\"%s/swagger-ui-bundle.js\"></script>\n<script src=\"%s/start.js\"></script>\n</body>\n</html>\n",
        title_of(r), at, at, at));
}

GET("/redoc", redoc, Response, (), .hidden = true) {
    return page(r, format(r,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>%s - ReDoc</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>body { margin: 0; padding: 0; }</style>\n</head>\n<body>\n"
        "<redoc spec-url=\"%s\" disable-google-font=\"true\"></redoc>\n<script src=\"%s/redoc.standalone.js\"></script>\n"
        "</body>\n</html>\n",
        title_of(r), path_of(r, "openapi_json"), files_path(r)));
}
// clang-format on

static Response *start_script(req *r) {
    return respond(r, "text/javascript; charset=utf-8",
                   format(r,
                          "window.ui = SwaggerUIBundle({url: '%s', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: true,\n"
                          "    presets: [SwaggerUIBundle.presets.apis], layout: 'BaseLayout', showExtensions: true});\n",
                          path_of(r, "openapi_json")));
}

GET("/docs/files/{name}", docs_file, File, (path(str, name)), .hidden = true) {
    if (str_eq(name, S("start.js")))
        return start_script(r);
    for (int i = 0; i < FILE_COUNT; i++)
        if (str_eq(name, (str){files[i], __builtin_strlen(files[i])}))
            return send_file(r, folder, name, .max_age_s = 3600, .precompressed = true);
    fail(r, no_such_file);
}
