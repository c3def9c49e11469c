// test_guards.c — the guards that the plugin offers to others: who is let in, who is not, and what is judged first.
#include <leat/test.h>

TEST_PLUGINS("users");

IMPORT(get_current_user, uuid, "users");
ENUM(UserRole, admin, user);
SCHEMA(Account, (uuid, id), (UserRole, role), (bool, is_active));
IMPORT(get_active_user, Account *, "users");
IMPORT(get_admin_user, Account *, "users");

SCHEMA(Change, (i64, amount, .ge = 1));

GET("/guarded/active", active_only, Account, (depends(get_active_user, account))) {
    return account;
}
POST("/guarded/admin/{number}", admins_only, Account, (path(i64, number), body(Change, in), depends(get_active_user, account)),
     .guards = GUARDS(get_admin_user)) {
    (void)number, (void)in;
    return account;
}

PROVIDE(get_key, str, (header(str, x_api_key, .secret = true)), .security = "apiKey") {
    return x_api_key;
}
PROVIDE(get_partner, str, (depends(get_key, key)), .security = "partnerToken") {
    return key;
}
GET("/guarded/keys", keys_only, Account, (depends(get_partner, partner), depends(get_active_user, account))) {
    return account;
}

static const char *someone(app *a, const char *set) {
    answer *x = post(a, "/v1/auth/register",
                     J({"email" : "ada@example.com", "first_name" : "Ada", "last_name" : "Lovelace", "password" : "Secure123"}));
    expect_status(x, 201);
    const char *id = text_at(x, "id");
    if (*set)
        sql(a, "UPDATE users SET %s WHERE id = '%s'", set, id);
    return token_for(a, id);
}

// promise 28
TEST(an_account_that_is_active_is_let_in_and_handed_over) {
    answer *x = get(a, "/guarded/active", .token = someone(a, ""));
    expect_status(x, 200);
    expect_json(x, "role", J("user"));
    expect_json(x, "is_active", "true");
    expect_queries_at_most(a, 2);
}
// promise 30
TEST(an_account_that_was_deactivated_is_answered_403) {
    answer *x = get(a, "/guarded/active", .token = someone(a, "is_active = false"));
    expect_status(x, 403);
    expect_json(x, "detail", J("Inactive user"));
}
TEST(an_account_that_is_gone_is_answered_401) {
    const char *token = someone(a, "");
    sql(a, "DELETE FROM users");
    answer *x = get(a, "/guarded/active", .token = token);
    expect_status(x, 401);
    expect_json(x, "detail", J("Invalid token"));
    expect_header(x, "WWW-Authenticate", "Bearer");
}
TEST(nobody_is_answered_401_whatever_else_is_wrong) {
    expect_status(post(a, "/guarded/admin/x", J({"amount" : 0})), 401);
    expect_status(post(a, "/guarded/admin/x", "{"), 401);
}
// promise 30
TEST(who_is_no_admin_is_answered_403_before_any_422) {
    const char *token = someone(a, "");
    answer *x = post(a, "/guarded/admin/x", J({"amount" : 0}), .token = token);
    expect_status(x, 403);
    expect_json(x, "detail", J("Admins only"));
    expect_status(post(a, "/guarded/admin/x", "{", .token = token), 403);
}
TEST(an_inactive_admin_is_inactive_first) {
    answer *x = post(a, "/guarded/admin/1", J({"amount" : 1}), .token = someone(a, "role = 'admin', is_active = false"));
    expect_status(x, 403);
    expect_json(x, "detail", J("Inactive user"));
}
TEST(an_admin_is_told_all_that_is_wrong_and_let_in_when_nothing_is) {
    const char *token = someone(a, "role = 'admin'");
    answer *x = post(a, "/guarded/admin/x", J({"amount" : 0}), .token = token);
    expect_status(x, 422);
    expect_json(x, "detail.length", "2");
    expect_status(post(a, "/guarded/admin/1", J({"amount" : 1}), .token = token), 200);
    expect_queries_at_most(a, 2); // the account is asked for once, by whoever needs it
}
TEST(guards_are_in_the_documents) {
    answer *document = get(a, "/openapi.json");
    const char *responses = "paths./guarded/admin/{number}.post.responses";
    const char *examples = "content.application/json.examples";
    expect_json(document, text_of(a, "%s.401.%s.invalid_token.value.detail", responses, examples), J("Invalid token"));
    expect_json(document, text_of(a, "%s.403.%s.inactive_user.value.detail", responses, examples), J("Inactive user"));
    expect_json(document, text_of(a, "%s.403.%s.not_admin.value.detail", responses, examples), J("Admins only"));
    expect_json(document, "paths./guarded/admin/{number}.post.security[0].OAuth2PasswordBearer.length", "0");
}
TEST(whatever_scheme_a_provider_names_is_in_the_documents) {
    answer *document = get(a, "/openapi.json");
    const char *key = "components.securitySchemes.apiKey";
    expect_json(document, key, J({"type" : "apiKey", "in" : "header", "name" : "x-api-key"}));
    expect_json(document, "components.securitySchemes.partnerToken", J({"type" : "http", "scheme" : "bearer"}));
    expect_json(document, "paths./guarded/keys.get.security", J([ {"apiKey" : [], "partnerToken" : [], "OAuth2PasswordBearer" : []} ]));
    expect_json(document, "components.securitySchemes.OAuth2PasswordBearer.flows.password.tokenUrl", J("/v1/auth/login"));
}
TEST(routes_of_a_plugin_without_a_tag_are_grouped_by_its_name) {
    answer *document = get(a, "/openapi.json");
    expect_json(document, "paths./guarded/active.get.tags", J(["leat"]));
}
