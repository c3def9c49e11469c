// test_notify.c — messages to users: written once the answer has left, and each welcome once.
#include <leat/test.h>

TEST_PLUGINS("users", "notify");

IMPORT(get_current_user, uuid, "users");

#define ADA "ad0a0000-0000-4000-8000-000000000001"
static const uuid ada = {{0xAD, 0xA, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}};

static void sign_in(app *a) {
    sql(a, "INSERT INTO users (id, email, password_hash, first_name, last_name) VALUES ('" ADA "', 'ada@example.com', '', 'Ada', 'L')");
    override(a, get_current_user, ada);
}

TEST(a_welcome_is_in_the_outbox_once_it_was_answered) {
    sign_in(a);
    answer *x = post(a, "/v1/notify", "{}");
    expect_status(x, 202);
    expect_documented(a, x);
    expect_sql(a, "SELECT kind, recipient, subject, body, sent_at FROM outbox",
               J([{"kind": "welcome", "recipient": "ada@example.com", "subject": "Welcome", "body": "Good to have you here, Ada.",
                   "sent_at": null}]));
}

TEST(nobody_is_welcomed_twice) {
    sign_in(a);
    expect_status(post(a, "/v1/notify", J({"kind": "welcome"})), 202);
    expect_status(post(a, "/v1/notify", J({"kind": "welcome"})), 202);
    expect_sql(a, "SELECT count(*) FROM outbox", J([{"count": 1}]));
}

TEST(reminders_are_written_each_time) {
    sign_in(a);
    expect_status(post(a, "/v1/notify", J({"kind": "reminder", "text": "the sluice; it's open"})), 202);
    expect_status(post(a, "/v1/notify", J({"kind": "reminder", "text": "the sluice; it's open"})), 202);
    expect_sql(a, "SELECT count(*) FROM outbox WHERE body = 'the sluice; it''s open'", J([{"count": 2}]));
}

TEST(a_reminder_without_a_text_is_refused) {
    sign_in(a);
    answer *x = post(a, "/v1/notify", J({"kind": "reminder"}));
    expect_status(x, 422);
    expect_json(x, "detail[0].msg", J("Value error, a reminder has a text"));
    expect_sql(a, "SELECT count(*) FROM outbox", J([{"count": 0}]));
}

TEST(another_kind_is_refused) {
    sign_in(a);
    expect_json(post(a, "/v1/notify", J({"kind": "threat"})), "detail[0].type", J("enum"));
}

TEST(one_sees_what_was_written_to_one) {
    sign_in(a);
    sql(a, "INSERT INTO users (id, email, password_hash, first_name, last_name) VALUES ('b00b0000-0000-4000-8000-000000000002', 'b@x.org',"
           " '', 'Bob', 'B')");
    sql(a, "INSERT INTO outbox (user_id, kind, recipient, subject, body) VALUES ('b00b0000-0000-4000-8000-000000000002', 'welcome', '', '',"
           " '')");
    post(a, "/v1/notify", "{}");
    answer *x = get(a, "/v1/notify");
    expect_status(x, 200);
    expect_json(x, "data", NULL);
    expect_json(x, "length", J(1));
    expect_json(x, "[0].kind", J("welcome"));
    expect_json(x, "[0].sent_at", J(null));
    expect_documented(a, x);
}

TEST(nobody_is_written_to_without_a_token) {
    expect_status(post(a, "/v1/notify", "{}"), 401);
    expect_status(get(a, "/v1/notify"), 401);
}

TEST(whatever_is_sent_is_answered_as_documented) {
    sign_in(a);
    fuzz_every_route(a, .only = "/v1/notify", .token = token_for(a, ADA), .count = 60);
}
