// observe.h — what is told of a request: its id, its log lines, its figures.
#ifndef APP_OBSERVE_H
#define APP_OBSERVE_H

#include "app/request.h"

/** The id of a request that is no `req`: the client's, or one made now; empty where there are none. Valid until the next is made. */
str observe_id(struct app *app, const struct http_head *head);
/** Adds X-Request-ID to an answer. */
void observe_put_id(struct answer *answer, str id);
/** Makes `r` an id: `*ret_line` is its line until the next is made, empty where there are no ids. False where it has an id already. */
bool observe_make_id_line(req *r, str *ret_line);
/** Adds that of `r`, whose id is made now where it has none. */
void observe_put_request_id(struct answer *answer, req *r);

/** A log line of `r`: with its plugin, route and id. */
void observe_log(req *r, enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 4, 5)));
/** `r` has ended: counted, and logged where each request is. */
void observe_end(req *r);
/** The same for one that never became a `req`; `endpoint` and `head` may be NULL. */
void observe_plain(struct app *app, const struct endpoint *endpoint, const struct http_head *head, unsigned status, size_t bytes_out,
                   str id);
/** A query has ended; `began_ns` is the turn it was submitted in. */
void observe_query(const req *r, const leat_query *source, const struct db_query *query, int64_t began_ns);
/** A call to another server has ended, with the status of its answer or 0. `site` is its index in the snapshot. */
void observe_call(const req *r, unsigned site, unsigned status, int64_t began_ns);

#endif
