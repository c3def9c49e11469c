// http_client.h — HTTP to other servers: answers that are read into a schema, and validated, like a request's body.
//
//   Profile *user = http_get(r, Profile, S("http://users.internal/me"), .bearer = token);
//   Receipt *receipt = http_post(r, Receipt, url, json_body(Order, &order), .timeout_ms = 300);
//
// Several at once, awaited together with queries:
//   Profile_promise user = http_get_start(r, Profile, S("http://users.internal/me"));
//   Orders_promise orders = http_get_start(r, Orders, S("http://orders.internal/mine"));
//   ... *await(user) ... *await(orders)
//
// Every call suspends; the core serves others meanwhile. The request's deadline is the call's too, and a call whose request ends, because
// its client left or it failed, is cut. What comes back lives as long as the request, in its memory. X-Request-ID, traceparent and
// tracestate go along.
//
// Whatever goes wrong on the other side ends the request, unless `.optional`: 504 where there was no answer in time; 502 where there was
// none, or none with a status of 2xx, or none that the schema takes; 503 with Retry-After where too many calls wait. The log says which
// call, to which host, and why; the client does not see it. Only public addresses are called, and those that OUTBOUND_ALLOW names: what a
// name resolves to is judged, for each connection, so a URL from a stranger does not lead into your network (see `.untrusted`).
#ifndef LEAT_HTTP_CLIENT_H
#define LEAT_HTTP_CLIENT_H
#pragma GCC system_header

#include "request.h"
#include "route.h"

#pragma GCC visibility push(default)

// ---- what is sent

/** What goes along with a call: json_body(), form_body(), bytes_body() or no_body (ABI). */
struct leat_http_body {
    uint32_t kind;             /**< enum leat_http_body_kind */
    const leat_schema *schema; /**< LEAT_BODY_JSON and LEAT_BODY_FORM: of the value */
    const void *value;         /**< likewise; lives as long as the request */
    const char *type;          /**< LEAT_BODY_BYTES: its Content-Type */
    str bytes;                 /**< LEAT_BODY_BYTES; live as long as the request */
};
enum leat_http_body_kind { LEAT_BODY_NONE, LEAT_BODY_JSON, LEAT_BODY_FORM, LEAT_BODY_BYTES };

/** A `T` as JSON: json_body(Order, &order). */
#define json_body(T, value_) ((struct leat_http_body){LEAT_BODY_JSON, &LEAT_CAT(T, __schema), (const T *){value_}, NULL, {NULL, 0}})
/** A `T`, whose fields are values and lists of values, as application/x-www-form-urlencoded. What is absent or null is left out. */
#define form_body(T, value_) ((struct leat_http_body){LEAT_BODY_FORM, &LEAT_CAT(T, __schema), (const T *){value_}, NULL, {NULL, 0}})
/** Bytes as they are, a str; `type_` is their Content-Type. They live as long as the request. */
#define bytes_body(type_, bytes_) ((struct leat_http_body){LEAT_BODY_BYTES, NULL, NULL, type_, bytes_})
/** A POST, PUT or PATCH that sends nothing. */
#define no_body ((struct leat_http_body){LEAT_BODY_NONE, NULL, NULL, NULL, {NULL, 0}})

/** A header field, of a call or of its answer. */
typedef struct http_header {
    const char *name; /**< any case; NULL ends a list of them */
    str value;        /**< without white space around it */
} http_header;
/**
 * .headers = HEADERS({"Accept-Language", lang}, {"X-Api-Key", key}). A name that is no token or a value with CR, LF or NUL is a fault of
 * the plugin: 500, and the log names it. Host, Content-Length, Transfer-Encoding and Connection are leat's own and refused alike.
 */
#define HEADERS(...) ((const http_header[]){__VA_ARGS__, {NULL, {NULL, 0}}})

/** What follows the URL and the body, by name. */
struct leat_http_options {
    uint16_t size;              /**< of this struct: it may grow */
    struct leat_http_body body; /**< what is sent */
    // author's options
    const http_header *headers; /**< HEADERS(...) */
    str bearer;                 /**< Authorization: Bearer */
    uint32_t timeout_ms;        /**< OUTBOUND_MS (10 s) where not given; the request's own deadline in any case */
    size_t max_bytes;           /**< of the answer; OUTBOUND_BYTES_MAX (1 MiB) where not given */
    /** How many are followed, 10 at most; 0: none. Each is judged like the first; to another host no header goes along. */
    unsigned redirects;
    uint16_t null_on; /**< that status is no failure: NULL. 404, say */
    bool optional;    /**< any failure of the other side is NULL, and a line of the log, instead of this request's end */
    /**
     * The URL is a client's, and this is where it was, "body.callback_url": what is wrong with it is a 422 that says so; OUTBOUND_ALLOW
     * does not count for it, and no ids go along. Where it is forgotten, a text that is no URL is a 422 all the same if the request says
     * exactly that, else a 500 whose log line names the call.
     */
    const char *untrusted;
};

// ---- what comes back

/** The whole answer, for those who need more than its body: http_get(r, http_answer, url). Its status may be any, also 404 or 500. */
typedef struct http_answer {
    unsigned status;            /**< any: 200, 404, 500 */
    str body;                   /**< decompressed; `ptr` is never NULL */
    const http_header *headers; /**< in their order, names as they came */
    size_t header_count;        /**< of `headers` */
} http_answer;
extern const leat_schema http_answer__schema;
/** The value of its first field of that name, any case; `ptr` NULL where there is none. */
str http_answer_header(const http_answer *, const char *name);

#define LEAT_PROMISE_OF(T)                                                                                                                 \
    typedef struct T##_promise {                                                                                                           \
        struct leat_future *f;                                                                                                             \
        T *t[0];                                                                                                                           \
    } T##_promise
LEAT_PROMISE_OF(http_answer);
LEAT_PROMISE_OF(json_value);
LEAT_PROMISE_OF(Empty);

/** A call site (ABI): its answers' schema is compiled at load, and /metrics tells of it by file and line. */
typedef struct leat_call {
    leat_item base;            /**< LEAT_ITEM_CALL */
    const char *func;          /**< the function it stands in */
    const char *method;        /**< "GET" */
    const leat_schema *answer; /**< what its answer is read into */
} leat_call;
/** What http_get() and its kin call: the answer in the request's memory. Suspends. */
void *leat_call_run(req *, const leat_call *, str url, const struct leat_http_options *);
/** What http_get_start() and its kin call: the same, to be awaited. */
struct leat_future *leat_call_start(req *, const leat_call *, str url, const struct leat_http_options *);
#define LEAT_CALL(run, r, method_, T, url_, body_, ...)                                                                                    \
    __extension__({                                                                                                                        \
        static const leat_call call_ = {LEAT_ITEM(LEAT_ITEM_CALL, leat_call), __func__, method_, &LEAT_CAT(T, __schema)};                  \
        LEAT_REGISTER(call_reg_, call_);                                                                                                   \
        run((r), &call_, (url_),                                                                                                           \
            &(const struct leat_http_options){.size = sizeof(struct leat_http_options), .body = body_, ##__VA_ARGS__});                    \
    })

/**
 * The answer of `url`, a str, as a `T *`: a SCHEMA or a list of one (`Order_list`), a json_value, an http_answer; NULL for Empty, whose
 * body is not looked at. Suspends. A request that a kept connection lost before a byte of its answer came is sent once more.
 */
#define http_get(r, T, url, ...) ((T *)LEAT_CALL(leat_call_run, r, "GET", T, url, no_body, ##__VA_ARGS__))
#define http_delete(r, T, url, ...) ((T *)LEAT_CALL(leat_call_run, r, "DELETE", T, url, no_body, ##__VA_ARGS__))
/** The same with a body: http_post(r, Receipt, url, json_body(Order, &order)). It is not copied: it lives as long as the request. */
#define http_post(r, T, url, body_, ...) ((T *)LEAT_CALL(leat_call_run, r, "POST", T, url, body_, ##__VA_ARGS__))
#define http_put(r, T, url, body_, ...) ((T *)LEAT_CALL(leat_call_run, r, "PUT", T, url, body_, ##__VA_ARGS__))
#define http_patch(r, T, url, body_, ...) ((T *)LEAT_CALL(leat_call_run, r, "PATCH", T, url, body_, ##__VA_ARGS__))
/**
 * The same without waiting for the answer: await() the promise. Suspends only where db_require() has something to say first: nothing leaves
 * the house for somebody who may not ask.
 */
#define http_get_start(r, T, url, ...) ((T##_promise){LEAT_CALL(leat_call_start, r, "GET", T, url, no_body, ##__VA_ARGS__), {}})
#define http_delete_start(r, T, url, ...) ((T##_promise){LEAT_CALL(leat_call_start, r, "DELETE", T, url, no_body, ##__VA_ARGS__), {}})
#define http_post_start(r, T, url, body_, ...) ((T##_promise){LEAT_CALL(leat_call_start, r, "POST", T, url, body_, ##__VA_ARGS__), {}})
#define http_put_start(r, T, url, body_, ...) ((T##_promise){LEAT_CALL(leat_call_start, r, "PUT", T, url, body_, ##__VA_ARGS__), {}})
#define http_patch_start(r, T, url, body_, ...) ((T##_promise){LEAT_CALL(leat_call_start, r, "PATCH", T, url, body_, ##__VA_ARGS__), {}})

/**
 * `s` percent-encoded, but for letters, digits and -._~, in the request's memory: for what goes into a path or a query of a URL
 * (RFC 3986, section 2.3).
 */
str url_escape(req *, str s);

#pragma GCC visibility pop
#endif
