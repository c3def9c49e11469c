// {{name}}.c — {{name}} in a table: made, listed, read, changed and deleted.
#include <leat/leat.h>

// clang-format off
#define {{ONE}}_TEXT                                                                    \
    (str, title, .min_length = 1, .max_length = 200, .description = "What it is called")

SCHEMA({{One}}Create, {{ONE}}_TEXT);
PARTIAL({{One}}Update, {{ONE}}_TEXT);
SCHEMA({{One}}Response, (uuid, id), {{ONE}}_TEXT, (timestamp, created_at), (timestamp, updated_at));

TABLE({{One}}, "{{name}}",
    (uuid,      id,         .primary_key = true, .server_default = "gen_random_uuid()"),
    (str,       title,      .max_length = 200),
    (timestamp, created_at, .server_default = "now()", .index = true),
    (timestamp, updated_at, .server_default = "now()"));
// clang-format on

ERROR({{one}}_not_found, 404, "{{One}} not found");

POST("/{{name}}", create_{{one}}, {{One}}Response, (body({{One}}Create, in), depends(get_db, db)), .status = 201) {
    return db_one(db, {{One}}Response, "INSERT INTO {{name}} (title) VALUES ($1) RETURNING {*}", in->title);
}

GET("/{{name}}", list_{{name}}, {{One}}Response_list,
    (query(i64, skip, .def = 0, .ge = 0), query(i64, limit, .def = 20, .ge = 1, .le = 100), depends(get_db, db))) {
    return db_list(db, {{One}}Response, "SELECT {*} FROM {{name}} ORDER BY created_at DESC, id OFFSET $1 LIMIT $2", skip, limit);
}

GET("/{{name}}/{id}", get_{{one}}, {{One}}Response, (path(uuid, id), depends(get_db, db)), .errors = ERRORS({{one}}_not_found)) {
    {{One}}Response *{{one}} = db_one(db, {{One}}Response, "SELECT {*} FROM {{name}} WHERE id = $1", id);
    if (!{{one}})
        fail(r, {{one}}_not_found);
    return {{one}};
}

PATCH("/{{name}}/{id}", update_{{one}}, {{One}}Response, (path(uuid, id), body({{One}}Update, in), depends(get_db, db)),
      .errors = ERRORS({{one}}_not_found)) {
    {{One}}Response *{{one}} = in->set.bits ? db_one(db, {{One}}Response, "UPDATE {{name}} SET {set}, updated_at = now() WHERE id = $2 RETURNING {*}",
                                           SET({{One}}Update, in), id)
                                  : db_one(db, {{One}}Response, "SELECT {*} FROM {{name}} WHERE id = $1", id);
    if (!{{one}})
        fail(r, {{one}}_not_found);
    return {{one}};
}

DELETE("/{{name}}/{id}", delete_{{one}}, Empty, (path(uuid, id), depends(get_db, db)), .errors = ERRORS({{one}}_not_found)) {
    if (!db_exec(db, "DELETE FROM {{name}} WHERE id = $1", id))
        fail(r, {{one}}_not_found);
    return NULL;
}

PLUGIN({{name}}, .version = "0.1.0", .prefix = "/v1", .tag = "{{name}}", .description = "The {{name}} of this service",
       .migrations = "migrations/{{name}}");
