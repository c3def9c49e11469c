// leat.h — everything a plugin author includes.
//
// One declaration per thing:
//   SCHEMA PARTIAL TABLE INDEX SETTINGS ENUM PAGE_OF VALIDATE   data              leat/schema.h
//   str i32 i64 f64 uuid timestamp json_value                   its values        leat/values.h
//   GET POST PUT PATCH DELETE, PROVIDE IMPORT GUARDS            routes            leat/route.h
//   ERROR ON_ERROR fail, alloc format sleep_ms TASK spawn       the request       leat/request.h
//   respond redirect put_cookie send_file stream events lines   the answer        leat/response.h
//   ON_REQUEST ON_RESPONSE ON_FAILURE ERROR_SHAPE               around routes     leat/middleware.h
//   ON_START ON_STOP EVERY                                      without requests  leat/work.h
//   upload_bytes upload_next upload_save request_body_next      uploads           leat/upload.h
//   db_one db_list db_value db_exec                             Postgres          leat/database.h
//   http_get http_post http_get_start await                     other servers     leat/http_client.h
//   .cache_s, cache_get cache_set cache_forget                  answers kept      leat/cache.h
//   password_hash jwt_issue bearer_token                        sign-in           leat/security.h
//   metrics_text not_ready_because                              the server        leat/server.h
//   PLUGIN, host_state                                          the plugin        leat/plugin.h
//
// A handler is straight-line code on a coroutine: whatever waits (a query, a hash) suspends it and serves others meanwhile;
// fail() never returns. Memory comes from the request and needs no freeing.
#ifndef LEAT_H
#define LEAT_H

#include "cache.h"
#include "database.h"
#include "http_client.h"
#include "middleware.h"
#include "plugin.h"
#include "request.h"
#include "response.h"
#include "route.h"
#include "schema.h"
#include "security.h"
#include "server.h"
#include "upload.h"
#include "values.h"
#include "work.h"

#endif
