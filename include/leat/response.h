// response.h — the answer: status, headers, cookies; bodies made by hand, files, and what is sent while it is made.
//
//   Response   respond text html json_text redirect           a body that is there as a whole
//   File       send_file                                      a file beneath a folder: ranges, tags, dates, names to save it under
//   Stream     stream, send_bytes, send_format                pieces of any type, as they are made
//   Events     events, send_event, send_event_json            Server-Sent Events
//   T_lines    LINES_OF(T), lines, send_line                  JSON Lines
//
// A stream's head leaves with its first piece, so until then anything may fail as usual: required rows are judged and get_tx commits
// before. From then on a failure can only cut the connection, which the client sees and the log tells. Whoever sends waits while the client
// reads more slowly than is written (OUTPUT_BYTES_MAX); a client that takes nothing for WRITE_STALL_MS is cut, one that leaves cancels the
// handler. The request's deadline holds up to the head; behind it, it begins anew with each piece and each sleep_ms(). HEAD leaves the
// handler at the first piece.
#ifndef LEAT_RESPONSE_H
#define LEAT_RESPONSE_H
#pragma GCC system_header

#include "request.h"

#pragma GCC visibility push(default)

// ---- status, headers, cookies

/**
 * Adds a header to the answer, errors included; of what the server sends by itself (X-Content-Type-Options and its kin, X-Request-ID, a
 * file's ETag ...) it takes the place, and Content-Type is that of the body this handler answers with, not of a failure's. Both are copied.
 * A name that is no token, or a value with CR, LF or NUL, is a fault of the plugin: the request fails with 500 and the log names it. Where
 * the request says that value, or the part of it with the line break, it is the client's: 422, with its place.
 * Content-Length, Transfer-Encoding, Connection and Date are leat's own and refused alike.
 */
void set_header(req *, const char *name, str value);
/**
 * The answer has no header of that name, in any case: neither the server's own nor what was set so far. Refuses as set_header() does, and
 * Content-Type as well.
 */
void drop_header(req *, const char *name);
/** Answers with another status than the route's. 200 to 599. */
void set_status(req *, unsigned status);
/** Adds `Set-Cookie: name=value; attributes`; `attributes` may be NULL. put_cookie() says the same in types. */
void set_cookie(req *, const char *name, str value, const char *attributes);

enum leat_same_site { SAME_SITE_LAX, SAME_SITE_STRICT, SAME_SITE_NONE };
/** The attributes of put_cookie() and drop_cookie(). */
struct leat_cookie {
    uint16_t size; /**< of this struct: it may grow */
    // author's options (RFC 6265bis, section 4.1)
    const char *path;              /**< "/" where not given */
    const char *domain;            /**< where not given: this host alone */
    i64 max_age_s;                 /**< 0: until the browser ends */
    bool http_only, secure;        /**< no script sees it; it travels by TLS alone */
    enum leat_same_site same_site; /**< Lax where not given; None wants .secure */
};
/**
 * put_cookie(r, "session", id, .max_age_s = 3600, .http_only = true, .secure = true): a value with blanks, quotes, commas, semicolons,
 * backslashes or other than ASCII is a fault of the plugin, as are attributes that browsers refuse together: 500, and the log says why; 422
 * where the request says exactly that value.
 */
#define put_cookie(r, name_, value_, ...)                                                                                                  \
    leat_put_cookie((r), (name_), (value_), &(const struct leat_cookie){.size = sizeof(struct leat_cookie), ##__VA_ARGS__})
/** What put_cookie() calls. */
void leat_put_cookie(req *, const char *name, str value, const struct leat_cookie *attributes);
/** drop_cookie(r, "session", .path = "/app"): the browser forgets it. Path and domain are those it was put with. */
#define drop_cookie(r, name_, ...)                                                                                                         \
    leat_drop_cookie((r), (name_), &(const struct leat_cookie){.size = sizeof(struct leat_cookie), ##__VA_ARGS__})
/** What drop_cookie() calls. */
void leat_drop_cookie(req *, const char *name, const struct leat_cookie *attributes);

/** What check_validators() judges by. */
struct leat_validators {
    uint16_t size; /**< of this struct: it may grow */
    // author's options
    str etag;           /**< any visible ASCII without quotes: a version, a hash; equal where the answer is */
    timestamp modified; /**< 0: not known */
};
/**
 * check_validators(r, .etag = version, .modified = post->updated_at): sets ETag and Last-Modified, and judges If-Match, If-None-Match and
 * their kin (RFC 9110, section 13.2.2). Returns where the handler should go on; otherwise the request is answered 304 or 412 and this does
 * not return. Suspends only then.
 */
#define check_validators(r, ...)                                                                                                           \
    leat_check_validators((r), &(const struct leat_validators){.size = sizeof(struct leat_validators), ##__VA_ARGS__})
/** What check_validators() calls. */
void leat_check_validators(req *, const struct leat_validators *validators);

// ---- a body that is there as a whole

extern const leat_schema Response__schema;
/** A body with its own content type, `type` a static string; `body` must live as long as the request. */
Response *respond(req *, const char *type, str body);
/** text/plain; charset=utf-8. */
Response *text(req *, str body);
/** text/html; charset=utf-8. The caller escapes: see html_escape. */
Response *html(req *, str body);
/** JSON text that is already made. */
Response *json_text(req *, str body);
/** 307 to `location`, a path or an absolute URL without CR or LF; what no URL may hold is percent-encoded. */
Response *redirect(req *, str location);
/** The same with 301, 302, 303, 307 or 308. */
Response *redirect_as(req *, unsigned status, str location);
/** `s` with & < > " ' as entities, in the request's memory; `s` itself where there is nothing to escape. */
str html_escape(req *, str s);

// ---- files

/** What a route of files returns: a Response, told apart for the documents. */
typedef Response File;
extern const leat_schema File__schema;
/** How send_file() sends it. */
struct leat_file_options {
    uint16_t size; /**< of this struct: it may grow */
    // author's options
    const char *type;   /**< Content-Type; by the file's name where not given */
    str download;       /**< the name a browser saves it under, any UTF-8 (RFC 6266); not given: it may be shown */
    const char *index;  /**< the file that an empty path, or one that ends with '/', means: "index.html" */
    i64 max_age_s;      /**< Cache-Control: public, max-age; 0: none */
    bool precompressed; /**< name.br or name.gz beside it is sent instead to those who take that coding */
};
/**
 * send_file(r, "static", name, options...): the regular file `path` beneath `folder`, which is relative to the server's working folder.
 * `path` may be a client's: nothing of it leads out of the folder, by "..", links or otherwise (openat2(2), RESOLVE_BENEATH). What is not
 * there fails with 404. Answers ETag, Last-Modified, Accept-Ranges, and to conditions and ranges 206, 304, 412 or 416 (RFC 9110, sections
 * 13 and 14). It is read in pieces of 64 KiB while the client takes them, never blocking the core. Suspends.
 */
#define send_file(r, folder_, path_, ...)                                                                                                  \
    leat_send_file((r), (folder_), (path_), &(const struct leat_file_options){.size = sizeof(struct leat_file_options), ##__VA_ARGS__})
/** What send_file() calls. */
File *leat_send_file(req *, const char *folder, str path, const struct leat_file_options *options);

// ---- pieces, as they are made

/** A body of which nobody knows the end yet. */
typedef struct Stream Stream;
extern const leat_schema Stream__schema;
/** Begins one with that content type, a static string; one a request. The handler returns it once it is whole. */
Stream *stream(req *, const char *type);
/** Sends a copy; suspends while the client is slow. */
void send_bytes(Stream *, str piece);
/** printf as a piece, which takes none of the request's memory. */
void send_format(Stream *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Server-Sent Events (WHATWG HTML, section 9.2). */
typedef struct Events Events;
extern const leat_schema Events__schema;
/**
 * Begins them. While nothing is sent, a comment goes out every 15 s (EVENTS_HEARTBEAT_MS), so that nobody in between takes the connection
 * for dead. They end, and the browser comes again, when the server drains: the handler is cancelled.
 */
Events *events(req *);
/** One of a Server-Sent Events stream. */
struct leat_event {
    uint16_t size; /**< of this struct: it may grow */
    // author's options
    str event;    /**< its type; "message" to the browser where not given */
    str data;     /**< any lines */
    str id;       /**< what the browser says as Last-Event-ID when it comes again */
    i64 retry_ms; /**< how long the browser waits before it comes again; 0: its own */
};
/** send_event(out, .event = S("tick"), .data = S("1"), .id = ...): of event and id only what is before a line's end counts. Suspends. */
#define send_event(out_, ...)                                                                                                              \
    leat_send_event((out_), &(const struct leat_event){.size = sizeof(struct leat_event), ##__VA_ARGS__}, NULL, NULL)
/** send_event_json(out, Tick, &tick, .event = S("tick")): the data is the value's JSON. */
#define send_event_json(out_, T_, value_, ...)                                                                                             \
    leat_send_event((out_), &(const struct leat_event){.size = sizeof(struct leat_event), ##__VA_ARGS__}, &T_##__schema,                   \
                    (const T_ *){(value_)})
/** What send_event() and send_event_json() call. */
void leat_send_event(Events *, const struct leat_event *event, const leat_schema *schema, const void *value);
/** A line that browsers ignore. */
void send_comment(Events *, str text);

/** LINES_OF(Row) makes Row_lines: what a route returns that answers a Row a line, application/jsonl. */
#define LINES_OF(T_)                                                                                                                       \
    typedef struct T_##_lines T_##_lines;                                                                                                  \
    static const leat_schema T_##_lines__schema LEAT_UNUSED = {                                                                            \
        .size = sizeof(leat_schema), .kind = LEAT_LINES, .name = #T_ "_lines", .elem = &T_##__schema, .file = __FILE__, .line = __LINE__}
/** lines(r, Row): begins them. */
#define lines(r, T_) ((T_##_lines *)leat_lines(r))
/** send_line(out, Row, &row): a row, by its schema. Suspends while the client is slow. */
#define send_line(out_, T_, value_) leat_send_line((T_##_lines *){(out_)}, &T_##__schema, (const T_ *){(value_)})
/** What lines() calls. */
void *leat_lines(req *);
/** What send_line() calls. */
void leat_send_line(void *lines, const leat_schema *schema, const void *value);

#pragma GCC visibility pop
#endif
