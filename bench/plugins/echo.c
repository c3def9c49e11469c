// echo.c — what a request costs before anything is done with it: a body back, byte for byte, and a validated one without a database.
#include <leat/leat.h>

POST("/echo", echo, Response, ()) {
    str type = header_of(r, "Content-Type");
    return respond(r, type.len ? format(r, "%.*s", (int)type.len, type.ptr).ptr : "application/octet-stream", request_body(r));
}

// clang-format off
SCHEMA(NewUser,
    (str, email,      .format = EMAIL),
    (str, first_name, .min_length = 1, .max_length = 50),
    (str, last_name,  .min_length = 1, .max_length = 50),
    (str, password,   .min_length = 8, .max_length = 128, .secret = true));

SCHEMA(UserMade, (i64, id), (str, email), (str, first_name), (str, last_name));
// clang-format on

POST("/users", make_user, UserMade, (body(NewUser, in)), .status = 201) {
    static _Thread_local i64 last_id;
    UserMade *user = new (r, UserMade);
    *user = (UserMade){.id = ++last_id, .email = in->email, .first_name = in->first_name, .last_name = in->last_name};
    return user;
}

PLUGIN(echo, .version = "1.0.0", .tag = "bench");
