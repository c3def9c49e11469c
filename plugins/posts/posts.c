// posts.c — a second domain, in its own .so: it uses the users plugin's sign-in and has nothing to link against.
#include <leat/leat.h>

// clang-format off
#define POST_TEXT                                            \
    (str,  title,     .min_length = 1, .max_length = 255),   \
    (str,  content,   .min_length = 1)

SCHEMA(PostCreate, POST_TEXT, (bool, published, .def = false));

PARTIAL(PostUpdate, POST_TEXT, (bool, published));

SCHEMA(PostResponse,
    (uuid,      id),
    POST_TEXT,
    (bool,      published),
    (uuid,      author_id),
    (timestamp, created_at),
    (timestamp, updated_at));
PAGE_OF(PostResponse);

TABLE(Post, "posts",
    (uuid,      id,         .primary_key = true, .server_default = "gen_random_uuid()"),
    (str,       title,      .max_length = 255),
    (str,       content),
    (bool,      published,  .server_default = "false"),
    (uuid,      author_id,  .references = "users(id) ON DELETE CASCADE", .index = true),
    (timestamp, created_at, .server_default = "now()"),
    (timestamp, updated_at, .server_default = "now()", .on_update = "now()"));
INDEX_ON(Post, posts_published_created_at_id_idx, "(created_at DESC, id DESC) WHERE published");
// clang-format on

IMPORT(get_current_user, uuid, "users");
IMPORT(get_optional_user, uuid, "users");

ERROR(post_not_found, 404, "Post not found");
ERROR(not_your_post, 403, "Cannot change other users' posts");

TASK(announce_post, (uuid, author), (str, title)) {
    log_info(r, "post_published", "title_bytes=%zu", a->title.len);
}

// What `me` may see of a post: published ones, and their own drafts.
static PostResponse *visible_post(req *r, db_conn *db, uuid post_id, uuid me) {
    PostResponse *post = db_one(db, PostResponse, "SELECT {*} FROM posts WHERE id = $1", post_id);
    if (!post || (!post->published && !uuid_eq(post->author_id, me)))
        fail(r, post_not_found);
    return post;
}

static PostResponse *own_post(req *r, db_conn *db, uuid post_id, uuid me) {
    PostResponse *post = visible_post(r, db, post_id, me);
    if (!uuid_eq(post->author_id, me))
        fail(r, not_your_post);
    return post;
}

POST("/posts", create_post, PostResponse, (body(PostCreate, in), depends(get_current_user, me), depends(get_db, db)), .status = 201,
     .summary = "Write a post") {
    PostResponse *post =
        db_one(db, PostResponse, "INSERT INTO posts (title, content, published, author_id) VALUES ($1, $2, $3, $4) RETURNING {*}",
               in->title, in->content, in->published, me);
    if (post->published)
        spawn(r, announce_post, .author = me, .title = post->title);
    return post;
}

GET("/posts", list_posts, PostResponse_page,
    (query(i64, page, .def = 1, .ge = 1), query(i64, limit, .def = 20, .ge = 1, .le = 100), depends(get_db, db)),
    .summary = "Published posts, the newest first", .p99_budget_us = 800) {
    i64 offset;
    if (__builtin_mul_overflow(page - 1, limit, &offset))
        offset = INT64_MAX; // past every end
    PostResponse_list_promise posts = db_list_start(
        db, PostResponse, "SELECT {*} FROM posts WHERE published ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT $2", offset, limit);
    i64 total = db_value(db, i64, "SELECT count(*) FROM posts WHERE published"); // the same round trip

    PostResponse_page *out = new (r, PostResponse_page);
    out->data = *await(posts);
    out->pagination = (Pagination){page, limit, total, (total + limit - 1) / limit};
    return out;
}

GET("/posts/{post_id}", get_post, PostResponse, (path(uuid, post_id), depends(get_optional_user, me), depends(get_db, db)),
    .summary = "One post", .errors = ERRORS(post_not_found)) {
    return visible_post(r, db, post_id, me);
}

PATCH("/posts/{post_id}", update_post, PostResponse,
      (path(uuid, post_id), body(PostUpdate, in), depends(get_current_user, me), depends(get_db, db)), .summary = "Change your own post",
      .errors = ERRORS(post_not_found, not_your_post)) {
    PostResponse *post = own_post(r, db, post_id, me);
    if (in->set.bits)
        post = db_one(db, PostResponse, "UPDATE posts SET {set} WHERE id = $2 AND author_id = $3 RETURNING {*}", SET(PostUpdate, in),
                      post_id, me);
    if (!post)
        fail(r, post_not_found);
    return post;
}

DELETE("/posts/{post_id}", delete_post, Empty, (path(uuid, post_id), depends(get_current_user, me), depends(get_db, db)),
       .summary = "Delete your own post", .errors = ERRORS(post_not_found, not_your_post)) {
    own_post(r, db, post_id, me);
    if (!db_exec(db, "DELETE FROM posts WHERE id = $1 AND author_id = $2", post_id, me))
        fail(r, post_not_found);
    return NULL;
}

PLUGIN(posts, .version = "1.0.0", .prefix = "/v1", .tag = "posts", .description = "Posts, and who may read them",
       .migrations = "migrations/posts", .requires = REQUIRES("users"));
