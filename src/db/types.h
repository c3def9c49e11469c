// types.h — which type of Postgres fits which type of C, and in which form its values travel.
#ifndef DB_TYPES_H
#define DB_TYPES_H

#include <stdint.h>

#include <leat/database.h>

/** OIDs of pg_type.dat that have a form of their own here. */
enum oid {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_UNKNOWN = 705,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    OID_INT4_ARRAY = 1007,
    OID_INT8_ARRAY = 1016,
    OID_TEXT_ARRAY = 1009,
    OID_FIRST_NORMAL = 16384, // the first of a type that somebody made: an enum, a domain, an extension's
};

/** How a column becomes a member. */
enum decode {
    DECODE_NONE, // it does not
    DECODE_TEXT,
    DECODE_JSONB, // a version byte, then text
    DECODE_I32_INT2,
    DECODE_I32_INT4,
    DECODE_I64_INT2,
    DECODE_I64_INT4,
    DECODE_I64_INT8,
    DECODE_I64_OID,
    DECODE_F64_FLOAT4,
    DECODE_F64_FLOAT8,
    DECODE_F64_TEXT,
    DECODE_BOOL,
    DECODE_UUID,
    DECODE_TIME,
    DECODE_LABEL, // of an ENUM
    DECODE_LIST,  // of a list: an array of one dimension
};

/** How an argument becomes a parameter. */
enum encode {
    ENCODE_NONE,    // it does not
    ENCODE_TEXT,    // a str's bytes
    ENCODE_AS_TEXT, // any other value, written out: Postgres reads it as its type
    ENCODE_INT2,
    ENCODE_INT4,
    ENCODE_INT8,
    ENCODE_OID,
    ENCODE_FLOAT4,
    ENCODE_FLOAT8,
    ENCODE_BOOL,
    ENCODE_UUID,
    ENCODE_TIME,
};

/** Format codes of Bind; text types read the same in both. */
enum format { FORMAT_TEXT = 0, FORMAT_BINARY = 1, FORMAT_EITHER };

/** For a member of `kind` (enum leat_kind). */
enum decode decode_of(unsigned kind, uint32_t oid);
/** For an item of a list member: how each is decoded. DECODE_NONE where `oid` is no array, or its items travel as text alone. */
enum decode decode_of_item(unsigned kind, uint32_t oid);
enum format decode_format(enum decode decode, uint32_t oid);
/** For an argument of `type` (enum leat_arg_type); for a list how its items become those of the array, all of them ENCODE_AS_TEXT or none.
 */
enum encode encode_of(unsigned type, uint32_t oid);
enum format encode_format(unsigned type, enum encode encode);
/** The type of the items of an array; 0: it is none, or none that is known here. */
uint32_t oid_element(uint32_t oid);

/** "int4", or NULL for a type that has no form of its own here. */
const char *oid_name(uint32_t oid);
/** "i64": as the author writes it. */
const char *kind_name(unsigned kind);
/** The same of a type: "str_list" for a list. */
const char *schema_type_name(const leat_schema *type);
const char *argument_type_name(unsigned type);

/** timestamptz counts microseconds from 2000-01-01; its extremes are infinities. */
#define POSTGRES_EPOCH_US INT64_C(946684800000000)
#define TIMESTAMP_US_MIN (INT64_C(-62135596800) * 1000000)          // 0001-01-01T00:00:00Z
#define TIMESTAMP_US_MAX (INT64_C(253402300799) * 1000000 + 999999) // 9999-12-31T23:59:59.999999Z

#endif
