// {{name}}.c — the {{name}} domain.
#include <leat/leat.h>

SCHEMA({{One}}, (str, text, .description = "What is said"));

GET("/{{name}}/{who}", greet_{{one}}, {{One}}, (path(str, who, .min_length = 1, .max_length = 100)), .summary = "Say hello") {
    {{One}} *{{one}} = new (r, {{One}});
    {{one}}->text = format(r, "hello, %.*s", (int)who.len, who.ptr);
    return {{one}};
}

PLUGIN({{name}}, .version = "0.1.0", .prefix = "/v1", .tag = "{{name}}", .description = "What {{name}} are about");
