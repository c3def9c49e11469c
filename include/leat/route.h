// route.h — GET, POST and their kin, and the dependencies that feed them.
#ifndef LEAT_ROUTE_H
#define LEAT_ROUTE_H
#pragma GCC system_header

#include "request.h"
#include "upload.h"

#pragma GCC visibility push(default)

// ---- parameters: body(T, n)  path(T, n, opts)  query(T, n, opts)  header(T, n, opts)  cookie(T, n, opts)  form(T, n)
//                  file(n, opts)  files(n, opts)  query_model(T, n)  depends(provider, n)
// A header's underscores are hyphens on the wire. T is a value type or a list of one (query, header), or a SCHEMA (body, form,
// query_model). Bodies and forms arrive as `const T *`, the others by value.

enum leat_in {
    LEAT_IN_BODY = 1,
    LEAT_IN_PATH,
    LEAT_IN_QUERY,
    LEAT_IN_HEADER,
    LEAT_IN_COOKIE,
    LEAT_IN_FORM,
    LEAT_IN_QUERY_MODEL,
    LEAT_IN_DEPENDS,
    LEAT_IN_FILE,
    LEAT_IN_FILES,
};

typedef struct leat_provider leat_provider;
/** One parameter of a handler, a provider or a hook (ABI). */
typedef struct leat_param {
    uint16_t size;                 /**< of this descriptor */
    uint16_t in;                   /**< enum leat_in */
    uint16_t off;                  /**< of its member in the struct of arguments, bytes */
    uint16_t bytes;                /**< of that member */
    const char *name;              /**< in C; on the wire too, where `opts` has no alias */
    const leat_schema *type;       /**< what it is read into; NULL: a dependency or a file */
    const void *opts;              /**< TYPE__opts, or struct leat_file_opts; NULL: a dependency */
    const leat_provider *provider; /**< LEAT_IN_DEPENDS */
} leat_param;

#define LEAT_DECL(_, ...) __VA_OPT__(, LEAT_DECL_##__VA_ARGS__)
#define LEAT_DECL_body(T, n, ...) const T *n
#define LEAT_DECL_form(T, n, ...) const T *n
#define LEAT_DECL_query_model(T, n, ...) const T *n
#define LEAT_DECL_path(T, n, ...) T n
#define LEAT_DECL_query(T, n, ...) T n
#define LEAT_DECL_header(T, n, ...) T n
#define LEAT_DECL_cookie(T, n, ...) T n
#define LEAT_DECL_file(n, ...) const leat_upload *n
#define LEAT_DECL_files(n, ...) const leat_upload_list *n
#define LEAT_DECL_depends(p, n) p##__type n LEAT_UNUSED
#define LEAT_ARGM(_, ...) __VA_OPT__(LEAT_ARGM_##__VA_ARGS__;)
#define LEAT_ARGM_body(T, n, ...) const T *n
#define LEAT_ARGM_form(T, n, ...) const T *n
#define LEAT_ARGM_query_model(T, n, ...) const T *n
#define LEAT_ARGM_path(T, n, ...) T n
#define LEAT_ARGM_query(T, n, ...) T n
#define LEAT_ARGM_header(T, n, ...) T n
#define LEAT_ARGM_cookie(T, n, ...) T n
#define LEAT_ARGM_file(n, ...) const leat_upload *n
#define LEAT_ARGM_files(n, ...) const leat_upload_list *n
#define LEAT_ARGM_depends(p, n) p##__type n
#define LEAT_PASS(_, ...) __VA_OPT__(, a->LEAT_PASS_##__VA_ARGS__)
#define LEAT_PASS_body(T, n, ...) n
#define LEAT_PASS_form(T, n, ...) n
#define LEAT_PASS_query_model(T, n, ...) n
#define LEAT_PASS_path(T, n, ...) n
#define LEAT_PASS_query(T, n, ...) n
#define LEAT_PASS_header(T, n, ...) n
#define LEAT_PASS_cookie(T, n, ...) n
#define LEAT_PASS_file(n, ...) n
#define LEAT_PASS_files(n, ...) n
#define LEAT_PASS_depends(p, n) n
#define LEAT_PARAM(F, ...) __VA_OPT__(LEAT_PARAM_P(F, LEAT_PARAM_##__VA_ARGS__))
#define LEAT_PARAM_P(...) LEAT_PARAM_D(__VA_ARGS__)
#define LEAT_PARAM_D(F, in_, n, type_, opts_, prov_)                                                                                       \
    {sizeof(leat_param), in_, offsetof(struct F##__args, n), sizeof(__typeof__(((struct F##__args *)0)->n)), #n, type_, opts_, prov_},
#define LEAT_PARAM_body(T, n, ...) LEAT_IN_BODY, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_form(T, n, ...) LEAT_IN_FORM, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_query_model(T, n, ...) LEAT_IN_QUERY_MODEL, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_path(T, n, ...) LEAT_IN_PATH, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_query(T, n, ...) LEAT_IN_QUERY, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_header(T, n, ...) LEAT_IN_HEADER, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_cookie(T, n, ...) LEAT_IN_COOKIE, n, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__), NULL
#define LEAT_PARAM_file(n, ...) LEAT_IN_FILE, n, NULL, LEAT_FILE_OPTS(__VA_ARGS__), NULL
#define LEAT_PARAM_files(n, ...) LEAT_IN_FILES, n, NULL, LEAT_FILE_OPTS(__VA_ARGS__), NULL
#define LEAT_FILE_OPTS(...) (&(const struct leat_file_opts){.size = sizeof(struct leat_file_opts), ##__VA_ARGS__})
#define LEAT_PARAM_depends(p, n) LEAT_IN_DEPENDS, n, NULL, NULL, &p##__provider

#define LEAT_ARGS(F, params_)                                                                                                              \
    struct F##__args {                                                                                                                     \
        LEAT_EACH(LEAT_ARGM, F, LEAT_STRIP params_) char _end;                                                                             \
    };                                                                                                                                     \
    LEAT_OFF static const leat_param F##__params[] LEAT_UNUSED = {LEAT_EACH(LEAT_PARAM, F, LEAT_STRIP params_){0}};                        \
    LEAT_ON

// ---- dependencies

/** A PROVIDE, or the place that an IMPORT leaves for another plugin's (ABI). */
struct leat_provider {
    leat_item base;                             /**< LEAT_ITEM_PROVIDER or LEAT_ITEM_IMPORT */
    uint16_t nparams;                           /**< of `params` */
    uint32_t bytes;                             /**< sizeof its value */
    uint32_t args_bytes;                        /**< sizeof the struct of its arguments */
    const char *name;                           /**< which IMPORT and override() name it by */
    const char *type_name;                      /**< of its value, as the author wrote it */
    const leat_param *params;                   /**< what it asks for itself */
    void (*call)(req *, void *args, void *out); /**< writes the value to `out`; NULL: an IMPORT */
    // author's options
    bool no_cache; /**< made anew for each that asks; otherwise once a request */
    /** The name of an OpenAPI scheme, "apiKey": a key where its own header(), cookie() or query() is read, without one a bearer token. */
    const char *security;
    const char *from;                /**< IMPORT: the plugin that provides it */
    const leat_error *const *errors; /**< for the documents, and for the constraints of its statements */
    /**
     * Made once on each core, before its first request, and kept until the plugin goes: a model, a table of prices. alloc() and on_done()
     * of its request are of the value then. It may wait, and depend on others of its kind, not on what is made for each request. fail(), or
     * a NULL where it is a pointer: the server does not start, a reload is refused. The value is each request's to read, and none's to
     * write.
     */
    bool per_worker;
    bool blocking; /**< called on a worker thread: see leat_route.blocking */
};

/** PROVIDER(get_user, User *);  in a header, to share a provider between the files of a plugin. */
#define PROVIDER(P_, T)                                                                                                                    \
    typedef T P_##__type;                                                                                                                  \
    extern const leat_provider P_##__provider
/** PROVIDE(get_user, User *, (depends(bearer_token, token), depends(get_db, db)), options...) { ... return user; } */
#define PROVIDE(P_, T, params_, ...)                                                                                                       \
    PROVIDER(P_, T);                                                                                                                       \
    LEAT_ARGS(P_, params_)                                                                                                                 \
    static T P_(req *r LEAT_EACH(LEAT_DECL, P_, LEAT_STRIP params_));                                                                      \
    static void P_##__call(req *r, void *a_, void *out) {                                                                                  \
        struct P_##__args *a LEAT_UNUSED = a_;                                                                                             \
        *(T *)out = P_(r LEAT_EACH(LEAT_PASS, P_, LEAT_STRIP params_));                                                                    \
    }                                                                                                                                      \
    const leat_provider P_##__provider = {.base = LEAT_ITEM(LEAT_ITEM_PROVIDER, leat_provider),                                            \
                                          .nparams = LEAT_NARGS params_,                                                                   \
                                          .bytes = sizeof(T),                                                                              \
                                          .args_bytes = sizeof(struct P_##__args),                                                         \
                                          .name = #P_,                                                                                     \
                                          .type_name = #T,                                                                                 \
                                          .params = P_##__params,                                                                          \
                                          .call = P_##__call,                                                                              \
                                          ##__VA_ARGS__};                                                                                  \
    LEAT_REGISTER(P_##__provider_reg, P_##__provider);                                                                                     \
    static T P_(req *r LEAT_UNUSED LEAT_EACH(LEAT_DECL, P_, LEAT_STRIP params_))
/** IMPORT(get_current_user, uuid, "users"): another plugin's provider, bound by name at load; type name and size must agree. */
#define IMPORT(P_, T, from_)                                                                                                               \
    PROVIDER(P_, T);                                                                                                                       \
    const leat_provider P_##__provider = {                                                                                                 \
        .base = LEAT_ITEM(LEAT_ITEM_IMPORT, leat_provider), .bytes = sizeof(T), .name = #P_, .type_name = #T, .from = from_};              \
    LEAT_REGISTER(P_##__import_reg, P_##__provider)
/** A list of providers for a route's `.guards`: run before its parameters are read. */
#define GUARDS(...) ((const leat_provider *const[]){LEAT_EACH(LEAT_GUARD, _, __VA_ARGS__) NULL})
#define LEAT_GUARD(_, ...) __VA_OPT__(&__VA_ARGS__##__provider, )

/** The OpenAPI 3.1 document of all that is served now, as JSON text. */
str openapi_document(req *);

/** The moment this request's deadline passes. */
PROVIDER(deadline, timestamp);

// ---- routes

enum leat_method { LEAT_GET = 1, LEAT_POST, LEAT_PUT, LEAT_PATCH, LEAT_DELETE };
/** A GET, POST, PUT, PATCH or DELETE (ABI). */
typedef struct leat_route {
    leat_item base;                         /**< LEAT_ITEM_ROUTE */
    uint16_t method;                        /**< enum leat_method */
    uint16_t nparams;                       /**< of `params` */
    uint32_t args_bytes;                    /**< sizeof the struct of its arguments */
    const char *path;                       /**< without the plugin's prefix: "/posts/{post_id}" */
    const char *name;                       /**< the handler's */
    const leat_schema *returns;             /**< what `call` returns one of */
    const leat_param *params;               /**< the handler's, in their order */
    const void *(*call)(req *, void *args); /**< the handler; returns one of `returns`, NULL for Empty */
    // author's options
    uint16_t status;                    /**< 200 where not given; 204 for Empty */
    const char *tag;                    /**< the plugin's where not given */
    const char *summary, *description;  /**< for the documents */
    const char *operation_id;           /**< made of name, path and method where not given */
    const leat_error *const *errors;    /**< for the documents */
    const leat_provider *const *guards; /**< run before the parameters are read */
    uint32_t timeout_ms;                /**< the request's deadline; 0: the server's (30 s) */
    uint32_t p99_budget_us;             /**< what the benchmark holds the route to; 0: nothing */
    size_t max_body;                    /**< bytes; 0: the server's (1 MiB) */
    bool deprecated, hidden;            /**< said so in the documents; left out of them */
    uint32_t cache_s;                   /**< a GET's answer is kept and given again for so long: leat/cache.h; 0: it is not */
    uint32_t cache_stale_s;             /**< and then so long still, while it is made anew behind the client's back */
    const char *cache_tags; /**< by which it is forgotten before: "posts,post:{post_id}", names of the path's parameters in braces */
    bool cache_per_user;    /**< of a route that looks at credentials: each has answers of its own, and is checked each time */
    bool stream_body;       /**< the handler runs before the body is here: request_body_next() */
    /**
     * The handler is called on a worker thread, of which there are some (BLOCKING_THREADS, 32): it may compute for long, or call what
     * blocks. All of leat may be called in it; what waits for the core (a query, http_get(), password_hash()) goes over there and back, so
     * a _start is awaited at once. It answers with a value, not with a stream. With too many waiting (BLOCKING_QUEUE_MAX, 256): 503. When
     * its deadline passes or the client goes, it is answered, and the thread runs on until the handler returns or asks leat for something.
     */
    bool blocking;
    /**
     * For the documents: of what type a Response, a File or a Stream is, "text/html", or several between commas. Not given: any type; a
     * File's application/octet-stream. The handler says it to its client, by html(), respond() and their kin.
     */
    const char *produces;
} leat_route;

// in an optimised build the compiler itself rejects a path() parameter that the route's path does not name; {name:path} is the rest of the
// path
#ifdef __OPTIMIZE__
#define LEAT_INPATH(FP, ...) __VA_OPT__(LEAT_INPATH_P(LEAT_STRIP FP, LEAT_INPATH_##__VA_ARGS__))
#define LEAT_INPATH_P(...) LEAT_INPATH_D(__VA_ARGS__)
#define LEAT_INPATH_D(F, path_, is_, n)                                                                                                    \
    if (is_) {                                                                                                                             \
        extern void F##__path_##n(void) __attribute__((error("route \"" path_ "\" has no {" #n "}")));                                     \
        if (!__builtin_strstr(path_, "{" #n "}") && !__builtin_strstr(path_, "{" #n ":path}"))                                             \
            F##__path_##n();                                                                                                               \
    }
#else
#define LEAT_INPATH(FP, ...)
#endif
#define LEAT_INPATH_path(T, n, ...) 1, n
#define LEAT_INPATH_body(T, n, ...) 0, n
#define LEAT_INPATH_form(T, n, ...) 0, n
#define LEAT_INPATH_query_model(T, n, ...) 0, n
#define LEAT_INPATH_query(T, n, ...) 0, n
#define LEAT_INPATH_header(T, n, ...) 0, n
#define LEAT_INPATH_cookie(T, n, ...) 0, n
#define LEAT_INPATH_file(n, ...) 0, n
#define LEAT_INPATH_files(n, ...) 0, n
#define LEAT_INPATH_depends(p, n) 0, n

#define LEAT_ROUTE(method_, path_, F, T, params_, ...)                                                                                     \
    LEAT_ARGS(F, params_)                                                                                                                  \
    static T *F(req *r LEAT_EACH(LEAT_DECL, F, LEAT_STRIP params_));                                                                       \
    static const void *F##__call(req *r, void *a_) {                                                                                       \
        struct F##__args *a LEAT_UNUSED = a_;                                                                                              \
        LEAT_EACH(LEAT_INPATH, (F, path_), LEAT_STRIP params_)                                                                             \
        return F(r LEAT_EACH(LEAT_PASS, F, LEAT_STRIP params_));                                                                           \
    }                                                                                                                                      \
    static const leat_route F##__route = {.base = LEAT_ITEM(LEAT_ITEM_ROUTE, leat_route),                                                  \
                                          .method = method_,                                                                               \
                                          .path = path_,                                                                                   \
                                          .name = #F,                                                                                      \
                                          .returns = &T##__schema,                                                                         \
                                          .params = F##__params,                                                                           \
                                          .nparams = LEAT_NARGS params_,                                                                   \
                                          .args_bytes = sizeof(struct F##__args),                                                          \
                                          .call = F##__call,                                                                               \
                                          ##__VA_ARGS__};                                                                                  \
    LEAT_REGISTER(F##__route_reg, F##__route);                                                                                             \
    static T *F(req *r LEAT_UNUSED LEAT_EACH(LEAT_DECL, F, LEAT_STRIP params_))

/**
 * GET("/posts/{post_id}", get_post, PostResponse, (path(uuid, post_id), depends(get_db, db)), options...) { ... return post; }
 * The handler returns a `PostResponse *` of the request's memory (NULL for Empty), and is answered as the route's status says.
 */
#define GET(path_, F, T, params_, ...) LEAT_ROUTE(LEAT_GET, path_, F, T, params_, ##__VA_ARGS__)
#define POST(path_, F, T, params_, ...) LEAT_ROUTE(LEAT_POST, path_, F, T, params_, ##__VA_ARGS__)
#define PUT(path_, F, T, params_, ...) LEAT_ROUTE(LEAT_PUT, path_, F, T, params_, ##__VA_ARGS__)
#define PATCH(path_, F, T, params_, ...) LEAT_ROUTE(LEAT_PATCH, path_, F, T, params_, ##__VA_ARGS__)
#define DELETE(path_, F, T, params_, ...) LEAT_ROUTE(LEAT_DELETE, path_, F, T, params_, ##__VA_ARGS__)

#pragma GCC visibility pop
#endif
