// aggregate.c — one answer out of those of three other services, which are asked at the same time.
//
// Where they are is a setting each. Without all three the route says so, and nothing else of the server minds.
#include <leat/leat.h>

// clang-format off
SETTINGS(AggregateSettings,
    (str, user_url,     .optional = true, .format = URL, .description = "Service that knows the user: GET answers {\"name\"}"),
    (str, orders_url,   .optional = true, .format = URL, .description = "Service that knows the orders: GET answers {\"open\"}"),
    (str, payments_url, .optional = true, .format = URL, .description = "Service that knows the payments: GET answers {\"due_cents\"}"),
    (i32, timeout_ms,   .def = 2000, .ge = 10, .le = 30000, .description = "How long each may take, 2000"));

SCHEMA(Profile,    (str, name, .min_length = 1));
SCHEMA(Orders,     (i64, open, .ge = 0));
SCHEMA(Payments,   (i64, due_cents, .ge = 0));
SCHEMA(Aggregated, (Profile, user), (Orders, orders), (Payments, payments));
// clang-format on

ERROR(not_set_up, 503, "Not set up", .headers = "Retry-After: 60");
ERROR(upstream_failed, 502, "Bad Gateway");
ERROR(upstream_late, 504, "Gateway Timeout");

static const AggregateSettings *services(req *r) {
    const AggregateSettings *services = settings(AggregateSettings);
    if (!services->user_url.len || !services->orders_url.len || !services->payments_url.len)
        fail(r, not_set_up, "set AGGREGATE_USER_URL, AGGREGATE_ORDERS_URL and AGGREGATE_PAYMENTS_URL");
    return services;
}

GET("/aggregated", aggregated, Aggregated, (depends(optional_bearer_token, token)),
    .summary = "User, orders and payments, from a service each", .errors = ERRORS(not_set_up, upstream_failed, upstream_late)) {
    const AggregateSettings *at = services(r);
    uint32_t ms = (uint32_t)at->timeout_ms;

    Profile_promise user = http_get_start(r, Profile, at->user_url, .bearer = token, .timeout_ms = ms);
    Orders_promise orders = http_get_start(r, Orders, at->orders_url, .bearer = token, .timeout_ms = ms);
    Payments_promise payments = http_get_start(r, Payments, at->payments_url, .bearer = token, .timeout_ms = ms);

    Aggregated *out = new (r, Aggregated);
    *out = (Aggregated){.user = *await(user), .orders = *await(orders), .payments = *await(payments)};
    return out;
}

PLUGIN(aggregate, .version = "1.0.0", .prefix = "/v1", .tag = "aggregate", .description = "What several services know, in one answer");
