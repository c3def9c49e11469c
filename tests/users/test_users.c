// test_users.c — accounts and sign-in: who may register, who is let in, who may change what.
#include <leat/test.h>

TEST_PLUGINS("users");

IMPORT(get_current_user, uuid, "users");

static const char ada[] = J({"email": "Ada@Example.com", "first_name": "Ada", "last_name": "Lovelace", "password": "Secure123"});
static const char bob[] = J({"email": "bob@example.com", "first_name": "Bob", "last_name": "Bell", "password": "Secure456"});

// The id of a new account.
static const char *register_user(app *a, const char *who) {
    answer *x = post(a, "/v1/auth/register", who);
    expect_status(x, 201);
    return text_at(x, "id");
}

// ---- registration

// promise 21
TEST(registration_answers_the_account_without_its_password) {
    answer *x = post(a, "/v1/auth/register", ada);
    expect_status(x, 201);
    expect_json(x, "email", J("ada@example.com"));
    expect_json(x, "role", J("user"));
    expect_json(x, "is_active", J(true));
    expect_json(x, "password", NULL);
    expect_json(x, "password_hash", NULL);
    expect_documented(a, x);
    expect_queries_at_most(a, 1);
}

TEST(registration_leaves_nothing_for_the_next_test) {
    expect_sql(a, "SELECT count(*) FROM users", J([{"count": 0}]));
    register_user(a, ada);
    expect_sql(a, "SELECT email, first_name FROM users", J([{"first_name": "Ada", "email": "ada@example.com"}]));
}

TEST(a_second_registration_answers_409_and_spoils_nothing) {
    register_user(a, ada);
    answer *x = post(a, "/v1/auth/register", J({"email": "ADA@example.com", "first_name": "A", "last_name": "L", "password": "Secure123"}));
    expect_status(x, 409);
    expect_json(x, "", J({"detail": "Email already registered"}));
    register_user(a, bob);
    expect_sql(a, "SELECT count(*) FROM users", J([{"count": 2}]));
}

TEST(registration_names_all_that_is_wrong) {
    answer *x = post(a, "/v1/auth/register", J({"email": "nobody", "first_name": "", "password": "short"}));
    expect_status(x, 422);
    expect_json(x, "detail.length", J(4));
    expect_json(x, "detail[0].loc", J(["body", "email"]));
    expect_json(x, "detail[1].type", J("string_too_short"));
    expect_json(x, "detail[2].type", J("missing"));
    expect_json(x, "detail[3].input", NULL);
    expect_queries_at_most(a, 0);
}

TEST(registration_wants_an_upper_case_letter_and_a_digit) {
    answer *x = post(a, "/v1/auth/register", J({"email": "a@b.org", "first_name": "A", "last_name": "B", "password": "lowercase1"}));
    expect_json(x, "detail[0].msg", J("Value error, Password must contain uppercase letter"));
    x = post(a, "/v1/auth/register", J({"email": "a@b.org", "first_name": "A", "last_name": "B", "password": "NoDigits"}));
    expect_json(x, "detail[0].msg", J("Value error, Password must contain digit"));
}

// promise 25
TEST(nobody_registers_as_an_admin) {
    answer *x = post(a, "/v1/auth/register",
                     J({"email": "a@b.org", "first_name": "A", "last_name": "B", "password": "Secure123", "role": "admin"}));
    expect_json(x, "role", J("user"));
}

// ---- sign-in

TEST(login_gives_a_token_that_is_good) {
    const char *id = register_user(a, ada);
    answer *x = post_form(a, "/v1/auth/login", "username=ADA%40example.com&password=Secure123");
    expect_status(x, 200);
    expect_json(x, "token_type", J("bearer"));
    x = get(a, "/v1/users/me", .token = text_at(x, "access_token"));
    expect_status(x, 200);
    expect_json(x, "id", text_of(a, "\"%s\"", id));
}

TEST(login_does_not_tell_a_stranger_from_a_wrong_password) {
    register_user(a, ada);
    answer *wrong = post_form(a, "/v1/auth/login", "username=ada%40example.com&password=Secure124");
    answer *stranger = post_form(a, "/v1/auth/login", "username=eve%40example.com&password=Secure124");
    expect_status(wrong, 401);
    expect_header(wrong, "WWW-Authenticate", "Bearer");
    expect_status(stranger, 401);
    assert_true(str_eq(wrong->body, stranger->body));
}

TEST(a_token_of_nobody_is_refused) {
    answer *x = get(a, "/v1/users/me", .token = token_for(a, "00000000-0000-4000-8000-000000000000"));
    expect_status(x, 401);
    expect_json(x, "detail", J("Invalid token"));
    expect_status(get(a, "/v1/users/me", .token = "no.token.atall"), 401);
    x = get(a, "/v1/users/me", .headers = "Authorization: Basic YTpi");
    expect_status(x, 401);
    expect_json(x, "detail", J("Not authenticated"));
}

// ---- accounts

TEST(accounts_are_listed_the_oldest_first) {
    const char *first = register_user(a, ada), *second = register_user(a, bob);
    sql(a, "UPDATE users SET created_at = created_at - interval '1 day' WHERE id = '%s'", second);
    answer *x = get(a, "/v1/users?limit=2", .token = token_for(a, first));
    expect_status(x, 200);
    expect_json(x, "length", J(2));
    expect_json(x, "[0].email", J("bob@example.com"));
    expect_json(x, "[1].id", text_of(a, "\"%s\"", first));
    expect_queries_at_most(a, 2); // who is asking, and the list
    expect_json(get(a, "/v1/users?skip=2", .token = token_for(a, first)), "", J([]));
}

TEST(a_list_wants_a_limit_of_1_to_100) {
    const char *token = token_for(a, register_user(a, ada));
    expect_json(get(a, "/v1/users?limit=0", .token = token), "detail[0].type", J("greater_than_equal"));
    expect_json(get(a, "/v1/users?limit=101", .token = token), "detail[0].type", J("less_than_equal"));
    expect_json(get(a, "/v1/users?limit=x&skip=-1", .token = token), "detail.length", J(2));
}

TEST(an_account_that_is_not_there_is_a_404) {
    const char *token = token_for(a, register_user(a, ada));
    answer *x = get(a, "/v1/users/00000000-0000-4000-8000-000000000000", .token = token);
    expect_status(x, 404);
    expect_json(x, "detail", J("User not found"));
    expect_status(get(a, "/v1/users/42", .token = token), 422);
}

TEST(patch_touches_only_what_was_sent) {
    const char *id = register_user(a, ada);
    answer *x =
        patch(a, text_of(a, "/v1/users/%s", id), J({"last_name": "King", "email": "x@y.org", "role": "admin"}), .token = token_for(a, id));
    expect_status(x, 200);
    expect_json(x, "first_name", J("Ada"));
    expect_json(x, "last_name", J("King"));
    expect_json(x, "email", J("ada@example.com"));
    expect_json(x, "role", J("user"));
}

TEST(nobody_changes_another_account) {
    const char *id = register_user(a, ada), *other = register_user(a, bob);
    answer *x = patch(a, text_of(a, "/v1/users/%s", id), J({"last_name": "Bell"}), .token = token_for(a, other));
    expect_status(x, 403);
    expect_sql(a, "SELECT last_name FROM users ORDER BY email LIMIT 1", J([{"last_name": "Lovelace"}]));
}

// ---- dependencies

// promise 60
TEST(an_override_stands_for_the_token_too) {
    expect_status(patch(a, "/v1/users/00000000-0000-4000-8000-000000000000", J({"last_name": "King"})), 401);
    override(a, get_current_user, (uuid){{0, 0, 0, 0, 0, 0, 0x40, 0, 0x80}});
    expect_status(patch(a, "/v1/users/00000000-0000-4000-8000-000000000000", J({"last_name": "King"})), 404);
}

TEST(an_override_ends_with_its_test) {
    expect_status(get(a, "/v1/users/me"), 401);
}

// ---- all of it

// promise 9
TEST(every_route_keeps_what_its_document_promises) {
    const char *id = register_user(a, ada);
    fuzz_every_route(a, .token = token_for(a, id),
                     .known = (const char *const[]){"user_id", id, "username", "ada@example.com", "password", "Secure123", NULL});
}
