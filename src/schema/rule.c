// rule.c — a value given to a rule: by its type, to who judges that type.
#include "rule.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"

int rule_refuse(const struct rule *rule, const struct spot *spot, enum problem_type type, const struct detail *details) {
    struct input input = spot->input;
    if (rule->is_withheld)
        input_withhold(&input);
    return problems_add(spot->reading->problems, type, spot->location, input, details);
}

int rule_refuse_type(const struct rule *rule, const struct spot *spot) {
    switch (rule->kind) {
    case LEAT_I32:
    case LEAT_I64:
        return rule_refuse(rule, spot, PROBLEM_INT_TYPE, NULL);
    case LEAT_F64:
        return rule_refuse(rule, spot, PROBLEM_FLOAT_TYPE, NULL);
    case LEAT_BOOL:
        return rule_refuse(rule, spot, PROBLEM_BOOL_TYPE, NULL);
    case LEAT_UUID:
        return rule_refuse(rule, spot, PROBLEM_UUID_TYPE, NULL);
    case LEAT_TIME:
        return rule_refuse(rule, spot, PROBLEM_DATETIME_TYPE, NULL);
    case LEAT_ENUM:
        return rule_refuse(rule, spot, PROBLEM_ENUM, &DETAIL_OF_TEXT(rule->expected));
    case LEAT_LIST:
        return rule_refuse(rule, spot, PROBLEM_LIST_TYPE, NULL);
    case LEAT_OBJECT:
        return rule_refuse(rule, spot, PROBLEM_MODEL_ATTRIBUTES_TYPE, NULL);
    default:
        return rule_refuse(rule, spot, rule->text.format == URL ? PROBLEM_URL_TYPE : PROBLEM_STRING_TYPE, NULL);
    }
}

int rule_check(const struct rule *rule, const struct spot *spot, void *out) {
    const char *message = rule->check ? rule->check(spot->reading->request, out) : NULL;
    if (!message)
        return 0;
    return rule_refuse(rule, spot, PROBLEM_VALUE_ERROR, &DETAIL_OF_TEXT(str_of(message)));
}

// ---- booleans

static bool is_one_of(str text, const char *const *words) {
    char lower[6];
    if (text.len >= sizeof lower)
        return false;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 0x20) : text.ptr[i];
    lower[text.len] = 0;
    for (; *words; words++)
        if (strcmp(lower, *words) == 0)
            return true;
    return false;
}

static int store_bool(const struct rule *rule, const struct spot *spot, bool value, void *out) {
    *(bool *)out = value;
    return rule_check(rule, spot, out);
}

static int take_bool_text(const struct rule *rule, const struct spot *spot, str text, void *out) {
    static const char *const no[] = {"0", "f", "n", "no", "off", "false", NULL};
    static const char *const yes[] = {"1", "t", "y", "on", "yes", "true", NULL};
    if (is_one_of(text, yes))
        return store_bool(rule, spot, true, out);
    if (is_one_of(text, no))
        return store_bool(rule, spot, false, out);
    return rule_refuse(rule, spot, PROBLEM_BOOL_PARSING, NULL);
}

static int take_bool_numeral(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out) {
    if (!numeral->fits)
        return rule_refuse(rule, spot, PROBLEM_BOOL_TYPE, NULL);
    if (numeral->value != 0 && numeral->value != 1)
        return rule_refuse(rule, spot, PROBLEM_BOOL_PARSING, NULL);
    return store_bool(rule, spot, numeral->value == 1, out);
}

// ---- labels

static int take_label(const struct rule *rule, const struct spot *spot, str text, void *out) {
    const leat_schema *schema = rule->schema;
    for (unsigned i = 0; i < schema->nfields; i++) {
        const char *label = schema->labels[i];
        if (strlen(label) != text.len || memcmp(label, text.ptr, text.len) != 0)
            continue;
        memcpy(out, &(unsigned){i + 1}, sizeof(unsigned));
        return rule_check(rule, spot, out);
    }
    return rule_refuse_type(rule, spot);
}

// ---- by type

static int take_integer_text(const struct rule *rule, const struct spot *spot, str text, void *out) {
    struct numeral numeral;
    switch (numeral_of_text(text, &numeral)) {
    case NUMERAL_OK:
        return rule_take_integer(rule, spot, &numeral, out);
    case NUMERAL_TOO_LONG:
        return rule_refuse(rule, spot, PROBLEM_INT_PARSING_SIZE, NULL);
    default:
        return rule_refuse(rule, spot, PROBLEM_INT_PARSING, NULL);
    }
}

static int take_real_text(const struct rule *rule, const struct spot *spot, str text, void *out) {
    double value;
    int error = f64_of_text(text, spot->reading->arena, &value);
    if (error == -EINVAL)
        return rule_refuse(rule, spot, PROBLEM_FLOAT_PARSING, NULL);
    return error ? error : rule_store_real(rule, spot, value, out);
}

int rule_take_text(const struct rule *rule, const struct spot *spot, str text, void *out) {
    switch (rule->kind) {
    case LEAT_STR:
        return rule_take_string(rule, spot, text, out);
    case LEAT_I32:
    case LEAT_I64:
        return take_integer_text(rule, spot, text, out);
    case LEAT_F64:
        return take_real_text(rule, spot, text, out);
    case LEAT_BOOL:
        return take_bool_text(rule, spot, text, out);
    case LEAT_UUID:
        return rule_take_uuid_text(rule, spot, text, out);
    case LEAT_TIME:
        return rule_take_time_text(rule, spot, text, out);
    case LEAT_ENUM:
        return take_label(rule, spot, text, out);
    default:
        return rule_refuse_type(rule, spot);
    }
}

static int take_real_as_integer(const struct rule *rule, const struct spot *spot, double value, void *out) {
    struct numeral numeral;
    if (!isfinite(value))
        return rule_refuse(rule, spot, PROBLEM_FINITE_NUMBER, NULL);
    if (!numeral_of_f64(value, &numeral))
        return rule_refuse(rule, spot, PROBLEM_INT_FROM_FLOAT, NULL);
    if (!numeral.fits)
        return rule_refuse(rule, spot, PROBLEM_INT_PARSING_SIZE, NULL);
    return rule_take_integer(rule, spot, &numeral, out);
}

static int take_real_as_bool(const struct rule *rule, const struct spot *spot, double value, void *out) {
    struct numeral numeral;
    if (!numeral_of_f64(value, &numeral))
        return rule_refuse(rule, spot, PROBLEM_BOOL_TYPE, NULL);
    return take_bool_numeral(rule, spot, &numeral, out);
}

// Infinity is what a number too large for a double became: Pydantic takes it, and then cannot write its answer.
static int take_real_as_real(const struct rule *rule, const struct spot *spot, double value, void *out) {
    if (!isfinite(value))
        return rule_refuse(rule, spot, PROBLEM_FINITE_NUMBER, NULL);
    return rule_store_real(rule, spot, value, out);
}

int rule_take_real(const struct rule *rule, const struct spot *spot, double value, void *out) {
    switch (rule->kind) {
    case LEAT_F64:
        return take_real_as_real(rule, spot, value, out);
    case LEAT_I32:
    case LEAT_I64:
        return take_real_as_integer(rule, spot, value, out);
    case LEAT_BOOL:
        return take_real_as_bool(rule, spot, value, out);
    case LEAT_TIME:
        return rule_take_time_real(rule, spot, value, out);
    default:
        return rule_refuse_type(rule, spot);
    }
}

static int take_integer_as_real(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out) {
    double value = (double)numeral->value;
    int error = numeral->fits ? 0 : f64_of_number(numeral->digits, spot->reading->arena, &value);
    if (error)
        return error;
    if (!isfinite(value)) // an integer that no float holds: Python's float() overflows
        return rule_refuse_type(rule, spot);
    return rule_store_real(rule, spot, !numeral->fits && numeral->is_negative ? -value : value, out);
}

int rule_take_numeral(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out) {
    switch (rule->kind) {
    case LEAT_I32:
    case LEAT_I64:
        return rule_take_integer(rule, spot, numeral, out);
    case LEAT_F64:
        return take_integer_as_real(rule, spot, numeral, out);
    case LEAT_BOOL:
        return take_bool_numeral(rule, spot, numeral, out);
    case LEAT_TIME:
        return rule_take_time_numeral(rule, spot, numeral, out);
    default:
        return rule_refuse_type(rule, spot);
    }
}

int rule_take_bool(const struct rule *rule, const struct spot *spot, bool value, void *out) {
    const struct numeral numeral = {.fits = true, .value = value};
    switch (rule->kind) {
    case LEAT_BOOL:
        return store_bool(rule, spot, value, out);
    case LEAT_I32:
    case LEAT_I64:
        return rule_take_integer(rule, spot, &numeral, out);
    case LEAT_F64:
        return rule_store_real(rule, spot, value, out);
    default:
        return rule_refuse_type(rule, spot);
    }
}
