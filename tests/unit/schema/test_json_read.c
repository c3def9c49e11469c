// test_json_read.c — JSON into structs: each coercion that Pydantic has, each refusal in its words, all of them at once and in order.
#include "subject.h"

ENUM(Colour, red, blue);
ENUM(Letter, a, b, c);
SCHEMA(Int, (i64, v));
SCHEMA(Int32, (i32, v));
SCHEMA(IntRange, (i64, v, .ge = 0, .le = 10));
SCHEMA(IntOpen, (i64, v, .gt = 0, .lt = 10));
SCHEMA(IntFives, (i64, v, .multiple_of = 5));
SCHEMA(Float, (f64, v));
SCHEMA(FloatPositive, (f64, v, .gt = 0));
SCHEMA(FloatHalf, (f64, v, .ge = 0.5));
SCHEMA(FloatTenths, (f64, v, .multiple_of = 0.1));
SCHEMA(Bool, (bool, v));
SCHEMA(Str, (str, v));
SCHEMA(StrSized, (str, v, .min_length = 2, .max_length = 3));
SCHEMA(StrOne, (str, v, .min_length = 1, .max_length = 1));
SCHEMA(StrLower, (str, v, .pattern = "^[a-z]+$"));
SCHEMA(Uuid, (uuid, v));
SCHEMA(Time, (timestamp, v));
SCHEMA(Coloured, (Colour, v));
SCHEMA(Lettered, (Letter, v));
SCHEMA(Ints, (i64_list, v));
SCHEMA(IntsSized, (i64_list, v, .min_items = 1, .max_items = 2));
SCHEMA(Any, (json_value, v));
SCHEMA(IntNullable, (i64, v, .nullable = true));

#define BODY_V(type, msg, input, ctx)                                                                                                      \
    "{\"detail\":[{\"type\":\"" type "\",\"loc\":[\"body\",\"v\"],\"msg\":\"" msg "\",\"input\":" input ctx "}]}"
#define CTX(text) ",\"ctx\":{" text "}"
#define INT_TYPE(input) BODY_V("int_type", "Input should be a valid integer", input, "")
#define INT_PARSING(input) BODY_V("int_parsing", "Input should be a valid integer, unable to parse string as an integer", input, "")
#define INT_SIZE(input) BODY_V("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", input, "")
#define INT_FLOAT(input) BODY_V("int_from_float", "Input should be a valid integer, got a number with a fractional part", input, "")
#define FINITE(input) BODY_V("finite_number", "Input should be a finite number", input, "")
#define GE(input, msg, ctx) BODY_V("greater_than_equal", "Input should be greater than or equal to " msg, input, CTX("\"ge\":" ctx))
#define GT(input, msg, ctx) BODY_V("greater_than", "Input should be greater than " msg, input, CTX("\"gt\":" ctx))
#define LE(input, msg, ctx) BODY_V("less_than_equal", "Input should be less than or equal to " msg, input, CTX("\"le\":" ctx))
#define LT(input, msg, ctx) BODY_V("less_than", "Input should be less than " msg, input, CTX("\"lt\":" ctx))
#define MULTIPLE(input, msg) BODY_V("multiple_of", "Input should be a multiple of " msg, input, CTX("\"multiple_of\":" msg))
#define FLOAT_TYPE(input) BODY_V("float_type", "Input should be a valid number", input, "")
#define FLOAT_PARSING(input) BODY_V("float_parsing", "Input should be a valid number, unable to parse string as a number", input, "")
#define BOOL_TYPE(input) BODY_V("bool_type", "Input should be a valid boolean", input, "")
#define BOOL_PARSING(input) BODY_V("bool_parsing", "Input should be a valid boolean, unable to interpret input", input, "")
#define STRING_TYPE(input) BODY_V("string_type", "Input should be a valid string", input, "")
#define UNICODE(input) BODY_V("string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string", input, "")
#define TOO_LONG(input, n, s) BODY_V("string_too_long", "String should have at most " #n " character" s, input, CTX("\"max_length\":" #n))
#define TOO_SHORT(input, n, s)                                                                                                             \
    BODY_V("string_too_short", "String should have at least " #n " character" s, input, CTX("\"min_length\":" #n))
#define PATTERN(input) BODY_V("string_pattern_mismatch", "String should match pattern '^[a-z]+$'", input, CTX("\"pattern\":\"^[a-z]+$\""))
#define UUID_TYPE(input) BODY_V("uuid_type", "UUID input should be a string, bytes or UUID object", input, "")
#define UUID_BAD(input, why) BODY_V("uuid_parsing", "Input should be a valid UUID, " why, input, CTX("\"error\":\"" why "\""))
#define UUID_CHAR(input, c, at)                                                                                                            \
    UUID_BAD(input, "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `" c "` at " #at)
#define TIME_TYPE(input) BODY_V("datetime_type", "Input should be a valid datetime", input, "")
#define TIME_BAD(input, why)                                                                                                               \
    BODY_V("datetime_from_date_parsing", "Input should be a valid datetime or date, " why, input, CTX("\"error\":\"" why "\""))
#define TIME_WORSE(input, why) BODY_V("datetime_parsing", "Input should be a valid datetime, " why, input, CTX("\"error\":\"" why "\""))
#define ENUM_BAD(input, labels) BODY_V("enum", "Input should be " labels, input, CTX("\"expected\":\"" labels "\""))
#define LIST_TYPE(input) BODY_V("list_type", "Input should be a valid list", input, "")
#define EXTRA "unexpected extra characters at the end of the input"
#define AFTER "dates after 9999 are not supported as unix timestamps"
#define BEFORE "dates before 0000 are not supported as unix timestamps"

static const struct {
    const leat_schema *schema;
    const char *value, *answer; // of {"v":value}; an answer that is no problem is the value written back
} coercions[] = {
    {&Int__schema, "5", "5"},
    {&Int__schema, "\"5\"", "5"},
    {&Int__schema, "5.0", "5"},
    {&Int__schema, "5e0", "5"},
    {&Int__schema, "-0.0", "0"},
    {&Int__schema, "5.5", INT_FLOAT("5.5")},
    {&Int__schema, "\"5.0\"", "5"},
    {&Int__schema, "\"5.5\"", INT_PARSING("\"5.5\"")},
    {&Int__schema, "\" 5 \"", "5"},
    {&Int__schema, "\"\\u00a05\\u2003\"", "5"},
    {&Int__schema, "\"abc\"", INT_PARSING("\"abc\"")},
    {&Int__schema, "\"\"", INT_PARSING("\"\"")},
    {&Int__schema, "true", "1"},
    {&Int__schema, "false", "0"},
    {&Int__schema, "null", INT_TYPE("null")},
    {&Int__schema, "[]", INT_TYPE("[]")},
    {&Int__schema, "{}", INT_TYPE("{}")},
    {&Int__schema, "1e+20", INT_SIZE("1e+20")},
    {&Int__schema, "1e400", FINITE("1e400")},
    {&Int__schema, "\"1_000\"", "1000"},
    {&Int__schema, "\"1__000\"", INT_PARSING("\"1__000\"")},
    {&Int__schema, "\"_1\"", INT_PARSING("\"_1\"")},
    {&Int__schema, "\"1_\"", INT_PARSING("\"1_\"")},
    {&Int__schema, "\"-_1\"", INT_PARSING("\"-_1\"")},
    {&Int__schema, "\"0x1\"", INT_PARSING("\"0x1\"")},
    {&Int__schema, "\"1e1\"", INT_PARSING("\"1e1\"")},
    {&Int__schema, "\"+5\"", "5"},
    {&Int__schema, "\"-5\"", "-5"},
    {&Int__schema, "\"+-5\"", INT_PARSING("\"+-5\"")},
    {&Int__schema, "\"00012\"", "12"},
    {&Int__schema, "\"0_1\"", "1"},
    {&Int__schema, "\"10.00\"", "10"},
    {&Int__schema, "\"1_000.0\"", "1000"},
    {&Int__schema, "\"10.\"", INT_PARSING("\"10.\"")},
    {&Int__schema, "\".0\"", INT_PARSING("\".0\"")},
    {&Int__schema, "\"-0.0\"", "0"},
    {&Int__schema, "\"\\u0665\"", INT_PARSING("\"\\u0665\"")}, // Arabic five
    {&Int__schema, "9223372036854775807", "9223372036854775807"},
    {&Int__schema, "9223372036854775808", INT_SIZE("9223372036854775808")},
    {&Int__schema, "-9223372036854775808", "-9223372036854775808"},
    {&Int__schema, "-9223372036854775809", INT_SIZE("-9223372036854775809")},
    {&Int__schema, "1000000000000000000000000000000", INT_SIZE("1000000000000000000000000000000")},
    {&Int__schema, "\"9223372036854775808\"", INT_SIZE("\"9223372036854775808\"")},
    {&Int32__schema, "2147483647", "2147483647"},
    {&Int32__schema, "2147483648", INT_SIZE("2147483648")},
    {&Int32__schema, "-2147483648", "-2147483648"},
    {&Int32__schema, "-2147483649", INT_SIZE("-2147483649")},
    {&Int32__schema, "4294967297", INT_SIZE("4294967297")},
    {&IntRange__schema, "0", "0"},
    {&IntRange__schema, "10", "10"},
    {&IntRange__schema, "-1", GE("-1", "0", "0")},
    {&IntRange__schema, "11", LE("11", "10", "10")},
    {&IntRange__schema, "\"11\"", LE("\"11\"", "10", "10")},
    {&IntRange__schema, "18446744073709551617", LE("18446744073709551617", "10", "10")},
    {&IntRange__schema, "-18446744073709551617", GE("-18446744073709551617", "0", "0")},
    {&IntRange__schema, "1e20", INT_SIZE("1e20")},
    {&IntOpen__schema, "5", "5"},
    {&IntOpen__schema, "0", GT("0", "0", "0")},
    {&IntOpen__schema, "10", LT("10", "10", "10")},
    {&IntOpen__schema, "18446744073709551617", LT("18446744073709551617", "10", "10")},
    {&IntOpen__schema, "-18446744073709551617", GT("-18446744073709551617", "0", "0")},
    {&IntFives__schema, "10", "10"},
    {&IntFives__schema, "-10", "-10"},
    {&IntFives__schema, "7", MULTIPLE("7", "5")},
    {&IntFives__schema, "100000000000000000001", MULTIPLE("100000000000000000001", "5")},
    {&IntFives__schema, "100000000000000000000", INT_SIZE("100000000000000000000")},
    {&Float__schema, "1.5", "1.5"},
    {&Float__schema, "5", "5.0"},
    {&Float__schema, "\"1.5\"", "1.5"},
    {&Float__schema, "\"1e3\"", "1000.0"},
    {&Float__schema, "\" 1.5 \"", "1.5"},
    {&Float__schema, "\"1.\"", "1.0"},
    {&Float__schema, "\".5\"", "0.5"},
    {&Float__schema, "\".\"", FLOAT_PARSING("\".\"")},
    {&Float__schema, "\"abc\"", FLOAT_PARSING("\"abc\"")},
    {&Float__schema, "\"\"", FLOAT_PARSING("\"\"")},
    {&Float__schema, "\"1e\"", FLOAT_PARSING("\"1e\"")},
    {&Float__schema, "\"0x1\"", FLOAT_PARSING("\"0x1\"")},
    {&Float__schema, "\"1d5\"", FLOAT_PARSING("\"1d5\"")},
    {&Float__schema, "\"inf\"", "null"}, // taken as Pydantic takes it; JSON has no word for it on the way out
    {&Float__schema, "\"nan\"", "null"},
    {&Float__schema, "\"-Infinity\"", "null"},
    {&Float__schema, "true", "1.0"},
    {&Float__schema, "null", FLOAT_TYPE("null")},
    {&Float__schema, "[]", FLOAT_TYPE("[]")},
    {&Float__schema, "\"1_0.5\"", "10.5"},
    {&Float__schema, "\"1__0\"", FLOAT_PARSING("\"1__0\"")},
    {&Float__schema, "1e400", FINITE("1e400")},
    {&Float__schema, "-1e400", FINITE("-1e400")},
    {&Float__schema, "1e-400", "0.0"},
    {&Float__schema, "9007199254740993", "9007199254740992.0"},
    {&Float__schema, "-18446744073709551617", "-1.8446744073709552e+19"},
    {&Float__schema, "0.1", "0.1"},
    {&Float__schema, "123456789.123456789", "123456789.12345679"},
    {&FloatPositive__schema, "0", GT("0", "0", "0.0")},
    {&FloatPositive__schema, "-1.5", GT("-1.5", "0", "0.0")},
    {&FloatPositive__schema, "\"nan\"", GT("\"nan\"", "0", "0.0")},
    {&FloatHalf__schema, "0.1", GE("0.1", "0.5", "0.5")},
    {&FloatTenths__schema, "0.3", "0.3"},
    {&FloatTenths__schema, "0.35", MULTIPLE("0.35", "0.1")},
    {&Bool__schema, "true", "true"},
    {&Bool__schema, "false", "false"},
    {&Bool__schema, "\"true\"", "true"},
    {&Bool__schema, "\"oN\"", "true"},
    {&Bool__schema, "\"Y\"", "true"},
    {&Bool__schema, "\"F\"", "false"},
    {&Bool__schema, "\"off\"", "false"},
    {&Bool__schema, "\"0\"", "false"},
    {&Bool__schema, "1", "true"},
    {&Bool__schema, "0.0", "false"},
    {&Bool__schema, "\"2\"", BOOL_PARSING("\"2\"")},
    {&Bool__schema, "\" true\"", BOOL_PARSING("\" true\"")},
    {&Bool__schema, "2", BOOL_PARSING("2")},
    {&Bool__schema, "-1", BOOL_PARSING("-1")},
    {&Bool__schema, "2.0", BOOL_PARSING("2.0")},
    {&Bool__schema, "1.5", BOOL_TYPE("1.5")},
    {&Bool__schema, "null", BOOL_TYPE("null")},
    {&Bool__schema, "\"\"", BOOL_PARSING("\"\"")},
    {&Bool__schema, "[]", BOOL_TYPE("[]")},
    {&Bool__schema, "{}", BOOL_TYPE("{}")},
    {&Bool__schema, "1000000000000000000000", BOOL_TYPE("1000000000000000000000")},
    {&Str__schema, "\"x\"", "\"x\""},
    {&Str__schema, "\"\"", "\"\""},
    {&Str__schema, "5", STRING_TYPE("5")},
    {&Str__schema, "1.5", STRING_TYPE("1.5")},
    {&Str__schema, "true", STRING_TYPE("true")},
    {&Str__schema, "null", STRING_TYPE("null")},
    {&Str__schema, "[]", STRING_TYPE("[]")},
    {&Str__schema, "{}", STRING_TYPE("{}")},
    {&Str__schema, "{ \"a\": [1, 2] }", STRING_TYPE("{ \"a\": [1, 2] }")},
    {&Str__schema, "\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\xC3\xA9\xF0\x9F\x98\x80\\n/\""},
    {&Str__schema, "\"a\\u0000b\"", UNICODE("\"a\\u0000b\"")},
    {&Str__schema, "\"\\ud800\"", UNICODE("\"\\ud800\"")},
    {&Str__schema, "\"\\udc00\"", UNICODE("\"\\udc00\"")},
    {&Str__schema, "\"\\ud800\\ud800\"", UNICODE("\"\\ud800\\ud800\"")},
    {&Str__schema, "\"\\\\u0000\"", "\"\\\\u0000\""},
    {&StrSized__schema, "\"ab\"", "\"ab\""},
    {&StrSized__schema, "\"a\"", TOO_SHORT("\"a\"", 2, "s")},
    {&StrSized__schema, "\"abcd\"", TOO_LONG("\"abcd\"", 3, "s")},
    {&StrSized__schema, "\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"", "\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\""},
    {&StrSized__schema, "\"\xF0\x9F\x98\x80\"", TOO_SHORT("\"\xF0\x9F\x98\x80\"", 2, "s")},
    {&StrSized__schema, "\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"", TOO_LONG("\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"", 3, "s")},
    {&StrOne__schema, "\"\"", TOO_SHORT("\"\"", 1, "")},
    {&StrOne__schema, "\"ab\"", TOO_LONG("\"ab\"", 1, "")},
    {&StrLower__schema, "\"abc\"", "\"abc\""},
    {&StrLower__schema, "\"A1\"", PATTERN("\"A1\"")},
    {&StrLower__schema, "\"abc\\n\"", PATTERN("\"abc\\n\"")}, // $ is the very end
    {&Uuid__schema, "\"12345678-1234-5678-1234-567812345678\"", "\"12345678-1234-5678-1234-567812345678\""},
    {&Uuid__schema, "\"ABCDEF78-1234-5678-1234-567812345678\"", "\"abcdef78-1234-5678-1234-567812345678\""},
    {&Uuid__schema, "\"12345678123456781234567812345678\"", "\"12345678-1234-5678-1234-567812345678\""},
    {&Uuid__schema, "\"{12345678-1234-5678-1234-567812345678}\"", "\"12345678-1234-5678-1234-567812345678\""},
    {&Uuid__schema, "\"urn:uuid:12345678-1234-5678-1234-567812345678\"", "\"12345678-1234-5678-1234-567812345678\""},
    {&Uuid__schema, "\"x\"", UUID_CHAR("\"x\"", "x", 1)},
    {&Uuid__schema, "\"1\"", UUID_BAD("\"1\"", "invalid length: expected length 32 for simple format, found 1")},
    {&Uuid__schema, "\"\"", UUID_BAD("\"\"", "invalid length: expected length 32 for simple format, found 0")},
    {&Uuid__schema, "\"12345678-1234-5678-1234-56781234567\"",
     UUID_BAD("\"12345678-1234-5678-1234-56781234567\"", "invalid group length in group 4: expected 12, found 11")},
    {&Uuid__schema, "\"12345678-1234\"", UUID_BAD("\"12345678-1234\"", "invalid group count: expected 5, found 2")},
    {&Uuid__schema, "\"1234567-81234-5678-1234-567812345678\"",
     UUID_BAD("\"1234567-81234-5678-1234-567812345678\"", "invalid group length in group 0: expected 8, found 7")},
    {&Uuid__schema, "\"12345678-1234-5678-12345678-12345678\"",
     UUID_BAD("\"12345678-1234-5678-12345678-12345678\"", "invalid group length in group 3: expected 4, found 8")},
    {&Uuid__schema, "\"----\"", UUID_BAD("\"----\"", "invalid group length in group 0: expected 8, found 0")},
    {&Uuid__schema, "\"-----\"", UUID_BAD("\"-----\"", "invalid group count: expected 5, found 6")},
    {&Uuid__schema, "\"{}\"", UUID_BAD("\"{}\"", "invalid group count: expected 5, found 1")},
    {&Uuid__schema, "\"{x}\"", UUID_CHAR("\"{x}\"", "x", 2)},
    {&Uuid__schema, "\"urn:uuid:x\"", UUID_CHAR("\"urn:uuid:x\"", "x", 10)},
    {&Uuid__schema, "\"URN:UUID:12345678-1234-5678-1234-567812345678\"",
     UUID_CHAR("\"URN:UUID:12345678-1234-5678-1234-567812345678\"", "U", 1)},
    {&Uuid__schema, "\"{12345678123456781234567812345678}\"",
     UUID_BAD("\"{12345678123456781234567812345678}\"", "invalid group count: expected 5, found 1")},
    {&Uuid__schema, "\"12345678-1234-5678-1234-56781234567\xC3\xA9\"",
     UUID_CHAR("\"12345678-1234-5678-1234-56781234567\xC3\xA9\"", "\xC3\xA9", 36)},
    {&Uuid__schema, "5", UUID_TYPE("5")},
    {&Uuid__schema, "null", UUID_TYPE("null")},
    {&Time__schema, "\"2024-01-02T03:04:05Z\"", "\"2024-01-02T03:04:05Z\""},
    {&Time__schema, "\"2024-01-02T03:04:05\"", "\"2024-01-02T03:04:05Z\""},
    {&Time__schema, "\"2024-01-02 03:04\"", "\"2024-01-02T03:04:00Z\""},
    {&Time__schema, "\"2024-01-02_03:04z\"", "\"2024-01-02T03:04:00Z\""},
    {&Time__schema, "\"2024-01-02\"", "\"2024-01-02T00:00:00Z\""},
    {&Time__schema, "\"2024-01-02T03:04:05+01:30\"", "\"2024-01-02T01:34:05Z\""},
    {&Time__schema, "\"2024-01-02T03:04:05-0830\"", "\"2024-01-02T11:34:05Z\""},
    {&Time__schema,
     "\"2024-01-02T03:04:05\xE2\x88\x92"
     "08:00\"",
     "\"2024-01-02T11:04:05Z\""},
    {&Time__schema, "\"2024-01-02T03:04:05.1234567Z\"", "\"2024-01-02T03:04:05.123456Z\""},
    {&Time__schema, "\"2024-01-02T03:04:05,5\"", "\"2024-01-02T03:04:05.500000Z\""},
    {&Time__schema, "\"2024-02-29\"", "\"2024-02-29T00:00:00Z\""},
    {&Time__schema, "\"0001-01-01\"", "\"0001-01-01T00:00:00Z\""},
    {&Time__schema, "\"9999-12-31T23:59:59.999999Z\"", "\"9999-12-31T23:59:59.999999Z\""},
    {&Time__schema, "\"2024-13-01T00:00:00\"", TIME_BAD("\"2024-13-01T00:00:00\"", "month value is outside expected range of 1-12")},
    {&Time__schema, "\"2024-01-02T25:00:00\"", TIME_BAD("\"2024-01-02T25:00:00\"", EXTRA)},
    {&Time__schema, "\"2024-01-02T03:04:05+25:00\"", TIME_BAD("\"2024-01-02T03:04:05+25:00\"", EXTRA)},
    {&Time__schema, "\"2024-01-02T03:04:05+08\"", TIME_BAD("\"2024-01-02T03:04:05+08\"", EXTRA)},
    {&Time__schema, "\"2024-01-02T03:04:05.\"", TIME_BAD("\"2024-01-02T03:04:05.\"", EXTRA)},
    {&Time__schema, "\"2024-01-02X03:04:05\"", TIME_BAD("\"2024-01-02X03:04:05\"", EXTRA)},
    {&Time__schema, "\"2024-01-02T03:04:60Z\"", TIME_BAD("\"2024-01-02T03:04:60Z\"", EXTRA)},
    {&Time__schema, "\"2024-01-02T03:04:05Z \"", TIME_BAD("\"2024-01-02T03:04:05Z \"", EXTRA)},
    {&Time__schema, "\" 2024-01-02T03:04:05Z\"", TIME_BAD("\" 2024-01-02T03:04:05Z\"", "invalid character in year")},
    {&Time__schema, "\"nope\"", TIME_BAD("\"nope\"", "input is too short")},
    {&Time__schema, "\"\"", TIME_BAD("\"\"", "input is too short")},
    {&Time__schema, "\"2024-1-2\"", TIME_BAD("\"2024-1-2\"", "input is too short")},
    {&Time__schema, "\"2024/01/02\"", TIME_BAD("\"2024/01/02\"", "invalid date separator, expected `-`")},
    {&Time__schema, "\"2024-W01-1\"", TIME_BAD("\"2024-W01-1\"", "invalid character in month")},
    {&Time__schema, "\"2024-02-30T00:00:00Z\"", TIME_BAD("\"2024-02-30T00:00:00Z\"", "day value is outside expected range")},
    {&Time__schema, "\"2023-02-29\"", TIME_BAD("\"2023-02-29\"", "day value is outside expected range")},
    {&Time__schema, "\"1e3\"", TIME_BAD("\"1e3\"", "input is too short")},
    {&Time__schema, "\"9999999999999999\"", TIME_BAD("\"9999999999999999\"", AFTER)},
    {&Time__schema, "\"99999999999999999999999\"", TIME_BAD("\"99999999999999999999999\"", "invalid date separator, expected `-`")},
    {&Time__schema, "\"0000-01-02\"", TIME_WORSE("\"0000-01-02\"", "year 0 is out of range")},
    {&Time__schema, "\"0001-01-01T00:00:00+01:00\"", TIME_WORSE("\"0001-01-01T00:00:00+01:00\"", "year 0 is out of range")},
    {&Time__schema, "1704164645", "\"2024-01-02T03:04:05Z\""},
    {&Time__schema, "1704164645.5", "\"2024-01-02T03:04:05.500000Z\""},
    {&Time__schema, "1704164645123", "\"2024-01-02T03:04:05.123000Z\""},
    {&Time__schema, "\"1704164645\"", "\"2024-01-02T03:04:05Z\""},
    {&Time__schema, "\"1704164645.5\"", "\"2024-01-02T03:04:05.500000Z\""},
    {&Time__schema, "\"-1.5\"", "\"1969-12-31T23:59:58.500000Z\""},
    {&Time__schema, "20000000000", "\"2603-10-11T11:33:20Z\""},
    {&Time__schema, "20000000001", "\"1970-08-20T11:33:20.001000Z\""},
    {&Time__schema, "-20000000001", "\"1969-05-14T12:26:39.999000Z\""},
    {&Time__schema, "253402300799999", "\"9999-12-31T23:59:59.999000Z\""},
    {&Time__schema, "253402300800000", TIME_WORSE("253402300800000", AFTER)},
    {&Time__schema, "-62135596800000", "\"0001-01-01T00:00:00Z\""},
    {&Time__schema, "1e+20", TIME_WORSE("1e+20", AFTER)},
    {&Time__schema, "-1e+20", TIME_WORSE("-1e+20", BEFORE)},
    {&Time__schema, "1e400", TIME_WORSE("1e400", AFTER)},
    {&Time__schema, "1180591620717411303424", TIME_WORSE("1180591620717411303424", AFTER)},
    {&Time__schema, "null", TIME_TYPE("null")},
    {&Time__schema, "true", TIME_TYPE("true")},
    {&Time__schema, "[]", TIME_TYPE("[]")},
    {&Coloured__schema, "\"red\"", "\"red\""},
    {&Coloured__schema, "\"\\u0062lue\"", "\"blue\""},
    {&Coloured__schema, "\"green\"", ENUM_BAD("\"green\"", "'red' or 'blue'")},
    {&Coloured__schema, "\"re\"", ENUM_BAD("\"re\"", "'red' or 'blue'")},
    {&Coloured__schema, "5", ENUM_BAD("5", "'red' or 'blue'")},
    {&Coloured__schema, "null", ENUM_BAD("null", "'red' or 'blue'")},
    {&Lettered__schema, "\"x\"", ENUM_BAD("\"x\"", "'a', 'b' or 'c'")},
    {&Ints__schema, "[1, \"2\"]", "[1,2]"},
    {&Ints__schema, "[]", "[]"},
    {&Ints__schema, "\"12\"", LIST_TYPE("\"12\"")},
    {&Ints__schema, "5", LIST_TYPE("5")},
    {&Ints__schema, "null", LIST_TYPE("null")},
    {&Ints__schema, "{}", LIST_TYPE("{}")},
    {&Ints__schema, "{\"a\": 1}", LIST_TYPE("{\"a\": 1}")},
    {&Ints__schema, "[1, \"x\", 2.5]",
     "{\"detail\":[{\"type\":\"int_parsing\",\"loc\":[\"body\",\"v\",1],\"msg\":\"Input should be a valid integer, unable to parse string "
     "as an "
     "integer\",\"input\":\"x\"},{\"type\":\"int_from_float\",\"loc\":[\"body\",\"v\",2],\"msg\":\"Input should be a valid integer, got a "
     "number "
     "with a fractional part\",\"input\":2.5}]}"},
    {&IntsSized__schema, "[1]", "[1]"},
    {&IntsSized__schema, "[]",
     BODY_V("too_short", "List should have at least 1 item after validation, not 0", "[]",
            CTX("\"field_type\":\"List\",\"min_length\":1,\"actual_length\":0"))},
    {&IntsSized__schema, "[\"x\", 2, 3]",
     BODY_V("too_long", "List should have at most 2 items after validation, not 3", "[\"x\", 2, 3]",
            CTX("\"field_type\":\"List\",\"max_length\":2,\"actual_length\":3"))},
    {&Any__schema, "{ \"a\": [1, null] }", "{ \"a\": [1, null] }"},
    {&Any__schema, "null", "null"},
    {&Any__schema, "[\"\\u0000\"]", UNICODE("[\"\\u0000\"]")},
    {&Any__schema, "{\"\\ud800\":1}", UNICODE("{\"\\ud800\":1}")},
    {&Any__schema, "[1, 1e400]", FINITE("[1, 1e400]")},
    {&Any__schema, "[\"1e400\", 1e300, -0.5E-400]", "[\"1e400\", 1e300, -0.5E-400]"},
    {&IntNullable__schema, "null", "null"},
    {&IntNullable__schema, "5", "5"},
    {&IntNullable__schema, "\"x\"", INT_PARSING("\"x\"")},
};

static void test_each_value_is_taken_or_refused_as_pydantic_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof coercions / sizeof *coercions; i++) {
        char json[500], expected[1000];
        snprintf(json, sizeof json, "{\"v\":%s}", coercions[i].value);
        const char *answer = coercions[i].answer;
        bool is_problem = strncmp(answer, "{\"detail\"", 9) == 0;
        snprintf(expected, sizeof expected, is_problem ? "%s" : "ok {\"v\":%s}", answer);
        expect_answer(json, subject_read(coercions[i].schema, NULL, subject_str(json)), expected);
    }
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_is_taken_or_refused_as_pydantic_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
