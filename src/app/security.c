// security.c — the author's passwords, tokens and bearer dependencies.
#include <errno.h>
#include <string.h>

#include <leat/security.h>

#include "away.h"
#include "base/clock.h"
#include "base/log.h"
#include "observe.h"
#include "request.h"

static _Noreturn void fail_hashing(req *r, int error) {
    if (error == -EAGAIN)
        fail_busy(r, "the hashing queue is full");
    observe_log(r, LOG_ERROR, "hashing_failed", "error=%s", strerrorname_np(-error));
    http_fail(r, 500, "Internal Server Error");
}

struct password_call {
    req *r;
    str plain, hash;
    bool matches;
};

static void hash_on_core(void *arg) {
    struct password_call *call = arg;
    call->hash = password_hash(call->r, call->plain);
}

static void verify_on_core(void *arg) {
    struct password_call *call = arg;
    call->matches = password_verify(call->r, call->plain, call->hash);
}

str password_hash(req *r, str plain) {
    if (r->is_away) {
        struct password_call call = {.r = r, .plain = plain};
        away_call(r, hash_on_core, &call);
        return call.hash;
    }
    char hash[PASSWORD_HASH_BYTES];
    request_waits(r);
    int status = hasher_make(&r->app->hasher, r->app->core, plain, hash);
    request_goes_on(r);
    if (status)
        fail_hashing(r, status);
    return format(r, "%s", hash);
}

bool password_verify(req *r, str plain, str hash) {
    if (r->is_away) {
        struct password_call call = {.r = r, .plain = plain, .hash = hash};
        away_call(r, verify_on_core, &call);
        return call.matches;
    }
    request_waits(r);
    int status = hasher_matches(&r->app->hasher, r->app->core, plain, hash);
    request_goes_on(r);
    if (status < 0)
        fail_hashing(r, status);
    return status;
}

bool password_needs_rehash(str hash) {
    const req *away = away_current();
    const struct app *app = away ? away->app : core_current()->app;
    return password_is_weaker(hash, &app->hasher.cost);
}

static const struct jwt_key *key_of(req *r) {
    const struct jwt_key *key = &r->app->options->jwt;
    if (!key->secret.len) {
        observe_log(r, LOG_ERROR, "no_secret_key", "set SECRET_KEY to %d characters or more", JWT_SECRET_BYTES_MIN);
        http_fail(r, 500, "Internal Server Error");
    }
    return key;
}

str jwt_issue(req *r, str subject, i64 ttl_s) {
    str token = jwt_make(key_of(r), subject, clock_wall_us() / 1000000, ttl_s, &r->arena);
    if (!token.ptr)
        fail_busy(r, "no memory for a token");
    return token;
}

bool jwt_check(req *r, str token, str *ret_subject) {
    return jwt_read(key_of(r), token, clock_wall_us() / 1000000, &r->arena, ret_subject) == JWT_GOOD;
}

// What follows "Bearer" and blanks (RFC 6750, section 2.1); the scheme in any case (RFC 9110, section 11.1).
static str bearer_of(req *r) {
    str field = r->head ? http_text(r->head, r->head->authorization) : (str){0};
    if (field.len < 7 || strncasecmp(field.ptr, "Bearer ", 7) != 0)
        return (str){0};
    size_t skip = 7;
    while (skip < field.len && field.ptr[skip] == ' ')
        skip++;
    return (str){field.ptr + skip, field.len - skip};
}

ERROR(not_authenticated, 401, "Not authenticated", .headers = "WWW-Authenticate: Bearer");

PROVIDE(bearer_token, str, (), .security = "OAuth2PasswordBearer", .errors = ERRORS(not_authenticated)) {
    str token = bearer_of(r);
    if (!token.ptr)
        fail(r, not_authenticated);
    return token;
}

PROVIDE(optional_bearer_token, str, (), .security = "OAuth2PasswordBearer") {
    return bearer_of(r);
}

PROVIDE(deadline, timestamp, ()) {
    const struct core *core = r->app->core;
    return (timestamp){core->wall_us + (r->due_ms - core_now_ms(core)) * 1000};
}
