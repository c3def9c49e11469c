// health.c — is the process alive? Asks nothing but itself: a database that is down is no reason to be restarted.
#include <leat/leat.h>

SCHEMA(Health, (str, status, .example = "ok"), (timestamp, timestamp), (str, version, .description = "The server's version"));

GET("/health", health, Health, (), .tag = "health", .summary = "Health") {
    Health *answer = new (r, Health);
    const char *version = leat_version();
    *answer = (Health){.status = S("ok"), .timestamp = timestamp_now(), .version = {version, __builtin_strlen(version)}};
    return answer;
}
