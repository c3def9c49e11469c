// health.c — is the process alive, and should it be sent requests? Nothing here asks the database: one that is down is no reason to be
// restarted, and one that is slow none to be slow as well.
#include <leat/leat.h>

SCHEMA(Health, (str, status, .example = "ok"), (timestamp, timestamp), (str, version, .description = "The server's version"));
SCHEMA(Probe,
       (str, status, .example = "ok", .description = "ok; of readiness also degraded: a plugin's file is left out, and all others serve"));

static Probe *ok(req *r) {
    Probe *answer = new (r, Probe);
    answer->status = S("ok");
    return answer;
}

GET("/health", health, Health, (), .tag = "health", .summary = "Health") {
    Health *answer = new (r, Health);
    const char *version = leat_version();
    *answer = (Health){.status = S("ok"), .timestamp = timestamp_now(), .version = {version, __builtin_strlen(version)}};
    return answer;
}

GET("/health/live", live, Probe, (), .tag = "health", .summary = "Liveness: the process answers") {
    return ok(r);
}

ERROR(not_ready, 503, "Not ready: database", .headers = "Retry-After: 1");

GET("/health/ready", ready, Probe, (), .tag = "health", .summary = "Readiness: requests may be sent here", .errors = ERRORS(not_ready)) {
    str why = not_ready_because(r);
    if (!why.len) {
        Probe *answer = ok(r);
        if (is_degraded(r))
            answer->status = S("degraded");
        return answer;
    }
    set_header(r, "Retry-After", S("1"));
    http_fail(r, 503, "Not ready: %.*s", (int)why.len, why.ptr);
}
