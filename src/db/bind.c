// bind.c — a call's arguments: kept flat, one for each of Postgres' parameters, and encoded into a Bind message.
#include "db/bind.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/uuid.h"
#include "db/wire.h"

enum {
    VALUE_BYTES_MAX = 64,     // of a parameter that is no text
    BIND_BYTES_MAX = 1 << 30, // Postgres takes messages up to 1 GiB
};

// ---- copied

static leat_arg null_where(bool is_null, leat_arg value) {
    return is_null ? (leat_arg){0} : value;
}

static leat_arg value_of_label(const leat_schema *type, unsigned value) {
    if (!value || value > type->nfields)
        return (leat_arg){0};
    const char *label = type->labels[value - 1];
    return leat_a_str(str_of(label));
}

static leat_arg value_of_member(const leat_field *field, const char *at) {
    switch (field->type->kind) {
    case LEAT_STR:
    case LEAT_JSON:
        return null_where(!((const str *)at)->ptr, leat_a_str(*(const str *)at));
    case LEAT_I32:
        return leat_a_i32(*(const i32 *)at);
    case LEAT_I64:
        return leat_a_i64(*(const i64 *)at);
    case LEAT_F64:
        return leat_a_f64(*(const f64 *)at);
    case LEAT_BOOL:
        return leat_a_bool(*(const bool *)at);
    case LEAT_UUID:
        return leat_a_uuid(*(const uuid *)at);
    case LEAT_TIME:
        return leat_a_time(*(const timestamp *)at);
    case LEAT_ENUM:
        return value_of_label(field->type, *(const unsigned *)at);
    }
    return (leat_arg){0};
}

static uint64_t bits_at(const struct leat_set *set, uint32_t offset) {
    uint64_t bits;
    memcpy(&bits, (const char *)set->value + offset, sizeof bits);
    return bits;
}

// A field that is absent or null is NULL: the mask tells Postgres which of the two.
static leat_arg value_of_set(const struct statement_parameter *parameter, const struct leat_set *set) {
    uint64_t present = bits_at(set, set->schema->set_off);
    if (parameter->is_mask)
        return leat_a_i64((i64)present);
    uint64_t bit = UINT64_C(1) << (parameter->field - set->schema->fields);
    if (!(present & bit) || bits_at(set, set->schema->null_off) & bit)
        return (leat_arg){0};
    return value_of_member(parameter->field, (const char *)set->value + parameter->field->off);
}

static leat_arg value_of(const struct statement_parameter *parameter, const leat_arg *arg) {
    switch (arg->type) {
    case LEAT_A_SET:
        return value_of_set(parameter, &arg->set);
    case LEAT_A_CSTR:
        return null_where(!arg->c, leat_a_str(str_of(arg->c)));
    case LEAT_A_STR:
    case LEAT_A_JSON:
        return null_where(!arg->s.ptr, leat_a_str(arg->s));
    }
    return *arg;
}

int bind_copy(const struct statement *statement, const leat_arg *args, struct arena *arena, const leat_arg **ret_values) {
    leat_arg flat[STATEMENT_PARAMETERS_MAX];
    size_t head = statement->parameter_count * sizeof *flat, text = 0;
    for (unsigned i = 0; i < statement->parameter_count; i++) {
        flat[i] = value_of(&statement->parameters[i], &args[statement->parameters[i].argument]);
        text += flat[i].type == LEAT_A_STR ? flat[i].s.len : 0;
    }
    char *piece = arena_raw(arena, head + text);
    if (!piece)
        return -ENOMEM;
    char *cursor = piece + head;
    for (unsigned i = 0; i < statement->parameter_count; i++)
        if (flat[i].type == LEAT_A_STR) {
            memcpy(cursor, flat[i].s.ptr, flat[i].s.len);
            flat[i].s.ptr = cursor;
            cursor += flat[i].s.len;
        }
    memcpy(piece, flat, head);
    *ret_values = (const leat_arg *)piece;
    return 0;
}

// ---- encoded

static f64 number_of(const leat_arg *value) {
    return value->type == LEAT_A_F64 ? value->f : (f64)value->i;
}

// Days to a civil date (proleptic Gregorian), as Howard Hinnant derives it.
static void civil_from_days(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = (int)((int64_t)year_of_era + era * 400) + (*ret_month <= 2);
}

static int time_text(char *out, i64 us) {
    int64_t seconds = us / 1000000 - (us % 1000000 < 0), days = seconds / 86400 - (seconds % 86400 < 0);
    unsigned of_day = (unsigned)(seconds - days * 86400), fraction = (unsigned)(us - seconds * 1000000), month, day;
    int year;
    civil_from_days(days, &year, &month, &day);
    return snprintf(out, VALUE_BYTES_MAX, "%04d-%02u-%02u %02u:%02u:%02u.%06u+00", year, month, day, of_day / 3600, of_day / 60 % 60,
                    of_day % 60, fraction);
}

static int value_text(char *out, const leat_arg *value) {
    switch (value->type) {
    case LEAT_A_F64:
        if (isnan(value->f))
            return snprintf(out, VALUE_BYTES_MAX, "NaN");
        if (isinf(value->f))
            return snprintf(out, VALUE_BYTES_MAX, value->f < 0 ? "-Infinity" : "Infinity");
        return snprintf(out, VALUE_BYTES_MAX, "%.17g", value->f);
    case LEAT_A_BOOL:
        return snprintf(out, VALUE_BYTES_MAX, value->i ? "t" : "f");
    case LEAT_A_UUID:
        uuid_format(out, value->u);
        return UUID_TEXT_BYTES;
    case LEAT_A_TIME:
        return time_text(out, value->i);
    }
    return snprintf(out, VALUE_BYTES_MAX, "%" PRId64, value->i);
}

static int put_integer(char *p, const leat_arg *value, enum encode encode) {
    i64 i = value->i;
    switch (encode) {
    case ENCODE_INT2:
        return i < INT16_MIN || i > INT16_MAX ? -ERANGE : (int)(wire_put_u16(p, (uint16_t)i) - p);
    case ENCODE_INT4:
        return i < INT32_MIN || i > INT32_MAX ? -ERANGE : (int)(wire_put_u32(p, (uint32_t)i) - p);
    case ENCODE_OID:
        return i < 0 || i > UINT32_MAX ? -ERANGE : (int)(wire_put_u32(p, (uint32_t)i) - p);
    default:
        return (int)(wire_put_u64(p, (uint64_t)i) - p);
    }
}

static int put_float(char *p, const leat_arg *value, enum encode encode) {
    f64 wide = number_of(value);
    if (encode == ENCODE_FLOAT8) {
        uint64_t bits;
        memcpy(&bits, &wide, sizeof bits);
        return (int)(wire_put_u64(p, bits) - p);
    }
    float narrow = (float)wide;
    if (isinf(narrow) && !isinf(wide))
        return -ERANGE;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return (int)(wire_put_u32(p, bits) - p);
}

// The value's bytes at `p`, or -ERANGE.
static int put_value(char *p, const leat_arg *value, enum encode encode) {
    switch (encode) {
    case ENCODE_INT2:
    case ENCODE_INT4:
    case ENCODE_INT8:
    case ENCODE_OID:
        return put_integer(p, value, encode);
    case ENCODE_FLOAT4:
    case ENCODE_FLOAT8:
        return put_float(p, value, encode);
    case ENCODE_BOOL:
        *p = value->i != 0;
        return 1;
    case ENCODE_UUID:
        memcpy(p, value->u.b, sizeof value->u.b);
        return sizeof value->u.b;
    case ENCODE_TIME:
        return (int)(wire_put_u64(p, (uint64_t)(value->i - POSTGRES_EPOCH_US)) - p);
    default:
        return value_text(p, value);
    }
}

static char *put_formats(char *p, bool differ, uint8_t one, const uint8_t *each, unsigned count) {
    if (!differ && (one == FORMAT_TEXT || !count))
        return wire_put_u16(p, 0);
    unsigned codes = differ ? count : 1;
    p = wire_put_u16(p, (uint16_t)codes);
    for (unsigned i = 0; i < codes; i++)
        p = wire_put_u16(p, differ ? each[i] : one);
    return p;
}

static size_t bytes_at_most(const struct plan *plan, const leat_arg *values) {
    size_t bytes = WIRE_HEAD_BYTES + 1 + STATEMENT_NAME_BYTES + 6 + 2 * plan->parameter_count + 2 * DESCRIPTION_COLUMNS_MAX;
    for (unsigned i = 0; i < plan->parameter_count; i++)
        bytes += 4 + (values[i].type == LEAT_A_STR ? values[i].s.len : VALUE_BYTES_MAX);
    return bytes + WIRE_EXECUTE_BYTES;
}

static char *put_parameter(char *p, const leat_arg *value, enum encode encode) {
    if (!value->type)
        return wire_put_u32(p, UINT32_MAX); // NULL
    if (value->type == LEAT_A_STR)
        return wire_put_bytes(wire_put_u32(p, (uint32_t)value->s.len), value->s.ptr, value->s.len);
    int bytes = put_value(p + 4, value, encode);
    return bytes < 0 ? NULL : wire_put_u32(p, (uint32_t)bytes) + bytes;
}

int bind_put(struct buffer *out, const char *name, const struct plan *plan, const leat_arg *values, unsigned *ret_parameter) {
    size_t most = bytes_at_most(plan, values);
    if (most > BIND_BYTES_MAX)
        return -EMSGSIZE;
    char *start = buffer_reserve(out, most);
    if (!start)
        return -ENOMEM;
    char *p = start + WIRE_HEAD_BYTES;
    *p++ = '\0'; // the unnamed portal
    p = wire_put_bytes(p, name, strlen(name) + 1);
    p = put_formats(p, plan->parameters_differ, plan->parameter_format, plan->parameter_formats, plan->parameter_count);
    p = wire_put_u16(p, (uint16_t)plan->parameter_count);
    for (unsigned i = 0; i < plan->parameter_count; i++) {
        char *next = put_parameter(p, &values[i], (enum encode)plan->encodes[i]);
        if (!next) {
            *ret_parameter = i;
            return -ERANGE;
        }
        p = next;
    }
    p = put_formats(p, plan->results_differ, plan->result_format, plan->result_formats, plan->column_count);
    *start = 'B';
    wire_put_u32(start + 1, (uint32_t)(p - start - 1));
    p = wire_put_execute(p);
    buffer_commit(out, (size_t)(p - start));
    return 0;
}
