// refusal.h — why bytes are not taken as a request, and what the client is told.
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include <errno.h>

struct http_refusal {
    unsigned status;
    const char *detail; // static text
};

/** Sets `*refusal` and returns -EBADMSG, so that a check can end with it. */
static inline int http_refuse(struct http_refusal *refusal, unsigned status, const char *detail) {
    *refusal = (struct http_refusal){status, detail};
    return -EBADMSG;
}

#endif
