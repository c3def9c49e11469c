// schema.h — SCHEMA and its kin: one declaration makes the struct, its validation, its JSON, its columns and its documentation.
#ifndef LEAT_SCHEMA_H
#define LEAT_SCHEMA_H
#pragma GCC system_header

#include "values.h"

#pragma GCC visibility push(default)

typedef struct leat_json leat_json; // the writer that an answer goes through
typedef struct leat_schema leat_schema;

// ---- descriptors: what a plugin's data looks like (ABI)

enum leat_kind {
    LEAT_STR = 1,
    LEAT_I32,
    LEAT_I64,
    LEAT_F64,
    LEAT_BOOL,
    LEAT_UUID,
    LEAT_TIME,
    LEAT_JSON,
    LEAT_ENUM,
    LEAT_OBJECT,
    LEAT_LIST,
    LEAT_EMPTY,    // no body at all: 204
    LEAT_RESPONSE, // a body the handler made itself
    LEAT_ANSWER,   // what another server has answered
    LEAT_FILE,     // a file, or such a body
    LEAT_STREAM,   // what is sent while it is made: bytes of any type
    LEAT_EVENTS,   // ... Server-Sent Events
    LEAT_LINES,    // ... JSON Lines of `elem`
};
/** `.format` of a str: what else it must be. EMAIL as email-validator judges it, URL as Pydantic's AnyUrl. */
enum leat_format { FORMAT_NONE, EMAIL, URL, HOSTNAME, IPV4, IPV6, BASE64, SLUG };

/** A member of a SCHEMA (ABI). */
typedef struct leat_field {
    uint16_t size;           /**< of this descriptor */
    uint16_t off;            /**< of the member in its struct, bytes */
    uint16_t index;          /**< 0; nobody reads it */
    uint16_t line;           /**< where the author wrote it */
    const char *name;        /**< the member's */
    const leat_schema *type; /**< of the member */
    const void *opts;        /**< TYPE__opts; its head is struct leat_common_opts */
} leat_field;

/** A type of C, as JSON, SQL and the documents see it (ABI). Constant, and as long-lived as the plugin. */
struct leat_schema {
    uint16_t size;                          /**< of this descriptor: a newer host zero-fills what an older plugin lacks */
    uint16_t kind;                          /**< enum leat_kind */
    uint16_t nfields;                       /**< LEAT_OBJECT: of `fields`; LEAT_ENUM: of `labels` */
    uint16_t partial;                       /**< 1: a PARTIAL, each field may be absent */
    uint32_t bytes;                         /**< sizeof the C type */
    uint32_t set_off;                       /**< LEAT_OBJECT: of .set, bytes into the struct; bit i is that of fields[i] */
    uint32_t null_off;                      /**< LEAT_OBJECT: of .null, likewise */
    const char *name;                       /**< in the documents, and in what is said of it */
    const leat_field *fields;               /**< LEAT_OBJECT */
    const leat_schema *elem;                /**< LEAT_LIST */
    const char *const *labels;              /**< LEAT_ENUM: labels[v - 1] for value v, nfields of them */
    const char *table;                      /**< TABLE */
    void (*put)(leat_json *, const void *); /**< straight-line serializer */
    const char *file;                       /**< where the author wrote it; NULL for a type of leat's own */
    uint32_t line;                          /**< of `file` */
};

/** The options every field and parameter takes. */
#define LEAT_COMMON_OPTS                                                                                                                   \
    uint16_t size;                   /* of the options: ABI */                                                                             \
    bool optional;                   /* may be absent; the member is then zero and its .set bit clear */                                   \
    bool nullable;                   /* may be null; its .null bit says so */                                                              \
    bool deprecated;                 /* said so in the documents */                                                                        \
    bool read_only;                  /* ignored in bodies */                                                                               \
    bool write_only;                 /* left out of answers */                                                                             \
    bool secret;                     /* never echoed in an error, never logged */                                                          \
    bool primary_key;                /* TABLE: of its primary key */                                                                       \
    bool unique;                     /* TABLE: no two rows have the same */                                                                \
    bool index;                      /* TABLE: it has an index */                                                                          \
    const char *title, *description; /* for the documents */                                                                               \
    const char *example;             /* a value as JSON, or a text, for the documents */                                                   \
    const char *alias;               /* the name in JSON, query, header, form */                                                           \
    const char *env;                 /* SETTINGS: the variable that holds it */                                                            \
    const char *column;              /* the column, where it is not the member's name */                                                   \
    const char *references;          /* what SQL has behind REFERENCES: "users(id) ON DELETE CASCADE" */                                   \
    const char *server_default;      /* what SQL has behind DEFAULT; or GENERATED ALWAYS AS IDENTITY */                                    \
    const char *on_update            /* what {set} of an UPDATE sets it to besides, where the statement does not */

struct leat_common_opts {
    LEAT_COMMON_OPTS;
};

#define LEAT_NUM_OPTS(T)                                                                                                                   \
    struct {                                                                                                                               \
        LEAT_COMMON_OPTS;                                                                                                                  \
        T ge, gt, le, lt;                 /* bounds: at least, more than, at most, less than */                                            \
        T multiple_of;                    /* of this */                                                                                    \
        T def;                            /* where it is absent */                                                                         \
        const char *(*check)(req *, T *); /* a rule of your own: NULL, or the message of a value_error */                                  \
    }
#define LEAT_ANY_OPTS(T)                                                                                                                   \
    struct {                                                                                                                               \
        LEAT_COMMON_OPTS;                                                                                                                  \
        const char *(*check)(req *, T *);                                                                                                  \
    }
#define LEAT_LIST_OPTS(T)                                                                                                                  \
    struct {                                                                                                                               \
        LEAT_COMMON_OPTS;                                                                                                                  \
        uint32_t min_items, max_items;           /* 0: no bound */                                                                         \
        const char *(*check)(req *, T##_list *); /* as of a value, over the whole list */                                                  \
    }

/**
 * Lengths in Unicode code points, 0 for no bound. `pattern` is a PCRE2 expression, unanchored as in Pydantic. `check` runs last: it may
 * change the value, and returns NULL or the message of a `value_error`.
 */
typedef struct {
    LEAT_COMMON_OPTS;
    uint32_t min_length, max_length;    /**< in code points; 0: no bound */
    enum leat_format format;            /**< EMAIL, URL, HOSTNAME, IPV4, IPV6, BASE64, SLUG */
    const char *pattern;                /**< PCRE2, unanchored */
    const char *def;                    /**< where it is absent */
    const char *(*check)(req *, str *); /**< runs last, may change the value; NULL, or the message of a value_error */
} str__opts;
/** The extremes of the type, and 0 for multiple_of, mean no bound. INT_MIN means no default. */
typedef LEAT_NUM_OPTS(i32) i32__opts;
typedef LEAT_NUM_OPTS(i64) i64__opts;
/** Infinities mean no bound, NaN no default. */
typedef LEAT_NUM_OPTS(f64) f64__opts;
typedef struct {
    LEAT_COMMON_OPTS;
    int8_t def;                          /**< where it is absent; -1: no default */
    const char *(*check)(req *, bool *); /**< a rule of your own: NULL, or the message of a value_error */
} _Bool__opts;
typedef LEAT_ANY_OPTS(uuid) uuid__opts;
typedef LEAT_ANY_OPTS(timestamp) timestamp__opts;
typedef LEAT_ANY_OPTS(json_value) json_value__opts;

#define LEAT_NO_DEFAULT_I32 INT32_MIN
#define LEAT_NO_DEFAULT_I64 INT64_MIN
// TYPE__D is what an option holds that the author did not name; the first initialiser is .optional's
#define str__D false
#define i32__D false, .ge = INT32_MIN, .gt = INT32_MIN, .le = INT32_MAX, .lt = INT32_MAX, .def = LEAT_NO_DEFAULT_I32
#define i64__D false, .ge = INT64_MIN, .gt = INT64_MIN, .le = INT64_MAX, .lt = INT64_MAX, .def = LEAT_NO_DEFAULT_I64
#define f64__D false, .ge = -__builtin_inf(), .gt = -__builtin_inf(), .le = __builtin_inf(), .lt = __builtin_inf(), .def = __builtin_nan("")
#define _Bool__D false, .def = -1
#define uuid__D false
#define timestamp__D false
#define json_value__D false
#define LEAT_OPTS(T, ...) (&(const T##__opts){.size = sizeof(T##__opts), .optional = T##__D, ##__VA_ARGS__})

#define LEAT_BUILTIN(T)                                                                                                                    \
    extern const leat_schema T##__schema;                                                                                                  \
    extern const leat_schema T##_list__schema;                                                                                             \
    typedef struct T##_list {                                                                                                              \
        T *items;                                                                                                                          \
        size_t n;                                                                                                                          \
    } T##_list;                                                                                                                            \
    typedef LEAT_LIST_OPTS(T) T##_list__opts;                                                                                              \
    enum { T##_list__D = 0 };                                                                                                              \
    void T##__put(leat_json *, const T *);                                                                                                 \
    void T##_list__put(leat_json *, const T##_list *);
LEAT_BUILTIN(str)
LEAT_BUILTIN(i32)
LEAT_BUILTIN(i64)
LEAT_BUILTIN(f64)
LEAT_BUILTIN(_Bool)
LEAT_BUILTIN(uuid)
LEAT_BUILTIN(timestamp)
LEAT_BUILTIN(json_value)
#define bool_list _Bool_list // as <stdbool.h> has it

// what the generated serializers call; an author has no use for them
void leat_put_open(leat_json *);
void leat_put_key(leat_json *, const char *text, size_t len);
void leat_put_null(leat_json *);
void leat_put_close(leat_json *);
void leat_put_list(leat_json *, const void *list, const leat_schema *elem);
void leat_put_label(leat_json *, unsigned v, const char *const *labels, unsigned n);

// ---- registration (ABI): every route, query, setting, table and validator of a plugin leaves one pointer in a linker section, so a
// plugin may span many files and the host sees all of it, before the first request, from one symbol. The order is the linker's:
// the host sorts by (file, line).

enum leat_item_kind {
    LEAT_ITEM_ROUTE = 1,
    LEAT_ITEM_QUERY,
    LEAT_ITEM_SETTINGS,
    LEAT_ITEM_TABLE,
    LEAT_ITEM_VALIDATOR,
    LEAT_ITEM_TASK,
    LEAT_ITEM_ON_ERROR,
    LEAT_ITEM_INDEX,
    LEAT_ITEM_PROVIDER,
    LEAT_ITEM_IMPORT,
    LEAT_ITEM_HOOK,
    LEAT_ITEM_ERROR_SHAPE,
    LEAT_ITEM_SCHEMA,
    LEAT_ITEM_WORK,
    LEAT_ITEM_CALL, // HTTP to another server
    LEAT_ITEM_CONSTRAINT,
    LEAT_ITEM_COLUMN_TYPE,
};
/** What each declaration begins with (ABI). */
typedef struct leat_item {
    uint16_t kind;    /**< enum leat_item_kind */
    uint16_t size;    /**< of the whole declaration: a newer host zero-fills what an older plugin lacks */
    uint32_t line;    /**< where the author wrote it */
    const char *file; /**< as the compiler was given it */
} leat_item;
#define LEAT_ITEM(k, T)                                                                                                                    \
    { k, sizeof(T), __LINE__, __FILE__ }
#define LEAT_REGISTER(var, item) static const leat_item *const var __attribute__((section("leat_items"), used)) = &(item).base

// ---- SCHEMA

#define LEAT_MEMBER(S_, ...) __VA_OPT__(LEAT_MEMBER_ __VA_ARGS__)
#define LEAT_MEMBER_(T, nm, ...) T nm;
#define LEAT_BIT(S_, ...) __VA_OPT__(LEAT_BIT_ __VA_ARGS__)
#define LEAT_BIT_(T, nm, ...) uint64_t nm : 1;
#define LEAT_FIELD(S_, ...) __VA_OPT__(LEAT_FIELD_X(S_, LEAT_STRIP __VA_ARGS__))
#define LEAT_FIELD_X(...) LEAT_FIELD_(__VA_ARGS__)
#define LEAT_FIELD_(S_, T, nm, ...) {sizeof(leat_field), offsetof(S_, nm), 0, __LINE__, #nm, &T##__schema, LEAT_OPTS(T, ##__VA_ARGS__)},
#define LEAT_PUT(S_, ...) __VA_OPT__(LEAT_PUT_ __VA_ARGS__)
#define LEAT_PUT_(T, nm, ...)                                                                                                              \
    leat_put_key(w, "\"" #nm "\":", sizeof("\"" #nm "\":") - 1);                                                                           \
    if (__builtin_expect(v->null.nm, 0))                                                                                                   \
        leat_put_null(w);                                                                                                                  \
    else                                                                                                                                   \
        T##__put(w, &v->nm);

// a plain C struct of the fields, plus .set (one bit per field that was present) and .null
#define LEAT_STRUCT(S_, ...)                                                                                                               \
    typedef struct S_ S_;                                                                                                                  \
    struct S_ {                                                                                                                            \
        LEAT_EACH(LEAT_MEMBER, S_, __VA_ARGS__)                                                                                            \
        union {                                                                                                                            \
            struct {                                                                                                                       \
                LEAT_EACH(LEAT_BIT, S_, __VA_ARGS__)                                                                                       \
            };                                                                                                                             \
            uint64_t bits;                                                                                                                 \
        } set, null;                                                                                                                       \
    };                                                                                                                                     \
    typedef struct S_##_list {                                                                                                             \
        S_ *items;                                                                                                                         \
        size_t n;                                                                                                                          \
    } S_##_list;                                                                                                                           \
    typedef struct S_##_promise {                                                                                                          \
        struct leat_future *f;                                                                                                             \
        S_ *t[0];                                                                                                                          \
    } S_##_promise;                                                                                                                        \
    typedef struct S_##_list_promise {                                                                                                     \
        struct leat_future *f;                                                                                                             \
        S_##_list *t[0];                                                                                                                   \
    } S_##_list_promise;                                                                                                                   \
    typedef LEAT_ANY_OPTS(S_) S_##__opts;                                                                                                  \
    typedef LEAT_LIST_OPTS(S_) S_##_list__opts;                                                                                            \
    enum { S_##__D = 0, S_##_list__D = 0 };                                                                                                \
    _Static_assert(LEAT_NARGS(__VA_ARGS__) <= 64, #S_ ": a schema holds at most 64 fields")

/** A SCHEMA, so that the host knows it by name (ABI). */
struct leat_declared_schema {
    leat_item base;            /**< LEAT_ITEM_SCHEMA */
    const leat_schema *schema; /**< what was declared */
};
#define LEAT_SCHEMA(S_, partial_, table_, ...)                                                                                             \
    LEAT_STRUCT(S_, __VA_ARGS__);                                                                                                          \
    LEAT_OFF static const leat_field S_##__fields[] LEAT_UNUSED = {LEAT_EACH(LEAT_FIELD, S_, __VA_ARGS__)};                                \
    LEAT_ON static LEAT_UNUSED void S_##__put(leat_json *w, const S_ *v) {                                                                 \
        leat_put_open(w);                                                                                                                  \
        LEAT_EACH(LEAT_PUT, S_, __VA_ARGS__) leat_put_close(w);                                                                            \
    }                                                                                                                                      \
    static const leat_schema S_##__schema LEAT_UNUSED = {.size = sizeof(leat_schema),                                                      \
                                                         .kind = LEAT_OBJECT,                                                              \
                                                         .partial = partial_,                                                              \
                                                         .table = table_,                                                                  \
                                                         .name = #S_,                                                                      \
                                                         .nfields = sizeof S_##__fields / sizeof(leat_field),                              \
                                                         .bytes = sizeof(S_),                                                              \
                                                         .fields = S_##__fields,                                                           \
                                                         .set_off = offsetof(S_, set),                                                     \
                                                         .null_off = offsetof(S_, null),                                                   \
                                                         .put = (void (*)(leat_json *, const void *))(void (*)(void))S_##__put,            \
                                                         .file = __FILE__,                                                                 \
                                                         .line = __LINE__};                                                                \
    static const leat_schema S_##_list__schema LEAT_UNUSED = {                                                                             \
        .size = sizeof(leat_schema), .kind = LEAT_LIST, .name = #S_ "_list", .bytes = sizeof(S_##_list), .elem = &S_##__schema};           \
    static LEAT_UNUSED void S_##_list__put(leat_json *w, const S_##_list *v) {                                                             \
        leat_put_list(w, v, &S_##__schema);                                                                                                \
    }                                                                                                                                      \
    static const struct leat_declared_schema S_##__declared = {LEAT_ITEM(LEAT_ITEM_SCHEMA, struct leat_declared_schema), &S_##__schema};   \
    LEAT_REGISTER(S_##__declared_reg, S_##__declared)

/** SCHEMA(Name, (type, member, options...), ...): fields are required unless `.optional` or `.def`. At most 64. */
#define SCHEMA(S_, ...) LEAT_SCHEMA(S_, 0, NULL, __VA_ARGS__)
/** The same where every field may be absent: a PATCH body. Look at `.set`. */
#define PARTIAL(S_, ...) LEAT_SCHEMA(S_, 1, NULL, __VA_ARGS__)
/**
 * A SCHEMA that is also a table: `leat db new` drafts the migrations that make the database so, `leat db check` says where it is not.
 * A str is varchar(max_length), or text; i32, i64, f64 and bool are integer, bigint, double precision and boolean; a timestamp is
 * timestamptz, a json_value jsonb, an ENUM text with a CHECK of its labels; COLUMN_TYPE says another. NOT NULL unless `.nullable`. Several
 * `.primary_key` make one of several columns. `.references = "users(id) ON DELETE CASCADE"` is what SQL has behind REFERENCES;
 * `.server_default` what it has behind DEFAULT, or GENERATED ALWAYS AS IDENTITY; `.on_update = "now()"` is what {set} in an UPDATE of the
 * table writes besides, unless the statement sets it. Constraints and indexes have Postgres' own names: users_pkey, users_email_key,
 * posts_author_id_fkey, users_role_check, users_email_idx.
 */
#define TABLE(S_, name_, ...)                                                                                                              \
    LEAT_SCHEMA(S_, 0, name_, __VA_ARGS__);                                                                                                \
    static const struct leat_table S_##__table = {LEAT_ITEM(LEAT_ITEM_TABLE, struct leat_table), &S_##__schema};                           \
    LEAT_REGISTER(S_##__table_reg, S_##__table)
/** Values from the environment, `.env` and defaults, validated before on_load; all that is wrong is said at once. */
#define SETTINGS(S_, ...)                                                                                                                  \
    LEAT_SCHEMA(S_, 0, NULL, __VA_ARGS__);                                                                                                 \
    static const S_ *S_##__values LEAT_UNUSED;                                                                                             \
    static const struct leat_settings S_##__settings = {LEAT_ITEM(LEAT_ITEM_SETTINGS, struct leat_settings), &S_##__schema,                \
                                                        (const void **)&S_##__values};                                                     \
    LEAT_REGISTER(S_##__settings_reg, S_##__settings)
/** The plugin's settings: the same for every request, never NULL once it is loaded. */
#define settings(S_) (S_##__values)

/** How a page of a list is told: {"page", "limit", "total", "pages"}. */
typedef struct Pagination {
    i64 page;  /**< this one, from 1 */
    i64 limit; /**< rows of a full page */
    i64 total; /**< rows of all pages */
    i64 pages; /**< how many there are */
} Pagination;
typedef LEAT_ANY_OPTS(Pagination) Pagination__opts;
enum { Pagination__D = 0 };
extern const leat_schema Pagination__schema;
void Pagination__put(leat_json *, const Pagination *);
/** PAGE_OF(T) makes T_page: {"data": [...], "pagination": {...}}. */
#define PAGE_OF(S_) SCHEMA(S_##_page, (S_##_list, data), (Pagination, pagination))

/** INDEX(User, idx_email_active, email, is_active): columns are checked against the table's fields by the compiler. At most 8. */
#define INDEX(S_, nm, ...) LEAT_INDEX_(S_, nm, false, __VA_ARGS__)
/** The same, and no two rows are equal in all of them. */
#define UNIQUE_INDEX(S_, nm, ...) LEAT_INDEX_(S_, nm, true, __VA_ARGS__)
#define LEAT_INDEX_(S_, nm, unique_, ...)                                                                                                  \
    static const struct leat_index nm##__index = {                                                                                         \
        LEAT_ITEM(LEAT_ITEM_INDEX, struct leat_index), &S_##__schema, #nm, unique_, LEAT_NARGS(__VA_ARGS__),                               \
        {LEAT_EACH(LEAT_INDEX_COL, S_, __VA_ARGS__)}};                                                                                     \
    LEAT_REGISTER(nm##__index_reg, nm##__index)
#define LEAT_INDEX_COL(S_, ...) __VA_OPT__(offsetof(S_, __VA_ARGS__), )
/**
 * INDEX_ON(Post, posts_newest_idx, "(created_at DESC, id DESC) WHERE published"): what SQL has behind the table's name, for all that
 * columns alone do not say; `.unique = true` may follow. Postgres checks it: `leat db check`.
 */
#define INDEX_ON(S_, nm, sql_, ...)                                                                                                        \
    static const struct leat_index nm##__index = {                                                                                         \
        .base = LEAT_ITEM(LEAT_ITEM_INDEX, struct leat_index), .schema = &S_##__schema, .name = #nm, .sql = "" sql_ "", ##__VA_ARGS__};    \
    LEAT_REGISTER(nm##__index_reg, nm##__index)
/** CONSTRAINT(Order, orders_total_check, "CHECK (total >= paid)"): a rule of the whole row, UNIQUE and FOREIGN KEY of several columns. */
#define CONSTRAINT(S_, nm, sql_)                                                                                                           \
    static const struct leat_constraint nm##__constraint = {LEAT_ITEM(LEAT_ITEM_CONSTRAINT, struct leat_constraint), &S_##__schema, #nm,   \
                                                            "" sql_ ""};                                                                   \
    LEAT_REGISTER(nm##__constraint_reg, nm##__constraint)
/** COLUMN_TYPE(Order, total, "numeric(12, 2)"): another type of Postgres for a column, one that its C type can hold. */
#define COLUMN_TYPE(S_, field_, sql_)                                                                                                      \
    static const struct leat_column_type S_##__type_of_##field_ = {LEAT_ITEM(LEAT_ITEM_COLUMN_TYPE, struct leat_column_type),              \
                                                                   &S_##__schema, offsetof(S_, field_), "" sql_ ""};                       \
    LEAT_REGISTER(S_##__type_of_##field_##_reg, S_##__type_of_##field_)
/** An INDEX, UNIQUE_INDEX or INDEX_ON (ABI). */
struct leat_index {
    leat_item base;            /**< LEAT_ITEM_INDEX */
    const leat_schema *schema; /**< of the table */
    const char *name;          /**< in Postgres */
    bool unique;               /**< no two rows are equal in it */
    uint8_t n;                 /**< of `off` */
    uint16_t off[8];           /**< the columns: where their members are, bytes into the struct */
    const char *sql;           /**< INDEX_ON; NULL otherwise */
};
/** A CONSTRAINT (ABI). */
struct leat_constraint {
    leat_item base;            /**< LEAT_ITEM_CONSTRAINT */
    const leat_schema *schema; /**< of the table */
    const char *name;          /**< in Postgres */
    const char *sql;           /**< what stands behind CONSTRAINT name */
};
/** A COLUMN_TYPE (ABI). */
struct leat_column_type {
    leat_item base;            /**< LEAT_ITEM_COLUMN_TYPE */
    const leat_schema *schema; /**< of the table */
    uint32_t off;              /**< of the column's member, bytes into the struct */
    const char *sql;           /**< the type, in Postgres' words */
};
/** A TABLE (ABI). */
struct leat_table {
    leat_item base;            /**< LEAT_ITEM_TABLE */
    const leat_schema *schema; /**< of its rows; `table` is its name */
};
/** A plugin's SETTINGS (ABI). */
struct leat_settings {
    leat_item base;            /**< LEAT_ITEM_SETTINGS */
    const leat_schema *schema; /**< of the struct they are read into */
    const void **values;       /**< where the host leaves its address, before on_load */
};

/** ENUM(UserRole, admin, user): C values UserRole_admin = 1, UserRole_user = 2; in JSON and Postgres the label. 0 is no value. */
#define ENUM(E_, ...)                                                                                                                      \
    enum { E_##__none, LEAT_EACH(LEAT_ORDINAL, E_, __VA_ARGS__) E_##__end };                                                               \
    typedef enum E_ { LEAT_EACH(LEAT_ENUMERATOR, E_, __VA_ARGS__) } E_;                                                                    \
    typedef struct {                                                                                                                       \
        LEAT_COMMON_OPTS;                                                                                                                  \
        E_ def;                                                                                                                            \
        const char *(*check)(req *, E_ *);                                                                                                 \
    } E_##__opts;                                                                                                                          \
    enum { E_##__D = 0 };                                                                                                                  \
    static const char *const E_##__labels[] LEAT_UNUSED = {LEAT_EACH(LEAT_LABEL, E_, __VA_ARGS__) NULL};                                   \
    static const leat_schema E_##__schema LEAT_UNUSED = {.size = sizeof(leat_schema),                                                      \
                                                         .kind = LEAT_ENUM,                                                                \
                                                         .name = #E_,                                                                      \
                                                         .nfields = E_##__end - 1,                                                         \
                                                         .bytes = sizeof(E_),                                                              \
                                                         .labels = E_##__labels,                                                           \
                                                         .file = __FILE__,                                                                 \
                                                         .line = __LINE__};                                                                \
    static LEAT_UNUSED void E_##__put(leat_json *w, const E_ *v) {                                                                         \
        leat_put_label(w, *v, E_##__labels, E_##__end - 1);                                                                                \
    }                                                                                                                                      \
    struct leat_semicolon
#define LEAT_LABEL(E_, ...) __VA_OPT__(#__VA_ARGS__, )
#define LEAT_ORDINAL(E_, nm) E_##__ordinal_##nm,
#define LEAT_ENUMERATOR(E_, nm) E_##_##nm = E_##__ordinal_##nm,
/** The label of an ENUM's value, for a query's argument or a log line. */
#define LABEL(E_, value) leat_label(&E_##__schema, (E_){value})
/** What LABEL() calls: a view of the plugin's own text; empty for what is no value of the ENUM. */
str leat_label(const leat_schema *schema, unsigned value);

/** VALIDATE(UserCreate, in) { return bad ? "message" : NULL; }  A rule over the whole model, run once all its fields are right. */
#define VALIDATE(S_, v_)                                                                                                                   \
    static const char *S_##__validate(req *r, S_ *v_);                                                                                     \
    static const struct leat_validator S_##__validator = {LEAT_ITEM(LEAT_ITEM_VALIDATOR, struct leat_validator), &S_##__schema,            \
                                                          (const char *(*)(req *, void *))(void (*)(void))S_##__validate};                 \
    LEAT_REGISTER(S_##__validator_reg, S_##__validator);                                                                                   \
    static const char *S_##__validate(req *r LEAT_UNUSED, S_ *v_)
/** A VALIDATE (ABI). */
struct leat_validator {
    leat_item base;                   /**< LEAT_ITEM_VALIDATOR */
    const leat_schema *schema;        /**< of what it judges */
    const char *(*fn)(req *, void *); /**< NULL, or the message of a value_error */
};

#pragma GCC visibility pop
#endif
