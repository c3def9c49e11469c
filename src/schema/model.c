// model.c — a schema compiled for reading: members found by name, patterns compiled, validators bound. Immutable once made.
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "schema/compiled.h"
#include "schema/declaration.h"
#include "schema/descriptor.h"
#include "schema/pattern.h"

struct kept_pattern {
    struct kept_pattern *next;
    struct pattern *pattern;
};
struct kept_validator {
    struct kept_validator *next;
    const struct leat_validator *validator;
};

struct model_set {
    struct arena_pool pool;
    struct arena arena; // of everything below
    struct model *models;
    struct kept_pattern *patterns;
    struct kept_validator *validators, **last_validator;
    unsigned depth; // schemas being compiled within each other
};

enum { SET_BYTES_MAX = 64 << 20, NESTING_MAX = 12 };

int model_set_create(struct model_set **ret_set) {
    struct model_set *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;
    arena_pool_init(&set->pool, 0);
    arena_init(&set->arena, &set->pool, SET_BYTES_MAX);
    set->last_validator = &set->validators;
    *ret_set = set;
    return 0;
}

void model_set_destroy(struct model_set *set) {
    if (!set)
        return;
    for (struct kept_pattern *kept = set->patterns; kept; kept = kept->next)
        pattern_destroy(kept->pattern);
    arena_reset(&set->arena);
    arena_pool_finish(&set->pool);
    free(set);
}

struct arena *model_set_arena(struct model_set *set) {
    return &set->arena;
}

int model_set_compile_pattern(struct model_set *set, const char *text, const struct pattern **ret_pattern, char *problem) {
    struct kept_pattern *kept = arena_alloc(&set->arena, sizeof *kept);
    if (!kept)
        return -ENOMEM;
    int error = pattern_create(text, &kept->pattern, problem);
    if (error)
        return error;
    kept->next = set->patterns;
    set->patterns = kept;
    *ret_pattern = kept->pattern;
    return 0;
}

// ---- validators

int model_set_add_validator(struct model_set *set, const struct leat_validator *validator) {
    struct kept_validator *kept = arena_alloc(&set->arena, sizeof *kept);
    if (!kept)
        return -ENOMEM;
    kept->validator = validator;
    *set->last_validator = kept;
    set->last_validator = &kept->next;
    return 0;
}

// A schema that stands in a header has a copy in every file that includes it.
static bool is_same_declaration(const leat_schema *a, const leat_schema *b) {
    if (a == b)
        return true;
    return a->file && b->file && a->line == b->line && strcmp(a->name, b->name) == 0 && strcmp(a->file, b->file) == 0;
}

static int bind_validators(struct model_set *set, struct model *model) {
    size_t count = 0;
    for (struct kept_validator *kept = set->validators; kept; kept = kept->next)
        count += is_same_declaration(kept->validator->schema, model->schema);
    if (!count)
        return 0;
    const struct leat_validator **bound = arena_alloc(&set->arena, (count + 1) * sizeof *bound);
    if (!bound)
        return -ENOMEM;
    model->validators = bound;
    for (struct kept_validator *kept = set->validators; kept; kept = kept->next)
        if (is_same_declaration(kept->validator->schema, model->schema))
            *bound++ = kept->validator;
    return 0;
}

int model_validate(const struct model *model, const struct spot *spot, void *out) {
    for (const struct leat_validator *const *bound = model->validators; bound && *bound; bound++) {
        const char *message = (*bound)->fn(spot->reading->request, out);
        if (message)
            return rule_refuse(&model->rule, spot, PROBLEM_VALUE_ERROR, &DETAIL_OF_TEXT(str_of(message)));
    }
    return 0;
}

// ---- compiling

static struct model *find(struct model_set *set, const leat_schema *schema) {
    struct model *model = set->models;
    while (model && model->schema != schema)
        model = model->next;
    return model;
}

static void forget(struct model_set *set, struct model *model) {
    struct model **link = &set->models;
    while (*link != model)
        link = &(*link)->next;
    *link = model->next;
}

static const struct member *twin_of(const struct model *model, const struct member *member) {
    for (const struct member *other = model->members; other < member; other++)
        if (str_eq(other->name, member->name))
            return other;
    return NULL;
}

static int compile_member(struct model_set *set, struct model *model, unsigned index, struct declaration declaration) {
    const leat_field *field = descriptor_field(model->schema, index);
    struct member *member = &model->members[index];
    declaration.line = field->line ? field->line : model->schema->line;
    declaration.name = field->name;
    int error = declaration_member(set, &declaration, field->type, field->opts, model->schema->partial, member);
    if (error)
        return error;
    member->index = index;
    member->offset = field->off;
    const struct member *twin = twin_of(model, member);
    if (twin)
        return declaration_refuse(&declaration, "'%s' and '%s' are both named '%.*s'", descriptor_field(model->schema, twin->index)->name,
                                  field->name, (int)member->name.len, member->name.ptr);
    model->rule.is_withheld |= member->rule.is_withheld;
    return 0;
}

static int compile_lookup(struct model_set *set, struct model *model) {
    str *names = arena_alloc(&set->arena, (model->count + 1) * sizeof *names);
    if (!names)
        return -ENOMEM;
    for (unsigned i = 0; i < model->count; i++)
        names[i] = model->members[i].name;
    return lookup_init(&model->lookup, names, model->count, &set->arena);
}

static int compile_object(struct model_set *set, struct model *model, const struct declaration *declaration) {
    const leat_schema *schema = model->schema;
    if (schema->nfields > LOOKUP_NAMES_MAX || (schema->nfields && !schema->fields))
        return declaration_refuse(declaration, "'%s' has %u fields: at most 64", schema->name, schema->nfields);
    model->members = arena_alloc(&set->arena, (schema->nfields + 1) * sizeof *model->members);
    model->count = schema->nfields;
    if (!model->members)
        return -ENOMEM;
    model->rule = (struct rule){.schema = schema, .kind = LEAT_OBJECT, .model = model};
    for (unsigned i = 0; i < model->count; i++) {
        int error = compile_member(set, model, i, *declaration);
        if (error)
            return error;
    }
    int error = compile_lookup(set, model);
    return error ? error : bind_validators(set, model);
}

static int compile(struct model_set *set, struct model *model, const struct declaration *declaration, const void *opts) {
    if (model->schema->kind == LEAT_OBJECT && !opts)
        return compile_object(set, model, declaration);
    return declaration_rule(set, declaration, model->schema, opts, &model->rule);
}

// A model of its own: what is found by its schema is kept in the set before its fields are compiled, so that a schema in a circle is
// noticed.
static int make(struct model_set *set, const struct declaration *declaration, const leat_schema *schema, const void *opts,
                struct model **ret_model) {
    struct model *model = arena_alloc(&set->arena, sizeof *model);
    if (!model)
        return -ENOMEM;
    if (set->depth == NESTING_MAX)
        return declaration_refuse(declaration, "'%s' is nested too deep: at most %d schemas within each other", schema->name, NESTING_MAX);
    model->schema = schema;
    if (!opts) {
        model->next = set->models;
        set->models = model;
    }
    set->depth++;
    int error = compile(set, model, declaration, opts);
    set->depth--;
    if (error) {
        if (!opts)
            forget(set, model);
        return error;
    }
    model->is_compiled = true;
    *ret_model = model;
    return 0;
}

int model_compile(struct model_set *set, const leat_schema *schema, struct arena *arena, const struct model **ret_model, str *ret_message) {
    struct model *model = find(set, schema);
    const leat_schema *named = schema->file || !schema->elem ? schema : schema->elem;
    const struct declaration declaration = {named->file ? named->file : "leat", named->line, named->name, arena, ret_message};
    int error = model ? 0 : make(set, &declaration, schema, NULL, &model);
    if (error)
        return error;
    *ret_model = model;
    return 0;
}

// A form or a query has names and texts, and nothing within them.
static int judge_flat(const struct declaration *declaration, const leat_param *param, const struct rule *rule) {
    if (param->in != LEAT_IN_FORM && param->in != LEAT_IN_QUERY_MODEL)
        return 0;
    if (rule->kind != LEAT_OBJECT)
        return declaration_refuse(declaration, "'%s' is no schema: a form and a query_model are", param->name);
    for (const struct member *member = rule->model->members; member < rule->model->members + rule->model->count; member++) {
        enum leat_kind kind = member->rule.kind == LEAT_LIST ? member->rule.list.item->kind : member->rule.kind;
        if (kind == LEAT_OBJECT || kind == LEAT_LIST)
            return declaration_refuse(declaration, "'%s' of '%s' is a schema: a form and a query_model are flat", member->name.ptr,
                                      param->name);
    }
    return 0;
}

int model_compile_body(struct model_set *set, const leat_param *param, const char *file, unsigned line, struct arena *arena,
                       const struct model **ret_model, str *ret_message) {
    const struct declaration declaration = {file, line, param->name, arena, ret_message};
    const struct leat_common_opts *opts = param->opts;
    static const struct leat_common_opts none = {.size = sizeof none};
    struct model *model = NULL;
    int error = make(set, &declaration, param->type, opts ? opts : &none, &model);
    if (!error)
        error = judge_flat(&declaration, param, &model->rule);
    if (error)
        return error;
    *ret_model = model;
    return 0;
}

// ---- parameters

// X-Request-Id is said x_request_id in C.
static int name_header(struct model_set *set, struct member *member, const leat_param *param) {
    const struct leat_common_opts *opts = param->opts;
    if (opts && opts->alias)
        return 0;
    str name = arena_copy(&set->arena, member->name);
    if (!name.ptr)
        return -ENOMEM;
    for (char *c = (char *)name.ptr; c < name.ptr + name.len; c++)
        if (*c == '_')
            *c = '-';
    member->name = name;
    return 0;
}

static int judge_parameter(const struct declaration *declaration, const leat_param *param, const struct rule *rule) {
    if (param->in < LEAT_IN_PATH || param->in > LEAT_IN_COOKIE)
        return declaration_refuse(declaration, "'%s' is no parameter of path, query, header or cookie", param->name);
    bool may_list = param->in == LEAT_IN_QUERY || param->in == LEAT_IN_HEADER;
    if (rule->kind == LEAT_LIST && !may_list)
        return declaration_refuse(declaration, "'%s' cannot be a list: only query and header can", param->name);
    enum leat_kind kind = rule->kind == LEAT_LIST ? rule->list.item->kind : rule->kind;
    if (kind == LEAT_OBJECT || kind == LEAT_LIST)
        return declaration_refuse(declaration, "'%s' cannot hold a schema: use query_model, form or body", param->name);
    return 0;
}

int parameter_compile(struct model_set *set, const leat_param *param, const char *file, unsigned line, struct arena *arena,
                      const struct parameter **ret_parameter, str *ret_message) {
    const struct declaration declaration = {file, line, param->name, arena, ret_message};
    struct parameter *parameter = arena_alloc(&set->arena, sizeof *parameter);
    if (!parameter)
        return -ENOMEM;
    int error = declaration_member(set, &declaration, param->type, param->opts, false, &parameter->member);
    if (!error)
        error = judge_parameter(&declaration, param, &parameter->member.rule);
    if (!error && param->in == LEAT_IN_HEADER)
        error = name_header(set, &parameter->member, param);
    if (error)
        return error;
    parameter->in = param->in;
    *ret_parameter = parameter;
    return 0;
}

str parameter_name(const struct parameter *parameter) {
    return parameter->member.name;
}

// ---- absent members

void member_store_default(const struct member *member, void *out) {
    default_store(&member->otherwise, member->rule.schema, out);
}

int member_take_absence(const struct member *member, const struct spot *spot, void *out) {
    if (!member->otherwise.is_given && !member->is_optional)
        return rule_refuse(&member->rule, spot, PROBLEM_MISSING, NULL);
    member_store_default(member, out);
    return 0;
}
