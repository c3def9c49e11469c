// http.c — heads of requests, routes, and how an answer begins.
#include "base/str.h"
#include "http/date.h"
#include "http/known_heads.h"
#include "http/opening.h"
#include "http/parser.h"
#include "http/plain_head.h"
#include "http/router.h"
#include "piece.h"

#define BROWSER                                                                                                                            \
    "GET /v1/users/3fa85f64-5717-4562-b3fc-2c963f66afa6?limit=20 HTTP/1.1\r\nHost: api.example.org\r\n"                                    \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: application/json\r\n"                   \
    "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nSec-Fetch-Mode: cors\r\n\r\n"

static const char small[] = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static const char browser[] = BROWSER;
static const char tabbed[] = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept:\ttext/plain\r\n\r\n"; // a tab: not plain
static struct http_head head;

static void read_small(unsigned count) {
    while (count--) {
        EXPECT(http_plain_head_read(small, sizeof small - 1, &http_limits_default, &head) == sizeof small - 1);
        keep(&head);
    }
}

static void read_browser(unsigned count) {
    while (count--) {
        EXPECT(http_plain_head_read(browser, sizeof browser - 1, &http_limits_default, &head) == sizeof browser - 1);
        keep(&head);
    }
}

static void parse_closely(unsigned count) {
    struct http_refusal refusal;
    while (count--) {
        EXPECT(http_head_parse(tabbed, sizeof tabbed - 1, &http_limits_default, &head, &refusal) == sizeof tabbed - 1);
        keep(&head);
    }
}

static struct known_heads known;

static void know(void) {
    uint64_t key = known_heads_key(small, sizeof small - 1);
    EXPECT(http_plain_head_read(small, sizeof small - 1, &http_limits_default, &head) > 0);
    head.base = small;
    known_heads_add(&known, key, &head);
    known_heads_add(&known, key, &head);
}

static void find_known(unsigned count) {
    while (count--) {
        const struct http_head *found = known_heads_find(&known, known_heads_key(small, sizeof small - 1), small, sizeof small - 1);
        EXPECT(found);
        keep(found);
    }
}

// ---- routes

enum { FEW = 10, MANY = 1000 };
static struct router *few, *many;

/** Domains of five routes each, as services have them. */
static struct router *router_of(unsigned routes) {
    static int target;
    struct router *router;
    void *other;
    char path[64];
    EXPECT(router_create(&router) == 0);
    for (unsigned i = 0; i < routes; i++) {
        static const char *const shapes[] = {"/v1/domain%u", "/v1/domain%u/{id}", "/v1/domain%u/{id}/posts",
                                             "/v1/domain%u/{id}/posts/{post_id}", "/v1/domain%u/me"};
        char shape[64];
        snprintf(shape, sizeof shape, "%s", shapes[i % 5]);
        char *number = strstr(shape, "%u");
        snprintf(path, sizeof path, "%.*s%u%s", (int)(number - shape), shape, i / 5, number + 2);
        EXPECT(router_add(router, HTTP_GET, path, &target, &other) == 0);
    }
    return router;
}

static void make_few(void) {
    few = router_of(FEW);
}

static void make_many(void) {
    many = router_of(MANY);
}

static void route(const struct router *router, str path, unsigned count) {
    struct router_match match;
    while (count--) {
        router_match(router, HTTP_GET, path, &match);
        EXPECT(match.target && match.param_count == 2);
        keep(&match);
    }
}

static void route_few(unsigned count) {
    route(few, S("/v1/domain1/3fa85f64-5717-4562-b3fc-2c963f66afa6/posts/7"), count);
}

static void route_many(unsigned count) {
    route(many, S("/v1/domain123/3fa85f64-5717-4562-b3fc-2c963f66afa6/posts/7"), count);
}

// ---- the beginning of an answer

static void begin_answer(unsigned count) {
    static struct http_opening opening;
    static char room[512];
    for (int64_t us = 1763625600000000; count--; us++) {
        http_opening_update(&opening, 200, us, (str){0});
        keep(http_opening_put(&opening, room));
    }
}

static void write_date(unsigned count) {
    char text[HTTP_DATE_BYTES];
    for (int64_t second = 1763625600; count--; second++) {
        http_date_write(second, text);
        keep(text);
    }
}

const struct piece http_pieces[] = {
    {"head-small", "a request's head of two lines, read", NULL, read_small},
    {"head-browser", "a browser's head of eight lines, read", NULL, read_browser},
    {"head-llhttp", "a head that is not plain: llhttp and all the checks behind it", NULL, parse_closely},
    {"head-known", "a head that came before, found", know, find_known},
    {"route-10", "a path with two parameters among 10 routes", make_few, route_few},
    {"route-1000", "the same among 1,000 routes", make_many, route_many},
    {"opening", "status line, Date and what follows, of an answer", NULL, begin_answer},
    {"date", "a Date made anew, once a second", NULL, write_date},
    {0},
};
