// types.c — which type of Postgres fits which type of C, and in which form its values travel.
#include "db/types.h"

#include <stdbool.h>
#include <stddef.h>

static const struct {
    uint32_t oid;
    const char *name;
} names[] = {
    {OID_BOOL, "bool"},
    {OID_BYTEA, "bytea"},
    {OID_NAME, "name"},
    {OID_INT8, "int8"},
    {OID_INT2, "int2"},
    {OID_INT4, "int4"},
    {OID_TEXT, "text"},
    {OID_OID, "oid"},
    {OID_JSON, "json"},
    {OID_FLOAT4, "float4"},
    {OID_FLOAT8, "float8"},
    {OID_UNKNOWN, "unknown"},
    {OID_BPCHAR, "bpchar"},
    {OID_VARCHAR, "varchar"},
    {OID_DATE, "date"},
    {OID_TIMESTAMP, "timestamp"},
    {OID_TIMESTAMPTZ, "timestamptz"},
    {OID_NUMERIC, "numeric"},
    {OID_UUID, "uuid"},
    {OID_JSONB, "jsonb"},
};

static const struct {
    uint32_t oid, element;
    const char *name;
} arrays[] = {
    {1000, OID_BOOL, "bool[]"},
    {1001, OID_BYTEA, "bytea[]"},
    {1003, OID_NAME, "name[]"},
    {1016, OID_INT8, "int8[]"},
    {1005, OID_INT2, "int2[]"},
    {1007, OID_INT4, "int4[]"},
    {1009, OID_TEXT, "text[]"},
    {1028, OID_OID, "oid[]"},
    {199, OID_JSON, "json[]"},
    {1021, OID_FLOAT4, "float4[]"},
    {1022, OID_FLOAT8, "float8[]"},
    {1014, OID_BPCHAR, "bpchar[]"},
    {1015, OID_VARCHAR, "varchar[]"},
    {1182, OID_DATE, "date[]"},
    {1115, OID_TIMESTAMP, "timestamp[]"},
    {1185, OID_TIMESTAMPTZ, "timestamptz[]"},
    {1231, OID_NUMERIC, "numeric[]"},
    {2951, OID_UUID, "uuid[]"},
    {3807, OID_JSONB, "jsonb[]"},
};

uint32_t oid_element(uint32_t oid) {
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (arrays[i].oid == oid)
            return arrays[i].element;
    return 0;
}

const char *oid_name(uint32_t oid) {
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (arrays[i].oid == oid)
            return arrays[i].name;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].oid == oid)
            return names[i].name;
    return NULL;
}

const char *kind_name(unsigned kind) {
    static const char *const kinds[] = {
        [LEAT_STR] = "str",      [LEAT_I32] = "i32",         [LEAT_I64] = "i64",        [LEAT_F64] = "f64",
        [LEAT_BOOL] = "bool",    [LEAT_UUID] = "uuid",       [LEAT_TIME] = "timestamp", [LEAT_JSON] = "json_value",
        [LEAT_ENUM] = "an ENUM", [LEAT_OBJECT] = "a schema", [LEAT_LIST] = "a list",
    };
    return kind < sizeof kinds / sizeof *kinds && kinds[kind] ? kinds[kind] : "of no known type";
}

const char *schema_type_name(const leat_schema *type) {
    return type->kind == LEAT_LIST ? type->name : kind_name(type->kind);
}

const char *argument_type_name(unsigned type) {
    static const char *const lists[] = {
        [LEAT_A_STR] = "str_list",   [LEAT_A_I32] = "i32_list",   [LEAT_A_I64] = "i64_list",        [LEAT_A_F64] = "f64_list",
        [LEAT_A_BOOL] = "bool_list", [LEAT_A_UUID] = "uuid_list", [LEAT_A_TIME] = "timestamp_list", [LEAT_A_JSON] = "json_value_list",
    };
    unsigned item = type & ~(unsigned)LEAT_A_LIST;
    if (type & LEAT_A_LIST)
        return item < sizeof lists / sizeof *lists && lists[item] ? lists[item] : "of no known type";
    static const char *const types[] = {
        [LEAT_A_STR] = "str",   [LEAT_A_CSTR] = "char *", [LEAT_A_I32] = "i32",        [LEAT_A_I64] = "i64",         [LEAT_A_F64] = "f64",
        [LEAT_A_BOOL] = "bool", [LEAT_A_UUID] = "uuid",   [LEAT_A_TIME] = "timestamp", [LEAT_A_JSON] = "json_value", [LEAT_A_SET] = "a SET",
    };
    return type < sizeof types / sizeof *types && types[type] ? types[type] : "of no known type";
}

static bool is_text(uint32_t oid) {
    return oid == OID_TEXT || oid == OID_VARCHAR || oid == OID_BPCHAR || oid == OID_NAME || oid == OID_UNKNOWN;
}

// Types whose values have a C type of their own, so that text for them is a mistake.
static bool has_own_type(uint32_t oid) {
    switch (oid) {
    case OID_BOOL:
    case OID_BYTEA:
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
    case OID_OID:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
    case OID_UUID:
        return true;
    }
    return false;
}

// Money is exact as a str; whatever we don't know (citext, enums, inet, date ...) is its text.
static enum decode decode_str(uint32_t oid) {
    if (oid == OID_JSONB)
        return DECODE_JSONB;
    return has_own_type(oid) ? DECODE_NONE : DECODE_TEXT;
}

static enum decode decode_i64(uint32_t oid) {
    return oid == OID_INT8   ? DECODE_I64_INT8
           : oid == OID_INT4 ? DECODE_I64_INT4
           : oid == OID_INT2 ? DECODE_I64_INT2
           : oid == OID_OID  ? DECODE_I64_OID
                             : DECODE_NONE;
}

static enum decode decode_f64(uint32_t oid) {
    return oid == OID_FLOAT8    ? DECODE_F64_FLOAT8
           : oid == OID_FLOAT4  ? DECODE_F64_FLOAT4
           : oid == OID_NUMERIC ? DECODE_F64_TEXT
                                : DECODE_NONE;
}

enum decode decode_of(unsigned kind, uint32_t oid) {
    switch (kind) {
    case LEAT_STR:
        return decode_str(oid);
    case LEAT_I32:
        return oid == OID_INT4 ? DECODE_I32_INT4 : oid == OID_INT2 ? DECODE_I32_INT2 : DECODE_NONE;
    case LEAT_I64:
        return decode_i64(oid);
    case LEAT_F64:
        return decode_f64(oid);
    case LEAT_BOOL:
        return oid == OID_BOOL ? DECODE_BOOL : DECODE_NONE;
    case LEAT_UUID:
        return oid == OID_UUID ? DECODE_UUID : DECODE_NONE;
    case LEAT_TIME:
        return oid == OID_TIMESTAMPTZ || oid == OID_TIMESTAMP ? DECODE_TIME : DECODE_NONE;
    case LEAT_JSON:
        return oid == OID_JSONB ? DECODE_JSONB : oid == OID_JSON ? DECODE_TEXT : DECODE_NONE;
    case LEAT_ENUM:
        return is_text(oid) || oid >= OID_FIRST_NORMAL ? DECODE_LABEL : DECODE_NONE;
    }
    return DECODE_NONE;
}

enum decode decode_of_item(unsigned kind, uint32_t oid) {
    uint32_t element = oid_element(oid);
    enum decode decode = element ? decode_of(kind, element) : DECODE_NONE;
    return decode && decode_format(decode, element) != FORMAT_TEXT ? decode : DECODE_NONE;
}

enum format decode_format(enum decode decode, uint32_t oid) {
    if (decode == DECODE_TEXT || decode == DECODE_LABEL)
        return is_text(oid) || oid == OID_JSON ? FORMAT_EITHER : FORMAT_TEXT;
    return decode == DECODE_F64_TEXT ? FORMAT_TEXT : FORMAT_BINARY;
}

static enum encode encode_integer(uint32_t oid) {
    switch (oid) {
    case OID_INT2:
        return ENCODE_INT2;
    case OID_INT4:
        return ENCODE_INT4;
    case OID_INT8:
        return ENCODE_INT8;
    case OID_OID:
        return ENCODE_OID;
    case OID_FLOAT4:
        return ENCODE_FLOAT4;
    case OID_FLOAT8:
        return ENCODE_FLOAT8;
    case OID_NUMERIC:
        return ENCODE_AS_TEXT;
    }
    return ENCODE_NONE;
}

static enum encode encode_known(unsigned type, uint32_t oid) {
    switch (type) {
    case LEAT_A_STR:
    case LEAT_A_CSTR:
        return has_own_type(oid) ? ENCODE_NONE : ENCODE_TEXT;
    case LEAT_A_JSON:
        return oid == OID_JSON || oid == OID_JSONB || is_text(oid) ? ENCODE_TEXT : ENCODE_NONE;
    case LEAT_A_I32: // in C, `true` and a > b are ints
        return oid == OID_BOOL ? ENCODE_BOOL : encode_integer(oid);
    case LEAT_A_I64:
        return encode_integer(oid);
    case LEAT_A_F64:
        return oid == OID_FLOAT8 ? ENCODE_FLOAT8 : oid == OID_FLOAT4 ? ENCODE_FLOAT4 : oid == OID_NUMERIC ? ENCODE_AS_TEXT : ENCODE_NONE;
    case LEAT_A_BOOL:
        return oid == OID_BOOL ? ENCODE_BOOL : ENCODE_NONE;
    case LEAT_A_UUID:
        return oid == OID_UUID ? ENCODE_UUID : ENCODE_NONE;
    case LEAT_A_TIME:
        return oid == OID_TIMESTAMPTZ || oid == OID_TIMESTAMP ? ENCODE_TIME : oid == OID_DATE ? ENCODE_AS_TEXT : ENCODE_NONE;
    }
    return ENCODE_NONE;
}

// Whoever made the type may have made an array of it, or not: Postgres judges the text.
static enum encode encode_of_list(unsigned type, uint32_t oid) {
    uint32_t element = oid_element(oid);
    if (!element)
        return oid >= OID_FIRST_NORMAL ? ENCODE_AS_TEXT : ENCODE_NONE;
    enum encode encode = encode_known(type, element);
    bool is_binary = encode != ENCODE_TEXT || is_text(element) || element == OID_JSON || element == OID_JSONB;
    return is_binary ? encode : ENCODE_AS_TEXT;
}

enum encode encode_of(unsigned type, uint32_t oid) {
    if (type & LEAT_A_LIST)
        return encode_of_list(type & ~(unsigned)LEAT_A_LIST, oid);
    enum encode encode = encode_known(type, oid);
    if (encode || oid < OID_FIRST_NORMAL)
        return encode;
    return type == LEAT_A_JSON ? ENCODE_TEXT : ENCODE_AS_TEXT; // a domain, most likely: its input function judges
}

enum format encode_format(unsigned type, enum encode encode) {
    bool is_text = encode == ENCODE_AS_TEXT || (encode == ENCODE_TEXT && !(type & LEAT_A_LIST));
    return is_text ? FORMAT_TEXT : FORMAT_BINARY;
}
