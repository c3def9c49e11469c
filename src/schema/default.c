// default.c — what a value is where it is absent: the `.def` of its options.
#include "schema/default.h"

#include <math.h>

#include "base/str.h"
#include "schema/options.h"

struct default_value default_of(const leat_schema *type, const void *opts) {
    switch (type->kind) {
    case LEAT_STR: {
        KNOWN_OPTS(str__opts, known, str__D);
        return (struct default_value){known.def != NULL, .text = str_of(known.def)};
    }
    case LEAT_I32: {
        KNOWN_OPTS(i32__opts, known, i32__D);
        return (struct default_value){known.def != LEAT_NO_DEFAULT_I32, .integer = known.def};
    }
    case LEAT_I64: {
        KNOWN_OPTS(i64__opts, known, i64__D);
        return (struct default_value){known.def != LEAT_NO_DEFAULT_I64, .integer = known.def};
    }
    case LEAT_F64: {
        KNOWN_OPTS(f64__opts, known, f64__D);
        return (struct default_value){!isnan(known.def), .real = known.def};
    }
    case LEAT_BOOL: {
        KNOWN_OPTS(_Bool__opts, known, _Bool__D);
        return (struct default_value){known.def >= 0, .truth = known.def > 0};
    }
    case LEAT_ENUM: {
        KNOWN_OPTS(struct enum_opts, known, 0);
        return (struct default_value){known.def != 0, .ordinal = known.def};
    }
    default:
        return (struct default_value){0};
    }
}

void default_store(const struct default_value *value, const leat_schema *type, void *out) {
    if (!value->is_given) {
        memset(out, 0, type->bytes);
        return;
    }
    switch (type->kind) {
    case LEAT_STR:
        *(str *)out = value->text;
        return;
    case LEAT_I32:
        *(i32 *)out = (i32)value->integer;
        return;
    case LEAT_I64:
        *(i64 *)out = value->integer;
        return;
    case LEAT_F64:
        *(f64 *)out = value->real;
        return;
    case LEAT_BOOL:
        *(bool *)out = value->truth;
        return;
    default:
        memcpy(out, &value->ordinal, sizeof value->ordinal);
    }
}
