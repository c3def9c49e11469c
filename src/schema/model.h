// model.h — a schema compiled for reading: members found by name, patterns compiled, validators bound. Immutable once made.
//
// JSON is read by table straight into the struct, no tree in between; strings without escapes stay slices of the text. A form, a query
// string and the environment are read by the same tables from text values, in Pydantic's lax mode.
#ifndef SCHEMA_MODEL_H
#define SCHEMA_MODEL_H

#include <leat/route.h>
#include <leat/schema.h>

#include "base/arena.h"
#include "schema/problem.h"

struct model;
/** The models of one plugin generation: compiled once each, freed together. */
struct model_set;

int model_set_create(struct model_set **ret_set);
void model_set_destroy(struct model_set *set);
/** Binds a VALIDATE to its schema; before any model_compile() of it. */
int model_set_add_validator(struct model_set *set, const struct leat_validator *validator);
/**
 * The model of `schema`, made with all it refers to, or found. On failure *ret_message (in `arena`) says, in the compiler's shape, what is
 * wrong with the declaration ("users.c:31: error: pattern of 'slug' does not compile: ..."): -EINVAL; or -ENOMEM.
 */
int model_compile(struct model_set *set, const leat_schema *schema, struct arena *arena, const struct model **ret_model, str *ret_message);

/**
 * The model of a body, form or query_model parameter: as model_compile(), with the parameter's own options (min_items, check, secret) over
 * those of its type.
 */
int model_compile_body(struct model_set *set, const leat_param *param, const char *file, unsigned line, struct arena *arena,
                       const struct model **ret_model, str *ret_message);

/** A parameter (path, query, header, cookie) compiled: its type, options, default, its name on the wire. */
struct parameter;
int parameter_compile(struct model_set *set, const leat_param *param, const char *file, unsigned line, struct arena *arena,
                      const struct parameter **ret_parameter, str *ret_message);
/** Its name on the wire: alias, or the name with '_' as '-' for a header. */
str parameter_name(const struct parameter *parameter);

/** What a reading needs, and where its problems go. */
struct reading {
    req *request; // handed to checks and validators
    struct arena *arena;
    struct problems *problems;
};

/**
 * Reads a JSON body into `out` (model's bytes, zeroed by the caller). 0; -EINVAL: problems were added; -EBADMSG: no text at all (no UTF-8)
 * or nested too deep (400); -ENOMEM. `root` is the location of the whole, ["body"]. An empty `text` is `missing`. Strings of the result are
 * slices of `text` or of the arena.
 */
int model_read_json(const struct model *model, const struct reading *reading, const struct location *root, str text, void *out);

struct text_pair {
    str name, value; // decoded; `value.ptr` NULL never happens
};
/**
 * The same from names and values (form, query_model, settings): the last of a name wins, lists take all. `missing` has input null under
 * "body".
 */
int model_read_pairs(const struct model *model, const struct reading *reading, const struct location *root, const struct text_pair *pairs,
                     size_t count, void *out);
/**
 * One parameter from its `count` values (0: absent, then its default or `missing`) to `out`, of the parameter's C type. 0, -EINVAL or
 * -ENOMEM.
 */
int parameter_read(const struct parameter *parameter, const struct reading *reading, const str *values, size_t count, void *out);
/** A whole body that is no JSON by its Content-Type: `model_attributes_type` (or the type's own) with the text as input. Always -EINVAL. */
int model_refuse_text(const struct model *model, const struct reading *reading, const struct location *root, str text);

#endif
