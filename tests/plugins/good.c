// good.c — a plugin as it should be, whose hooks leave traces in the environment for the tests to read.
#include <stdlib.h>

#include <leat/leat.h>

SETTINGS(GoodSettings, (i32, greeting_count, .def = 1, .ge = 1, .le = 9),
         (str, greeting_key, .optional = true, .secret = true, .min_length = 4));
SCHEMA(Greeting, (str, text));

GET("/greeting/{name}", greet, Greeting, (path(str, name))) {
    Greeting *greeting = new (r, Greeting);
    greeting->text = format(r, "hello %.*s %d", (int)name.len, name.ptr, settings(GoodSettings)->greeting_count);
    return greeting;
}

GET("/bye", bye, Greeting, ()) {
    return new (r, Greeting);
}

static int load(leat_host *host LEAT_UNUSED) {
    char text[2] = {(char)(48 + settings(GoodSettings)->greeting_count)};
    return setenv("GOOD_LOADED", text, 1);
}

static void unload(leat_host *host LEAT_UNUSED) {
    unsetenv("GOOD_LOADED");
}

PLUGIN(good, .version = "1.2.3", .prefix = "/v1", .migrations = "migrations/good", .on_load = load, .on_unload = unload);
