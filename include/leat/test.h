// test.h — tests of a plugin: the real thing in this process, a real Postgres, nothing left behind.
//
//   #include <leat/test.h>
//   TEST_PLUGINS("users");
//   TEST(a_second_registration_answers_409) {
//       expect_status(post(a, "/v1/auth/register", ada), 201);
//       expect_status(post(a, "/v1/auth/register", ada), 409);
//   }
//
// A program has one app: it loads the plugins' .so files, migrates a database of its own, and serves on this thread; requests go over a
// connection, through the parser. Each TEST is one transaction that is rolled back, whatever its handlers commit: a COMMIT of theirs is a
// savepoint, a statement of theirs that fails spoils nothing. So now() stands still within a test.
//
// Everything of cmocka is here as well: assert_int_equal(), fail_msg() ...
#ifndef LEAT_TEST_H
#define LEAT_TEST_H
#pragma GCC system_header

#include "leat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// both have a fail(): that of a request takes the request, that of a test takes nothing
#undef fail
#include <cmocka.h>
#undef fail
/** fail(): this test has failed; fail(r, error, ...): as in a handler. */
#define fail(...) LEAT_CAT(LEAT_FAIL_OF_, LEAT_HAS(__VA_ARGS__))(__VA_ARGS__)
#define LEAT_FAIL_OF_0() _fail(__FILE__, __LINE__)
#define LEAT_FAIL_OF_1(r, e, ...) LEAT_CAT(LEAT_FAIL_, LEAT_HAS(__VA_ARGS__))(r, e, __VA_ARGS__)

/** The app under test. */
typedef struct test_app app;

// ---- tests

/** The plugins by name, those that they require too: TEST_PLUGINS("users", "posts"); once a program, which it gives its main(). */
#define TEST_PLUGINS(...) const char *const leat_test_plugins[] = {__VA_ARGS__ __VA_OPT__(, ) NULL}
/** TEST(what_is_so) { ... }  has the app as `a`. Tests run in the order of their lines. */
#define TEST(nm)                                                                                                                           \
    static void nm(app *a);                                                                                                                \
    static struct leat_test nm##__test = {.name = #nm, .line = __LINE__, .run = nm};                                                       \
    __attribute__((constructor)) static void nm##__add(void) {                                                                             \
        leat_test_add(&nm##__test);                                                                                                        \
    }                                                                                                                                      \
    static void nm(app *a LEAT_UNUSED)
/** What a TEST declares; static, in a list of all. */
struct leat_test {
    const char *name;       /**< the test's */
    unsigned line;          /**< by which they are ordered */
    void (*run)(app *a);    /**< the test */
    struct leat_test *next; /**< leat_test_add()'s */
};
/** What TEST calls before main(). */
void leat_test_add(struct leat_test *test);
/** What TEST_PLUGINS makes. */
extern const char *const leat_test_plugins[];

// ---- the app, for programs with a main() of their own

/**
 * Loads the plugins, a NULL-terminated list of names, from the folders of LEAT_PLUGINS (colons between them; build/plugins, then those of
 * an installed leat), migrates and serves. Postgres is TEST_DATABASE_URL, or a throw-away cluster under LEAT_TEST_VAR (var/test) in which
 * this process has a database of its own. SETTINGS come from the environment; passwords are hashed as cheaply as argon2id can. `plugins`
 * lives until test_app_stop(). NULL, and on stderr what is wrong and what to do. One at a time.
 */
app *test_app_start(const char *const *plugins);
/** All is given back. NULL is fine. */
void test_app_stop(app *a);
/** Around each test. What is written in between is gone afterwards, overrides too, and all that these functions have returned. */
void test_app_begin(app *a);
void test_app_rollback(app *a);

// ---- requests

/** What came back. Lives until test_app_rollback(). */
typedef struct test_answer {
    app *from;          /**< which app answered */
    int status;         /**< 200 */
    str body;           /**< whole, chunks put together */
    str head;           /**< status line and headers */
    const char *method; /**< of the request */
    const char *path;   /**< likewise, its query included */
    const char *file;   /**< where the request was made */
    unsigned line;      /**< of `file` */
} answer;

/** A field of a form, or with a filename a file. */
struct leat_test_part {
    const char *name;     /**< the form's name for it */
    const char *filename; /**< NULL: a field */
    const char *type;     /**< its Content-Type; NULL: none is said */
    str content;          /**< byte for byte */
};

/** What get(), post() and their kin send. */
struct leat_sending {
    const char *method; /**< "GET" */
    const char *path;   /**< with its query, as it goes out */
    const char *file;   /**< where the test asks */
    unsigned line;      /**< of `file` */
    const char *json;   /**< the body, as application/json */
    // author's options
    const char *token;                  /**< Authorization: Bearer */
    const char *headers;                /**< lines between '\n': "X-One: 1\nX-Two: 2" */
    const char *form;                   /**< the body, as application/x-www-form-urlencoded */
    str body;                           /**< the body, byte for byte; its Content-Type is in `headers` */
    const struct leat_test_part *parts; /**< the body, as multipart/form-data: PARTS() */
};

/** JSON without the backslashes: J({"email": "ada@example.com"}). */
#define J(...) #__VA_ARGS__
/**
 * get(a, "/v1/users/me", .token = token)   post(a, "/v1/posts", J({"title": "One"}), .token = token)   and their kin: options are named.
 * Each returns when the answer is whole and what the handler spawned is done. No answer within 30 s fails the test.
 */
#define get(a_, path_, ...) LEAT_SEND(a_, "GET", path_, NULL, ##__VA_ARGS__)
#define post(a_, path_, json_, ...) LEAT_SEND(a_, "POST", path_, json_, ##__VA_ARGS__)
#define put(a_, path_, json_, ...) LEAT_SEND(a_, "PUT", path_, json_, ##__VA_ARGS__)
#define patch(a_, path_, json_, ...) LEAT_SEND(a_, "PATCH", path_, json_, ##__VA_ARGS__)
#define delete_(a_, path_, ...) LEAT_SEND(a_, "DELETE", path_, NULL, ##__VA_ARGS__)
/** post_form(a, "/v1/auth/login", "username=ada%40example.com&password=Secure123") */
#define post_form(a_, path_, form_, ...) LEAT_SEND(a_, "POST", path_, NULL, .form = (form_), ##__VA_ARGS__)
/** post_files(a, "/v1/files", PARTS({"file", "a.txt", "text/plain", S("hello")}, {"note", .content = S("a field")}), .token = token) */
#define post_files(a_, path_, parts_, ...) LEAT_SEND(a_, "POST", path_, NULL, .parts = (parts_), ##__VA_ARGS__)
/** A list for post_files(), or for `.parts`. */
#define PARTS(...) ((const struct leat_test_part[]){__VA_ARGS__, {0}})
#define LEAT_SEND(a_, method_, path_, json_, ...)                                                                                          \
    test_app_send((a_), &(const struct leat_sending){                                                                                      \
                            .method = (method_), .path = (path_), .file = __FILE__, .line = __LINE__, .json = (json_), ##__VA_ARGS__})
/** What get(), post() and their kin call. */
answer *test_app_send(app *a, const struct leat_sending *sending);

/** printf into the test's memory, for paths and bodies. */
const char *text_of(app *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A token that this app takes, for that subject; good for an hour. */
const char *token_for(app *a, const char *subject);

/**
 * override(a, get_current_user, id): that provider's value until the test ends; what it depends on is not asked for any more. Name it by
 * IMPORT(get_current_user, uuid, "users"). A value of another type than the provider's does not compile.
 */
#define override(a_, P_, ...)                                                                                                              \
    do {                                                                                                                                   \
        _Static_assert(__builtin_types_compatible_p(P_##__type, __typeof__(__VA_ARGS__)),                                                  \
                       "override(" #P_ "): the value must have the type of the provider");                                                 \
        const P_##__type v_ = (__VA_ARGS__);                                                                                               \
        test_app_override((a_), &P_##__provider, &v_, sizeof v_);                                                                          \
    } while (0)
/** What override() calls. */
void test_app_override(app *a, const leat_provider *provider, const void *value, size_t bytes);

// ---- what is expected; each fails the test at the author's line, and shows the answer
//
// A path leads into JSON: "detail[0].type", "data.length" (of a list), "" (all of it).

/** The status is that. */
#define expect_status(x_, status_) leat_expect_status((x_), (status_), __FILE__, __LINE__)
/** expect_json(x, "detail[0].type", J("missing")): equal as values, whatever the order of members. NULL: there is nothing there. */
#define expect_json(x_, path_, json_) leat_expect_json((x_), (path_), (json_), __FILE__, __LINE__)
/** The header's value; NULL: there is none. */
#define expect_header(x_, name_, value_) leat_expect_header((x_), (name_), (value_), __FILE__, __LINE__)
/** expect_sql(a, "SELECT count(*) FROM users", J([{"count": 1}])): the rows as a list of objects, within the test's transaction. */
#define expect_sql(a_, sql_, json_) leat_expect_sql((a_), (sql_), (json_), __FILE__, __LINE__)
/** Statements of the last request, its COMMIT and its tasks' among them: a guard against N+1. */
#define expect_queries_at_most(a_, count_) leat_expect_queries((a_), (count_), __FILE__, __LINE__)
/** Status and body are what the OpenAPI document says of that operation. */
#define expect_documented(a_, x_) leat_expect_documented((a_), (x_), __FILE__, __LINE__)
/** Any SQL, printf's way, within the test's transaction; the first value of the first row as text, or NULL. Fails the test when it fails.
 */
#define sql(a_, ...) leat_sql((a_), __FILE__, __LINE__, __VA_ARGS__)
/** The string at the path; fails the test where there is none. */
#define text_at(x_, path_) leat_text_at((x_), (path_), __FILE__, __LINE__)
/** The integer at the path. */
#define number_at(x_, path_) leat_number_at((x_), (path_), __FILE__, __LINE__)

/** What the macros above call. */
void leat_expect_status(const answer *x, int status, const char *file, int line);
void leat_expect_json(const answer *x, const char *path, const char *json, const char *file, int line);
void leat_expect_header(const answer *x, const char *name, const char *value, const char *file, int line);
void leat_expect_sql(app *a, const char *query, const char *json, const char *file, int line);
void leat_expect_queries(app *a, unsigned count, const char *file, int line);
void leat_expect_documented(app *a, const answer *x, const char *file, int line);
const char *leat_sql(app *a, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
const char *leat_text_at(const answer *x, const char *path, const char *file, int line);
i64 leat_number_at(const answer *x, const char *path, const char *file, int line);
/** The value of a header, `ptr` NULL where there is none. */
str header_at(const answer *x, const char *name);

// ---- every route, from its own description

/** What fuzz_every_route() goes by. */
struct leat_fuzz {
    const char *file; /**< where the test asks */
    unsigned line;    /**< of `file` */
    // author's options
    const char *token;        /**< sent with nine of ten requests to routes that want one */
    const char *only;         /**< paths that begin so; NULL: all */
    const char *const *known; /**< names and values, then NULL, used most of the time: {"user_id", id, "password", "Secure123", NULL} */
    unsigned count;           /**< requests for each route: 200 */
    unsigned seed;            /**< 1; LEAT_FUZZ_SEED in the environment is stronger */
};
/**
 * fuzz_every_route(a, .token = token, .known = ...): makes requests that are right, at the bounds, and wrong, from every operation of the
 * OpenAPI document, and fails the test when an answer is a 5xx, has a status or a body that the document does not have, or is a 2xx to
 * what the document forbids. The failure shows the request; the same seed makes the same requests. What one route has written is rolled
 * back before the next.
 */
#define fuzz_every_route(a_, ...) test_app_fuzz((a_), &(const struct leat_fuzz){.file = __FILE__, .line = __LINE__, ##__VA_ARGS__})
/** What fuzz_every_route() calls. */
void test_app_fuzz(app *a, const struct leat_fuzz *fuzz);

#endif
