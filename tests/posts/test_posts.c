// test_posts.c — posts: who may write them, who may read them, and in which order.
#include <leat/test.h>

TEST_PLUGINS("users", "posts");

IMPORT(get_current_user, uuid, "users");
IMPORT(get_optional_user, uuid, "users");

static const uuid ada = {{0xAD, 0xA, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}};
static const uuid bob = {{0xB0, 0xB, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 2}};
#define ADA "ad0a0000-0000-4000-8000-000000000001"
#define BOB "b00b0000-0000-4000-8000-000000000002"

static void make_users(app *a) {
    sql(a, "INSERT INTO users (id, email, password_hash, first_name, last_name) VALUES ('" ADA "', 'ada@example.com', '', 'Ada', 'L'),"
           " ('" BOB "', 'bob@example.com', '', 'Bob', 'B')");
}

static void sign_in(app *a, uuid who) {
    override(a, get_current_user, who);
    override(a, get_optional_user, who);
}

// The path of a new post of Ada's, who is signed in from now on.
static const char *write_post(app *a, const char *json) {
    make_users(a);
    sign_in(a, ada);
    answer *x = post(a, "/v1/posts", json);
    expect_status(x, 201);
    return text_of(a, "/v1/posts/%s", text_at(x, "id"));
}

static const char draft[] = J({"title": "One", "content": "first"});
static const char published[] = J({"title": "One", "content": "first", "published": true});

// ---- written

TEST(a_new_post_is_a_draft_of_its_author) {
    make_users(a);
    sign_in(a, ada);
    answer *x = post(a, "/v1/posts", draft);
    expect_status(x, 201);
    expect_json(x, "published", J(false));
    expect_json(x, "author_id", J("ad0a0000-0000-4000-8000-000000000001"));
    expect_documented(a, x);
}

TEST(a_post_wants_a_title_and_content) {
    sign_in(a, ada);
    answer *x = post(a, "/v1/posts", J({"title": "", "published": null}));
    expect_status(x, 422);
    expect_json(x, "detail[0].type", J("string_too_short"));
    expect_json(x, "detail[1].loc", J(["body", "content"]));
    expect_json(x, "detail[2].type", J("bool_type"));
}

TEST(nobody_writes_without_a_token) {
    answer *x = post(a, "/v1/posts", draft);
    expect_status(x, 401);
    expect_header(x, "WWW-Authenticate", "Bearer");
}

// ---- read

TEST(a_draft_is_there_for_its_author_alone) {
    const char *path = write_post(a, draft);
    expect_status(get(a, path), 200);
    sign_in(a, bob);
    expect_status(get(a, path), 404);
    sign_in(a, (uuid){0}); // nobody
    expect_status(get(a, path), 404);
}

TEST(a_published_post_is_there_for_all) {
    const char *path = write_post(a, published);
    sign_in(a, (uuid){0});
    answer *x = get(a, path);
    expect_status(x, 200);
    expect_json(x, "title", J("One"));
}

// promise 42
TEST(a_list_holds_published_posts_the_newest_first) {
    make_users(a);
    sql(a, "INSERT INTO posts (title, content, published, author_id, created_at)"
           " SELECT 'post ' || n, 'x', n %% 2 = 0, '" ADA "', now() + n * interval '1 s' FROM generate_series(1, 10) n");
    answer *x = get(a, "/v1/posts?page=2&limit=2");
    expect_status(x, 200);
    expect_json(x, "pagination", J({"page": 2, "limit": 2, "total": 5, "pages": 3}));
    expect_json(x, "data.length", J(2));
    expect_json(x, "data[0].title", J("post 6"));
    expect_json(x, "data[1].title", J("post 4"));
    expect_queries_at_most(a, 2);
    expect_json(get(a, "/v1/posts?page=9"), "data", J([]));
}

// ---- changed

TEST(patch_touches_only_what_was_sent) {
    const char *path = write_post(a, draft);
    answer *x = patch(a, path, J({"published": true}));
    expect_status(x, 200);
    expect_json(x, "published", J(true));
    expect_json(x, "title", J("One"));
    expect_status(patch(a, path, J({"title": null})), 422);
}

TEST(another_author_may_change_nothing) {
    const char *path = write_post(a, published);
    sign_in(a, bob);
    expect_status(patch(a, path, J({"title": "Mine"})), 403);
    expect_status(delete_(a, path), 403);
    expect_sql(a, "SELECT title FROM posts", J([{"title": "One"}]));
}

TEST(another_author_is_not_told_of_a_draft) {
    const char *path = write_post(a, draft);
    sign_in(a, bob);
    answer *x = patch(a, path, J({"title": "Mine"}));
    expect_status(x, 404);
    expect_json(x, "detail", J("Post not found"));
    expect_status(delete_(a, path), 404);
}

TEST(a_deleted_post_is_gone) {
    const char *path = write_post(a, published);
    answer *x = delete_(a, path);
    expect_status(x, 204);
    expect_header(x, "Content-Length", NULL);
    expect_status(get(a, path), 404);
    expect_status(delete_(a, path), 404);
    expect_sql(a, "SELECT count(*) FROM posts", J([{"count": 0}]));
}

// ---- all of it

TEST(every_route_keeps_what_its_document_promises) {
    make_users(a);
    const char *id = "00000000-0000-4000-8000-00000000000f", *token = token_for(a, ADA);
    sql(a, "INSERT INTO posts (id, title, content, published, author_id) VALUES ('%s', 'One', 'first', true, '" ADA "')", id);
    fuzz_every_route(a, .token = token, .only = "/v1/posts", .known = (const char *const[]){"post_id", id, NULL});
}
