// reply.h — answers to what never became a request, and the body a handler made itself.
#ifndef APP_REPLY_H
#define APP_REPLY_H

#include <leat/response.h>

#include "app/app_internal.h"
#include "http/session.h"

struct file_answer;

struct Response {
    str type, body;
    str location;             // `ptr` NULL where there is none
    unsigned status;          // 0: the route's
    struct file_answer *file; // NULL: `body` is all
};

/** The beginning of every answer: status line, and what CORS adds for `origin`. */
void reply_begin(struct answer *answer, struct app *app, struct session *session, unsigned status, str origin);

/** An answer to what never became a request. `head` is valid until its end. */
struct plain {
    struct answer answer;
    struct app *app;
    const struct http_head *head;
    const struct endpoint *endpoint; // that it is counted for; NULL: none
    str id;
};
void reply_plain_begin(struct plain *plain, struct app *app, struct session *session, const struct http_head *head, unsigned status);
void reply_plain_end(struct plain *plain);
/** {"detail": ...} as a whole; `head` and `endpoint` may be NULL, `headers` are lines between '\n', or NULL. */
void reply_plain_detail(struct app *app, struct session *session, const struct http_head *head, const struct endpoint *endpoint,
                        unsigned status, const char *detail, const char *headers);

#endif
