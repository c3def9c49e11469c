// value.c — one number, truth, UUID or time as Postgres takes it: in its binary form, or written out.
#include "db/value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "db/wire.h"

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

int value_text(char *out, const leat_arg *value) {
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

int value_put(char *p, const leat_arg *value, enum encode encode) {
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
