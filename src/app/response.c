// response.c — the author's answers that are there as a whole: status, headers, cookies, bodies, conditions.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <leat/response.h>

#include "away.h"
#include "base/str.h"
#include "header.h"
#include "http/characters.h"
#include "http/conditions.h"
#include "http/date.h"
#include "reply.h"
#include "request.h"
#include "said.h"

// ---- status

void set_status(req *r, unsigned status) {
    if (status < 200 || status > 599)
        refuse_header(r, "status", "not between 200 and 599");
    r->status = status;
}

// ---- cookies

void set_cookie(req *r, const char *name, str value, const char *attributes) {
    if (!is_token(name))
        refuse_header(r, "Set-Cookie", "the cookie's name is no token");
    set_header(r, "Set-Cookie",
               format(r, "%s=%.*s%s%s", name, (int)value.len, value.ptr, attributes ? "; " : "", attributes ? attributes : ""));
}

// RFC 6265, section 4.1.1: cookie-octet.
static bool is_cookie_value(str value) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c <= ' ' || c > '~' || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

static bool is_attribute(const char *text) {
    for (; text && *text; text++)
        if (*text < ' ' || *text > '~' || *text == ';')
            return false;
    return true;
}

static bool begins_with(const char *text, const char *word) {
    return strncasecmp(text, word, strlen(word)) == 0;
}

// What a browser would drop without a word (RFC 6265bis, section 5.7); NULL where it takes it.
static const char *cookie_problem(const char *name, str value, const struct leat_cookie *cookie) {
    if (!is_token(name))
        return "the cookie's name is no token";
    if (!is_cookie_value(value))
        return "the cookie's value holds what no cookie may hold; encode it";
    if (!is_attribute(cookie->path) || !is_attribute(cookie->domain) || (cookie->path && cookie->path[0] != '/'))
        return "the cookie's path or domain is none";
    if (cookie->same_site == SAME_SITE_NONE && !cookie->secure)
        return "browsers refuse SameSite=None without .secure";
    if (begins_with(name, "__Secure-") && !cookie->secure)
        return "__Secure- wants .secure";
    if (begins_with(name, "__Host-") && (!cookie->secure || cookie->domain || (cookie->path && strcmp(cookie->path, "/") != 0)))
        return "__Host- wants .secure, the path / and no domain";
    return NULL;
}

static void write_cookie(req *r, const char *name, str value, const struct leat_cookie *cookie, const char *age) {
    static const char *const sites[] = {[SAME_SITE_LAX] = "Lax", [SAME_SITE_STRICT] = "Strict", [SAME_SITE_NONE] = "None"};
    const char *problem = cookie_problem(name, value, cookie);
    if (problem)
        refuse_value(r, "Set-Cookie", said(r, value), problem);
    str line = format(r, "%s=%.*s; Path=%s%s%s%s%s%s; SameSite=%s", name, (int)value.len, value.len ? value.ptr : "",
                      cookie->path ? cookie->path : "/", cookie->domain ? "; Domain=" : "", cookie->domain ? cookie->domain : "", age,
                      cookie->http_only ? "; HttpOnly" : "", cookie->secure ? "; Secure" : "", sites[cookie->same_site % 3]);
    set_header(r, "Set-Cookie", line);
}

void leat_put_cookie(req *r, const char *name, str value, const struct leat_cookie *cookie) {
    char age[40] = "";
    if (cookie->max_age_s)
        snprintf(age, sizeof age, "; Max-Age=%lld", (long long)cookie->max_age_s);
    write_cookie(r, name, value, cookie, age);
}

void leat_drop_cookie(req *r, const char *name, const struct leat_cookie *cookie) {
    write_cookie(r, name, (str){0}, cookie, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0");
}

// ---- conditions

static str tag_of(req *r, str etag) {
    for (size_t i = 0; i < etag.len; i++)
        if (etag.ptr[i] <= ' ' || etag.ptr[i] > '~' || etag.ptr[i] == '"')
            refuse_header(r, "ETag", "it is not visible ASCII without quotes");
    return format(r, "\"%.*s\"", (int)etag.len, etag.ptr);
}

static str date_of(req *r, int64_t second) {
    char *date = alloc(r, HTTP_DATE_BYTES);
    http_date_write(second, date);
    return (str){date, HTTP_DATE_BYTES};
}

void response_put_validators(req *r, const struct validators *validators) {
    if (validators->etag.ptr)
        header_put_default(r, "ETag", validators->etag);
    if (validators->modified_s != HTTP_NEVER)
        header_put_default(r, "Last-Modified", date_of(r, validators->modified_s));
}

static _Noreturn void answer_conditions(req *r, enum conditions conditions) {
    request_settle(r);
    if (conditions == CONDITIONS_FAIL)
        http_fail(r, 412, "Precondition Failed");
    Response not_modified = {.status = 304};
    r->status = 0;
    reply_response(r, &not_modified);
    request_leave(r, OK);
}

struct validators_call {
    req *r;
    const struct leat_validators *given;
};

static void check_on_core(void *arg) {
    const struct validators_call *call = arg;
    leat_check_validators(call->r, call->given);
}

void leat_check_validators(req *r, const struct leat_validators *given) {
    if (r->is_away) {
        away_call(r, check_on_core, &(struct validators_call){r, given});
        return;
    }
    struct validators own = {.modified_s = given->modified.us ? given->modified.us / 1000000 : HTTP_NEVER,
                             .now_s = r->app->core->wall_us / 1000000};
    if (given->etag.ptr)
        own.etag = tag_of(r, given->etag);
    response_put_validators(r, &own);
    bool has_range;
    enum conditions conditions = r->head && http_has_conditions(r->head) ? http_conditions(r->head, &own, &has_range) : CONDITIONS_HOLD;
    if (conditions != CONDITIONS_HOLD)
        answer_conditions(r, conditions);
}

// ---- bodies

static Response *respond_with(req *r, str type, str body) {
    Response *response = new (r, Response);
    response->type = type;
    response->body = body;
    return response;
}

Response *respond(req *r, const char *type, str body) {
    str type_text = str_of(type);
    if (!is_one_line(type_text))
        refuse_header(r, "Content-Type", "the value holds CR, LF or NUL");
    return respond_with(r, type_text, body);
}

Response *text(req *r, str body) {
    return respond_with(r, S("text/plain; charset=utf-8"), body);
}

Response *html(req *r, str body) {
    return respond_with(r, S("text/html; charset=utf-8"), body);
}

Response *json_text(req *r, str body) {
    return respond_with(r, S("application/json"), body);
}

// RFC 3986's characters and '%', which is taken to begin what is encoded already.
static bool is_url_char(char c) {
    return is_letter(c) || is_digit(c) || (c && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

static str url_encoded(req *r, str url) {
    size_t strangers = 0;
    for (size_t i = 0; i < url.len; i++)
        strangers += !is_url_char(url.ptr[i]);
    if (!strangers)
        return url;
    static const char hex[] = "0123456789ABCDEF";
    char *out = alloc(r, url.len + strangers * 2), *at = out;
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (is_url_char((char)c)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    return (str){out, (size_t)(at - out)};
}

Response *redirect_as(req *r, unsigned status, str location) {
    bool is_redirect = (status >= 301 && status <= 303) || status == 307 || status == 308;
    if (!is_redirect)
        refuse_header(r, "Location", "301, 302, 303, 307 and 308 redirect, no other status");
    Response *response = new (r, Response);
    *response = (Response){.location = url_encoded(r, location), .status = status};
    return response;
}

Response *redirect(req *r, str location) {
    return redirect_as(r, 307, location);
}

static const char *entity_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#x27;";
    default:
        return NULL;
    }
}

str html_escape(req *r, str s) {
    size_t bytes = 0;
    for (size_t i = 0; i < s.len; i++)
        bytes += entity_of(s.ptr[i]) ? strlen(entity_of(s.ptr[i])) : 1;
    if (bytes == s.len)
        return s;
    char *out = alloc(r, bytes + 1), *end = out; // stpcpy ends with a NUL
    for (size_t i = 0; i < s.len; i++) {
        const char *entity = entity_of(s.ptr[i]);
        if (entity)
            end = stpcpy(end, entity);
        else
            *end++ = s.ptr[i];
    }
    return (str){out, bytes};
}
