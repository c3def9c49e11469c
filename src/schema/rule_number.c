// rule_number.c — numbers against their bounds, in Pydantic's order: multiple_of, le, lt, ge, gt.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "schema/rule.h"

// A numeral beyond 64 bits is beyond every bound there can be, on the side of its sign.
static bool is_above(const struct numeral *numeral, i64 bound) {
    return numeral->fits ? numeral->value > bound : !numeral->is_negative;
}

static bool is_below(const struct numeral *numeral, i64 bound) {
    return numeral->fits ? numeral->value < bound : numeral->is_negative;
}

static int store_integer(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out) {
    bool is_32 = rule->kind == LEAT_I32;
    if (!numeral->fits || (is_32 && numeral->value != (i32)numeral->value))
        return rule_refuse(rule, spot, PROBLEM_INT_PARSING_SIZE, NULL);
    if (is_32)
        *(i32 *)out = (i32)numeral->value;
    else
        *(i64 *)out = numeral->value;
    return rule_check(rule, spot, out);
}

int rule_take_integer(const struct rule *rule, const struct spot *spot, const struct numeral *numeral, void *out) {
    const struct integer_rule *bounds = &rule->integer;
    if (bounds->multiple_of && !numeral_is_multiple(numeral, bounds->multiple_of))
        return rule_refuse(rule, spot, PROBLEM_MULTIPLE_OF, &DETAIL_OF_INT(bounds->multiple_of));
    if (bounds->has_le && is_above(numeral, bounds->le))
        return rule_refuse(rule, spot, PROBLEM_LESS_THAN_EQUAL, &DETAIL_OF_INT(bounds->le));
    if (bounds->has_lt && !is_below(numeral, bounds->lt))
        return rule_refuse(rule, spot, PROBLEM_LESS_THAN, &DETAIL_OF_INT(bounds->lt));
    if (bounds->has_ge && is_below(numeral, bounds->ge))
        return rule_refuse(rule, spot, PROBLEM_GREATER_THAN_EQUAL, &DETAIL_OF_INT(bounds->ge));
    if (bounds->has_gt && !is_above(numeral, bounds->gt))
        return rule_refuse(rule, spot, PROBLEM_GREATER_THAN, &DETAIL_OF_INT(bounds->gt));
    return store_integer(rule, spot, numeral, out);
}

// Close enough to a multiple that the difference is rounding: pydantic-core's own tolerance.
static bool is_real_multiple(double value, double divisor) {
    double rest = fabs(fmod(value, divisor)), tolerance = fabs(value) / 1e9;
    return rest <= tolerance || fabs(rest - divisor) <= tolerance;
}

int rule_store_real(const struct rule *rule, const struct spot *spot, double value, void *out) {
    const struct real_rule *bounds = &rule->real;
    if (bounds->multiple_of != 0 && !is_real_multiple(value, bounds->multiple_of))
        return rule_refuse(rule, spot, PROBLEM_MULTIPLE_OF, &DETAIL_OF_FLOAT(bounds->multiple_of));
    if (isfinite(bounds->le) && !(value <= bounds->le)) // NaN is within no bounds
        return rule_refuse(rule, spot, PROBLEM_LESS_THAN_EQUAL, &DETAIL_OF_FLOAT(bounds->le));
    if (isfinite(bounds->lt) && !(value < bounds->lt))
        return rule_refuse(rule, spot, PROBLEM_LESS_THAN, &DETAIL_OF_FLOAT(bounds->lt));
    if (isfinite(bounds->ge) && !(value >= bounds->ge))
        return rule_refuse(rule, spot, PROBLEM_GREATER_THAN_EQUAL, &DETAIL_OF_FLOAT(bounds->ge));
    if (isfinite(bounds->gt) && !(value > bounds->gt))
        return rule_refuse(rule, spot, PROBLEM_GREATER_THAN, &DETAIL_OF_FLOAT(bounds->gt));
    *(f64 *)out = value;
    return rule_check(rule, spot, out);
}
