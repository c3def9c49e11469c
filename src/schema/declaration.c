// declaration.c — what an author declared, read from descriptors and judged in the compiler's words.
#include "declaration.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "schema/options.h"
#include "schema/pattern.h"

int declaration_refuse(const struct declaration *declaration, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str what = arena_vformat(declaration->arena, format, args);
    va_end(args);
    if (!what.ptr)
        return -ENOMEM;
    str message = arena_format(declaration->arena, "%s:%u: error: %s", declaration->file, declaration->line, what.ptr);
    if (!message.ptr)
        return -ENOMEM;
    *declaration->ret_message = message;
    return -EINVAL;
}

#define REFUSE(format, ...) declaration_refuse(declaration, format, ##__VA_ARGS__)

typedef const char *check_fn(req *, void *);
#define CHECK_OF(opts_) ((check_fn *)(void (*)(void))(opts_).check)

// ---- rules

static int string_rule(struct model_set *set, const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(str__opts, known, str__D);
    char problem[PATTERN_PROBLEM_BYTES];
    if (known.max_length && known.min_length > known.max_length)
        return REFUSE("min_length of '%s' (%u) is more than its max_length (%u)", declaration->name, known.min_length, known.max_length);
    if ((unsigned)known.format > SLUG)
        return REFUSE("'%s' has a format that this host does not know (%u)", declaration->name, (unsigned)known.format);
    rule->text = (struct text_rule){.length_min = known.min_length, .length_max = known.max_length, .format = known.format};
    rule->check = CHECK_OF(known);
    if (!known.pattern)
        return 0;
    int error = model_set_compile_pattern(set, known.pattern, &rule->text.pattern, problem);
    return error == -EINVAL ? REFUSE("pattern of '%s' does not compile: %s", declaration->name, problem) : error;
}

static bool is_empty_range(const struct integer_rule *bounds, i64 least, i64 most) {
    if (bounds->has_ge && bounds->ge > least)
        least = bounds->ge;
    if (bounds->has_gt && bounds->gt >= least)
        least = bounds->gt + 1;
    if (bounds->has_le && bounds->le < most)
        most = bounds->le;
    if (bounds->has_lt && bounds->lt <= most)
        most = bounds->lt - 1;
    return least > most;
}

static int judge_integer(const struct declaration *declaration, const struct integer_rule *bounds, i64 least, i64 most) {
    if (bounds->multiple_of < 0)
        return REFUSE("multiple_of of '%s' is negative", declaration->name);
    if (is_empty_range(bounds, least, most))
        return REFUSE("the bounds of '%s' leave no value", declaration->name);
    return 0;
}

// A bound that is the end of its type is none.
static int integer_rule(const struct declaration *declaration, const i64__opts *known, i64 least, i64 most, struct rule *rule) {
    rule->integer = (struct integer_rule){
        .ge = known->ge,
        .gt = known->gt,
        .le = known->le,
        .lt = known->lt,
        .multiple_of = known->multiple_of,
        .has_ge = known->ge != least,
        .has_gt = known->gt != least,
        .has_le = known->le != most,
        .has_lt = known->lt != most,
    };
    return judge_integer(declaration, &rule->integer, least, most);
}

static int i32_rule(const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(i32__opts, known, i32__D);
    i64__opts wide = {.ge = known.ge, .gt = known.gt, .le = known.le, .lt = known.lt, .multiple_of = known.multiple_of};
    rule->check = CHECK_OF(known);
    return integer_rule(declaration, &wide, INT32_MIN, INT32_MAX, rule);
}

static int i64_rule(const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(i64__opts, known, i64__D);
    rule->check = CHECK_OF(known);
    return integer_rule(declaration, &known, INT64_MIN, INT64_MAX, rule);
}

static int f64_rule(const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(f64__opts, known, f64__D);
    rule->real = (struct real_rule){known.ge, known.gt, known.le, known.lt, known.multiple_of};
    rule->check = CHECK_OF(known);
    if (isnan(known.ge) || isnan(known.gt) || isnan(known.le) || isnan(known.lt) || !isfinite(known.multiple_of))
        return REFUSE("a bound of '%s' is not a number", declaration->name);
    if (known.multiple_of < 0)
        return REFUSE("multiple_of of '%s' is negative", declaration->name);
    if (fmax(known.ge, known.gt) > fmin(known.le, known.lt))
        return REFUSE("the bounds of '%s' leave no value", declaration->name);
    return 0;
}

// "'admin', 'user' or 'guest'"
static str expected_labels(const leat_schema *schema, struct arena *arena) {
    str text = S("");
    for (unsigned i = 0; i < schema->nfields && text.ptr; i++) {
        const char *between = i == 0 ? "" : i + 1 == schema->nfields ? " or " : ", ";
        text = arena_format(arena, "%.*s%s'%s'", (int)text.len, text.ptr, between, schema->labels[i]);
    }
    return text;
}

static int enum_rule(struct model_set *set, const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(struct enum_opts, known, 0);
    if (!rule->schema->nfields || !rule->schema->labels || rule->schema->bytes != sizeof(unsigned))
        return REFUSE("'%s' is an enumeration without labels", declaration->name);
    rule->expected = expected_labels(rule->schema, model_set_arena(set));
    rule->check = known.check;
    return rule->expected.ptr ? 0 : -ENOMEM;
}

static int object_rule(struct model_set *set, const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(struct any_opts, known, 0);
    rule->check = known.check;
    int error = model_compile(set, rule->schema, declaration->arena, &rule->model, declaration->ret_message);
    if (error)
        return error;
    if (!rule->model->is_compiled)
        return REFUSE("'%s' holds itself", declaration->name);
    rule->is_withheld |= rule->model->rule.is_withheld;
    return 0;
}

static int list_rule(struct model_set *set, const struct declaration *declaration, const void *opts, struct rule *rule) {
    KNOWN_OPTS(struct list_opts, known, 0);
    if (!rule->schema->elem || !rule->schema->elem->bytes)
        return REFUSE("'%s' is a list of nothing", declaration->name);
    if (known.max_items && known.min_items > known.max_items)
        return REFUSE("min_items of '%s' (%u) is more than its max_items (%u)", declaration->name, known.min_items, known.max_items);
    struct rule *item = arena_alloc(model_set_arena(set), sizeof *item);
    if (!item)
        return -ENOMEM;
    int error = declaration_rule(set, declaration, rule->schema->elem, NULL, item);
    if (error)
        return error;
    item->is_secret = rule->is_secret;
    item->is_withheld |= rule->is_withheld;
    rule->is_withheld |= item->is_withheld;
    rule->list = (struct list_rule){item, known.min_items, known.max_items};
    rule->check = known.check;
    return 0;
}

static int plain_rule(const void *opts, struct rule *rule) {
    KNOWN_OPTS(struct any_opts, known, 0);
    rule->check = known.check;
    return 0;
}

static int bool_rule(const void *opts, struct rule *rule) {
    KNOWN_OPTS(_Bool__opts, known, _Bool__D);
    rule->check = CHECK_OF(known);
    return 0;
}

int declaration_rule(struct model_set *set, const struct declaration *declaration, const leat_schema *type, const void *opts,
                     struct rule *ret_rule) {
    KNOWN_OPTS(struct leat_common_opts, common, 0);
    if (!type || type->size < offsetof(leat_schema, line) || !type->bytes)
        return REFUSE("'%s' has no type", declaration->name);
    *ret_rule = (struct rule){.schema = type, .kind = type->kind, .is_nullable = common.nullable};
    ret_rule->is_secret = ret_rule->is_withheld = common.secret;
    switch (ret_rule->kind) {
    case LEAT_STR:
        return string_rule(set, declaration, opts, ret_rule);
    case LEAT_I32:
        return i32_rule(declaration, opts, ret_rule);
    case LEAT_I64:
        return i64_rule(declaration, opts, ret_rule);
    case LEAT_F64:
        return f64_rule(declaration, opts, ret_rule);
    case LEAT_BOOL:
        return bool_rule(opts, ret_rule);
    case LEAT_UUID:
    case LEAT_TIME:
    case LEAT_JSON:
        return plain_rule(opts, ret_rule);
    case LEAT_ENUM:
        return enum_rule(set, declaration, opts, ret_rule);
    case LEAT_OBJECT:
        return object_rule(set, declaration, opts, ret_rule);
    case LEAT_LIST:
        return list_rule(set, declaration, opts, ret_rule);
    default:
        return REFUSE("'%s' is of a kind (%u) that no value can have", declaration->name, (unsigned)type->kind);
    }
}

// ---- defaults

// Gives the default to its own rule, without the author's check: that may want a request.
static int try_default(const struct member *member, const struct spot *spot) {
    const struct default_value *otherwise = &member->otherwise;
    struct rule rule = member->rule;
    union {
        str text;
        i64 integer;
        f64 real;
    } out;
    rule.check = NULL;
    rule.is_withheld = false;
    switch (rule.kind) {
    case LEAT_STR:
        return rule_take_text(&rule, spot, otherwise->text, &out);
    case LEAT_I32:
    case LEAT_I64:
        return rule_take_numeral(&rule, spot, &(struct numeral){.fits = true, .value = otherwise->integer}, &out);
    case LEAT_F64:
        return rule_store_real(&rule, spot, otherwise->real, &out);
    default:
        return 0;
    }
}

static int judge_default(const struct declaration *declaration, const struct member *member) {
    struct problems problems;
    problems_init(&problems, declaration->arena);
    const struct reading reading = {.arena = declaration->arena, .problems = &problems};
    const struct location location = {.name = S("default")};
    int error = try_default(member, &(struct spot){&reading, &location, {INPUT_NULL, {0}}});
    if (error != -EINVAL)
        return error;
    str why = problems_text(&problems, declaration->arena);
    return why.ptr ? REFUSE("default of '%s' is none of its values: %.*s", declaration->name, (int)why.len, why.ptr) : -ENOMEM;
}

int declaration_member(struct model_set *set, const struct declaration *declaration, const leat_schema *type, const void *opts,
                       bool is_partial, struct member *ret_member) {
    KNOWN_OPTS(struct leat_common_opts, common, 0);
    *ret_member = (struct member){.is_optional = common.optional || is_partial, .is_read_only = common.read_only};
    const char *name = common.alias ? common.alias : declaration->name;
    if (!*name)
        return REFUSE("'%s' has an empty alias", declaration->name);
    if (common.read_only && common.write_only)
        return REFUSE("'%s' is read_only and write_only at once", declaration->name);
    ret_member->name = str_of(name);
    int error = declaration_rule(set, declaration, type, opts, &ret_member->rule);
    if (error)
        return error;
    ret_member->otherwise = default_of(type, opts);
    if (type->kind == LEAT_ENUM && ret_member->otherwise.ordinal > type->nfields)
        return REFUSE("default of '%s' is none of its values", declaration->name);
    return ret_member->otherwise.is_given ? judge_default(declaration, ret_member) : 0;
}
