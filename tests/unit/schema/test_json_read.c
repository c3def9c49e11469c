// test_json_read.c — JSON into structs: each coercion that Pydantic has, each refusal in its words, all of them at once and in order.
#include "schema/json_scan.h"
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
    {&Float__schema, "\" 1_0.5\"", FLOAT_PARSING("\" 1_0.5\"")}, // blanks or underscores, not both
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
    {&Uuid__schema, "\"{g2345678-1234-5678-1234-567812345678}\"", UUID_CHAR("\"{g2345678-1234-5678-1234-567812345678}\"", "g", 1)},
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
        expect_answer(json, subject_read(coercions[i].schema, NULL, str_of(json)), expected);
    }
}

// ---- objects

static const char *lower_case(req *r, str *s) {
    (void)r;
    static char lower[100];
    for (size_t i = 0; i < s->len; i++)
        lower[i] = s->ptr[i] >= 'A' && s->ptr[i] <= 'Z' ? (char)(s->ptr[i] | 0x20) : s->ptr[i];
    s->ptr = lower;
    return NULL;
}

static int strength_calls;

static const char *strength(req *r, str *s) {
    (void)r;
    strength_calls++;
    return memchr(s->ptr, '1', s->len) ? NULL : "Password must contain digit";
}

SCHEMA(Create, (str, email, .check = lower_case), (str, name, .min_length = 1, .max_length = 5),
       (str, password, .min_length = 8, .check = strength, .secret = true));
SCHEMA(Item, (str, name, .min_length = 2), (f64, price, .gt = 0));
SCHEMA(Order, (Item, item), (Item_list, more, .max_items = 3), (i64, count, .def = 1, .ge = 1));
SCHEMA(Basket, (Order_list, orders));
PARTIAL(Update, (str, name, .min_length = 1), (bool, open), (i64, rank, .nullable = true));
SCHEMA(Optional, (str, a, .optional = true), (str, b, .def = "x"), (f64, c, .def = 1.5), (bool, d, .def = true),
       (Colour, e, .def = Colour_blue), (i32, f, .def = -1), (Ints, g, .optional = true), (uuid, id, .read_only = true, .optional = true),
       (i64, h, .alias = "hAlias"));
SCHEMA(Wallet, (str, owner), (Create, account));
SCHEMA(Range, (i64, low), (i64, high));

VALIDATE(Range, in) {
    return in->low > in->high ? "low is above high" : NULL;
}

#define FAILS(...) "{\"detail\":[" __VA_ARGS__ "]}"
#define MISSING(loc, input) "{\"type\":\"missing\",\"loc\":[\"body\"" loc "],\"msg\":\"Field required\"" input "}"
#define INPUT(json) ",\"input\":" json
#define MODEL_TYPE(loc, input)                                                                                                             \
    "{\"type\":\"model_attributes_type\",\"loc\":[\"body\"" loc                                                                            \
    "],\"msg\":\"Input should be a valid dictionary or object to extract fields from\"" input "}"
#define SHORT(loc, n, s, input)                                                                                                            \
    "{\"type\":\"string_too_short\",\"loc\":[\"body\"" loc "],\"msg\":\"String should have at least " #n " character" s "\"" input         \
    ",\"ctx\":{\"min_length\":" #n "}}"
#define NO_STRING(loc, input) "{\"type\":\"string_type\",\"loc\":[\"body\"" loc "],\"msg\":\"Input should be a valid string\"" input "}"
#define VALUE_ERROR(loc, msg, input)                                                                                                       \
    "{\"type\":\"value_error\",\"loc\":[\"body\"" loc "],\"msg\":\"Value error, " msg "\"" input ",\"ctx\":{\"error\":{}}}"

static void test_a_whole_body_is_missing_where_there_is_none(void **state) {
    (void)state;
    expect_answer("empty", READ(Item, ""), FAILS(MISSING("", INPUT("null"))));
    expect_answer("null", READ(Item, " null "), FAILS(MISSING("", INPUT("null"))));
    expect_answer(
        "only a byte order mark", READ(Item, "\xEF\xBB\xBF"),
        "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",0],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":"
        "\"Expecting value\"}}]}");
}

static void test_all_that_is_wrong_is_told_in_the_order_of_the_declaration(void **state) {
    (void)state;
    expect_answer("nothing there", READ(Item, "{}"), FAILS(MISSING(",\"name\"", INPUT("{}")) "," MISSING(",\"price\"", INPUT("{}"))));
    expect_answer(
        "both wrong, the other way round", READ(Item, "{ \"price\": 0, \"name\": \"a\" }"),
        FAILS(SHORT(",\"name\"", 2, "s", INPUT("\"a\"")) ",{\"type\":\"greater_than\",\"loc\":[\"body\",\"price\"],\"msg\":\"Input should "
                                                         "be greater than 0\",\"input\":0,\"ctx\":{\"gt\":0.0}}"));
    expect_answer("the input of what is missing is the object as it was sent", READ(Item, " { \"name\" : \"ab\" , \"x\":[1] } "),
                  FAILS(MISSING(",\"price\"", INPUT("{ \"name\" : \"ab\" , \"x\":[1] }"))));
}

static void test_a_body_of_another_type_has_no_fields(void **state) {
    (void)state;
    static const char *const bodies[] = {"[]", "5", "\"x\"", "true", "[{\"name\":\"ab\",\"price\":1}]"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char expected[400];
        snprintf(expected, sizeof expected, FAILS(MODEL_TYPE("", INPUT("%s"))), bodies[i]);
        expect_answer(bodies[i], READ(Item, bodies[i]), expected);
    }
    expect_answer("a list wanted", READ(Item_list, "{}"),
                  FAILS("{\"type\":\"list_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a valid list\",\"input\":{}}"));
}

static void test_the_last_of_two_equal_names_wins_and_unknown_names_are_passed_over(void **state) {
    (void)state;
    expect_answer("twice", READ(Item, "{\"name\":1,\"price\":\"x\",\"name\":\"ab\",\"price\":2}"), "ok {\"name\":\"ab\",\"price\":2.0}");
    expect_answer("escaped names", READ(Item, "{\"n\\u0061me\":\"ab\",\"pric\\u0065\":2}"), "ok {\"name\":\"ab\",\"price\":2.0}");
    expect_answer("unknown", READ(Item, "{\"nam\":1,\"names\":{\"name\":[]},\"\":2,\"name\":\"ab\",\"price\":2,\"\\ud800\":\"\\u0000\"}"),
                  "ok {\"name\":\"ab\",\"price\":2.0}");
}

static void test_broken_json_comes_before_every_field_and_check(void **state) {
    (void)state;
    strength_calls = 0;
    expect_answer(
        "broken at the end", READ(Create, "{\"email\":5,\"name\":\"\",\"password\":\"longenough1\",}"),
        "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",45],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":"
        "\"Illegal trailing comma before end of object\"}}]}");
    expect_answer(
        "more behind it", READ(Create, "{\"password\":\"longenough1\"} x"),
        "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",27],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":"
        "\"Extra data\"}}]}");
    assert_int_equal(strength_calls, 0);
}

static void test_a_check_runs_last_and_may_change_the_value(void **state) {
    (void)state;
    expect_answer("lower case", READ(Create, "{\"email\":\"A@B\",\"name\":\"x\",\"password\":\"longenough1\"}"),
                  "ok {\"email\":\"a@b\",\"name\":\"x\",\"password\":\"longenough1\"}");
    strength_calls = 0;
    expect_answer("too short to be checked", READ(Create, "{\"email\":\"a\",\"name\":\"x\",\"password\":\"short\"}"),
                  FAILS(SHORT(",\"password\"", 8, "s", "")));
    assert_int_equal(strength_calls, 0);
    expect_answer("refused", READ(Create, "{\"email\":\"a\",\"name\":\"x\",\"password\":\"longenough\"}"),
                  FAILS(VALUE_ERROR(",\"password\"", "Password must contain digit", "")));
}

static void test_a_secret_is_never_echoed_nor_what_holds_it(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"password\":\"hunter2\"}",
        "{\"password\":[\"hunter2\"]}",
        "[\"hunter2\"]",
        "\"hunter2\"",
        "{\"account\":{\"password\":\"hunter2\"}}",
        "{\"account\":\"hunter2\"}",
        "{\"owner\":\"x\",\"account\":{\"password\":\"hunter2\\u0000\"}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_null(strstr(READ(Create, bodies[i]), "hunter2"));
        assert_null(strstr(READ(Wallet, bodies[i]), "hunter2"));
        assert_null(strstr(READ(Create_list, bodies[i]), "hunter2"));
    }
    expect_answer("what is missing shows no object", READ(Create, "{\"name\":\"x\"}"),
                  FAILS(MISSING(",\"email\"", "") "," MISSING(",\"password\"", "")));
    expect_answer("its neighbours show themselves", READ(Create, "{\"email\":5,\"name\":\"x\",\"password\":\"longenough1\"}"),
                  FAILS(NO_STRING(",\"email\"", INPUT("5"))));
}

static void test_models_and_lists_of_them_are_read_where_they_are(void **state) {
    (void)state;
    expect_answer("an order",
                  READ(Order, "{\"item\":{\"name\":\"ab\",\"price\":1},\"more\":[{\"name\":\"cd\",\"price\":2}],\"count\":\"3\"}"),
                  "ok {\"item\":{\"name\":\"ab\",\"price\":1.0},\"more\":[{\"name\":\"cd\",\"price\":2.0}],\"count\":3}");
    expect_answer("items of every fault", READ(Order, "{\"item\":5,\"more\":[{\"name\":\"ab\",\"price\":1}, {\"name\":\"a\"} , 5]}"),
                  FAILS(MODEL_TYPE(",\"item\"", INPUT("5")) "," SHORT(",\"more\",1,\"name\"", 2, "s", INPUT("\"a\"")) "," MISSING(
                      ",\"more\",1,\"price\"", INPUT("{\"name\":\"a\"}")) "," MODEL_TYPE(",\"more\",2", INPUT("5"))));
    expect_answer("deep", READ(Basket, "{\"orders\":[{\"item\":{\"name\":\"ab\",\"price\":1},\"more\":[]},{\"item\":{},\"more\":[{}]}]}"),
                  FAILS(MISSING(",\"orders\",1,\"item\",\"name\"", INPUT("{}")) "," MISSING(
                      ",\"orders\",1,\"item\",\"price\"",
                      INPUT("{}")) "," MISSING(",\"orders\",1,\"more\",0,\"name\"",
                                               INPUT("{}")) "," MISSING(",\"orders\",1,\"more\",0,\"price\"", INPUT("{}"))));
    expect_answer("a list as body", READ(Item_list, "[{\"name\":\"ab\",\"price\":1}, null]"), FAILS(MODEL_TYPE(",1", INPUT("null"))));
    expect_answer("an empty list as body", READ(Item_list, " [ ] "), "ok []");
}

static const struct model *model_of(const leat_schema *schema, struct model_set **set) {
    subject_reset();
    assert_int_equal(model_set_create(set), 0);
    return subject_model(*set, schema);
}

static int read_into(const struct model *model, const char *json, void *out) {
    static const struct location root = {.name = S("body")};
    struct problems problems;
    problems_init(&problems, &subject_arena);
    return model_read_json(model, &(struct reading){NULL, &subject_arena, &problems}, &root, str_of(json), out);
}

static void test_a_partial_says_what_was_sent_and_what_was_null(void **state) {
    (void)state;
    struct model_set *set;
    const struct model *model = model_of(&Update__schema, &set);
    Update none = {0}, some = {0};
    assert_int_equal(read_into(model, "{}", &none), 0);
    assert_int_equal(none.set.bits, 0);
    assert_int_equal(read_into(model, "{\"open\":false,\"rank\":null}", &some), 0);
    assert_false(some.set.name);
    assert_true(some.set.open);
    assert_true(some.set.rank);
    assert_true(some.null.rank);
    assert_int_equal(some.null.bits, 4);
    model_set_destroy(set);
    expect_answer("null where it may not be", READ(Update, "{\"name\":null,\"open\":null}"),
                  FAILS(NO_STRING(",\"name\"",
                                  INPUT("null")) ",{\"type\":\"bool_type\",\"loc\":[\"body\",\"open\"],\"msg\":\"Input should be a valid "
                                                 "boolean\",\"input\":null}"));
    expect_answer("a rule holds all the same", READ(Update, "{\"name\":\"\"}"), FAILS(SHORT(",\"name\"", 1, "", INPUT("\"\""))));
}

static void test_what_is_absent_has_its_default_or_zeros(void **state) {
    (void)state;
    struct model_set *set;
    const struct model *model = model_of(&Optional__schema, &set);
    Optional o = {0};
    assert_int_equal(read_into(model, "{\"hAlias\":7,\"h\":8,\"id\":\"12345678-1234-5678-1234-567812345678\"}", &o), 0);
    assert_null(o.a.ptr);
    assert_memory_equal(o.b.ptr, "x", 1);
    assert_true(o.c == 1.5 && o.d);
    assert_int_equal(o.e, Colour_blue);
    assert_int_equal(o.f, -1);
    assert_int_equal(o.h, 7);
    assert_int_equal(o.g.v.n, 0);
    assert_true(uuid_eq(o.id, (uuid){{0}})); // read_only: nobody sends it
    assert_true(o.set.h);
    assert_int_equal(o.set.bits, 1 << 8);
    model_set_destroy(set);
    expect_answer("the alias is what is missing", READ(Optional, "{\"h\":8}"), FAILS(MISSING(",\"hAlias\"", INPUT("{\"h\":8}"))));
}

static void test_a_rule_over_the_model_runs_when_its_fields_are_right(void **state) {
    (void)state;
    const char *good = "{\"low\":1,\"high\":2}", *bad = "{\"low\": 3, \"high\": 2}", *worse = "{\"low\":\"x\",\"high\":2}";
    expect_answer(good, subject_read(&Range__schema, &Range__validator, str_of(good)), "ok {\"low\":1,\"high\":2}");
    expect_answer(bad, subject_read(&Range__schema, &Range__validator, str_of(bad)),
                  FAILS(VALUE_ERROR("", "low is above high", INPUT("{\"low\": 3, \"high\": 2}"))));
    expect_answer(
        worse, subject_read(&Range__schema, &Range__validator, str_of(worse)),
        FAILS(
            "{\"type\":\"int_parsing\",\"loc\":[\"body\",\"low\"],\"msg\":\"Input should be a valid integer, unable to parse string as an "
            "integer\",\"input\":\"x\"}"));
}

// ---- numbers that are long

static void test_a_number_of_a_hundred_thousand_digits_is_judged(void **state) {
    (void)state;
    enum { DIGITS = 100000 };
    static char json[DIGITS + 100];
    memset(json, '9', sizeof json);
    memcpy(json, "{\"v\":", 5);
    strcpy(json + 5 + DIGITS, "}");
    assert_non_null(strstr(READ(Int, json), "int_parsing_size"));
    assert_non_null(strstr(READ(IntRange, json), "less_than_equal"));
    assert_non_null(strstr(READ(Float, json), "float_type"));
    assert_non_null(strstr(READ(Any, json), "finite_number"));
    memcpy(json + 5, "0.", 2);
    assert_non_null(strstr(READ(Float, json), "ok {\"v\":1.0}"));
    memcpy(json + 5, "\"9", 2);
    strcpy(json + 4 + DIGITS, "\"}");
    assert_non_null(strstr(READ(Int, json), "int_parsing_size"));
}

// ---- what is written is read back

SCHEMA(Everything, (str, s), (i32, small), (i64, big), (f64, real), (bool, yes), (uuid, id), (timestamp, at), (Letter, letter),
       (Item, item), (i64_list, ints), (Item_list, items), (str, none, .nullable = true));

static uint64_t random_state = 88172645463325252u;

static uint64_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static str random_text(void) {
    static const char *const pieces[] = {
        "a", "Z", "\"", "\\", "/", "\n", "\t", "\x01", "\x7f", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "plain text"};
    char *text = arena_raw(&subject_arena, 400), *end = text;
    for (uint64_t count = random_bits() % 20 + 2; count; count--)
        end = stpcpy(end, pieces[random_bits() % (sizeof pieces / sizeof *pieces)]);
    return (str){text, (size_t)(end - text)};
}

static f64 random_real(void) {
    uint64_t bits = random_bits();
    f64 value;
    memcpy(&value, &bits, sizeof value);
    return bits % 3 ? (f64)(int64_t)(bits >> 20) / 1000 : value - value == 0 ? value : 0;
}

static void fill_at_random(Everything *e) {
    e->s = random_text();
    e->small = (i32)random_bits();
    e->big = (i64)random_bits() >> random_bits() % 64;
    e->real = random_real();
    e->yes = random_bits() & 1;
    for (size_t i = 0; i < sizeof e->id.b; i++)
        e->id.b[i] = (uint8_t)random_bits();
    e->at.us = (i64)(random_bits() % 315537897600000000u) - 62135596800000000;
    e->letter = (Letter)(random_bits() % 3 + 1);
    e->item = (Item){.name = random_text(), .price = (f64)(random_bits() % 100000 + 1) / 100};
    e->ints = (i64_list){arena_alloc(&subject_arena, 80), random_bits() % 10};
    for (size_t i = 0; i < e->ints.n; i++)
        e->ints.items[i] = (i64)random_bits();
    e->items = (Item_list){arena_alloc(&subject_arena, 10 * sizeof(Item)), random_bits() % 10};
    for (size_t i = 0; i < e->items.n; i++)
        e->items.items[i] = (Item){.name = random_text(), .price = 1};
    e->null.none = 1;
}

static void test_what_is_written_is_read_back(void **state) {
    (void)state;
    static char first[20000], second[20000];
    struct model_set *set;
    const struct model *model = model_of(&Everything__schema, &set);
    for (int i = 0; i < 2000; i++) {
        Everything given = {0}, back = {0};
        leat_json writer;
        arena_reset(&subject_arena);
        fill_at_random(&given);
        json_write_to(&writer, first, sizeof first - 1);
        json_write(&writer, &Everything__schema, &given);
        *writer.cursor = 0;
        assert_int_equal(read_into(model, first, &back), 0);
        json_write_to(&writer, second, sizeof second - 1);
        json_write(&writer, &Everything__schema, &back);
        *writer.cursor = 0;
        assert_string_equal(second, first);
        assert_memory_equal(&back.real, &given.real, sizeof given.real);
        assert_int_equal(back.at.us, given.at.us);
    }
    model_set_destroy(set);
}

// ---- whatever is sent

static const char samples[] =
    "{\"item\":{\"name\":\"ab\\u00e9\\ud83d\\ude00\",\"price\":1.5e3},\"more\":[{\"name\":\"\xC3\xA9\xE2\x82\xAC\","
    "\"price\":\"2\"},{\"name\":\"x\",\"price\":true}],\"count\":12345678901234567890,\"x\":null}";

static bool is_json(str text) {
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, text);
    json_scan_skip_blanks(&scan);
    return json_scan_value(&scan, 0, &token) && json_scan_end(&scan);
}

static void test_mutations_of_a_body_are_read_within_their_bounds(void **state) {
    (void)state;
    static const char alphabet[] = "{}[]\":,\\u0123456789abcdefEe+-.tfn \x01\x7f\x80\xC3\xED\xF0\xFF";
    struct model_set *set;
    const struct model *model = model_of(&Order__schema, &set);
    for (int i = 0; i < 20000; i++) {
        size_t bytes = sizeof samples - 1 - random_bits() % 3;
        char *text = (char *)subject_at_guard((str){samples, bytes}).ptr;
        for (uint64_t count = random_bits() % 4 + 1; count; count--)
            text[random_bits() % bytes] = alphabet[random_bits() % (sizeof alphabet - 1)];
        struct problems problems;
        Order order = {0};
        arena_reset(&subject_arena);
        problems_init(&problems, &subject_arena);
        const struct location root = {.name = S("body")};
        int result = model_read_json(model, &(struct reading){NULL, &subject_arena, &problems}, &root, (str){text, bytes}, &order);
        assert_true(result == 0 || result == -EINVAL || result == -EBADMSG);
        assert_true((result == -EINVAL) == (problems.count > 0));
        if (result != -EBADMSG && problems.count) { // what is answered is JSON
            assert_true(is_json(str_of(subject_answer(result, &problems, NULL, NULL))));
        }
    }
    model_set_destroy(set);
}

static void test_a_body_cut_at_any_byte_is_broken(void **state) {
    (void)state;
    for (size_t cut = 1; cut < sizeof samples - 1; cut++) {
        const char *answer = subject_read(&Order__schema, NULL, (str){samples, cut});
        assert_true(strstr(answer, "json_invalid") || strcmp(answer, "400") == 0);
    }
}

static void test_without_memory_a_reading_says_so_and_never_half(void **state) {
    (void)state;
    static const char *const bodies[] = {samples, "{\"item\":{\"name\":\"a\\n\"},\"more\":[1,2,3,4]}",
                                         "{\"item\":{\"name\":\"a\\nb\",\"price\":1},\"more\":[]}"};
    struct model_set *set;
    const struct model *model = model_of(&Order__schema, &set);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct arena_pool pool;
        struct arena arena;
        struct problems problems;
        const struct location root = {.name = S("body")};
        arena_pool_init(&pool, 0);
        int result = -ENOMEM;
        for (size_t bytes = 0; result == -ENOMEM; bytes += ARENA_BLOCK_BYTES / 2) {
            Order order = {0};
            assert_true(bytes < 1 << 20);
            arena_init(&arena, &pool, bytes);
            problems_init(&problems, &arena);
            result = model_read_json(model, &(struct reading){NULL, &arena, &problems}, &root, str_of(bodies[i]), &order);
            arena_reset(&arena);
        }
        assert_true(result == 0 || result == -EINVAL);
    }
    model_set_destroy(set);
}

static void test_a_plain_body_asks_for_no_memory(void **state) {
    (void)state;
    struct model_set *set;
    const struct model *model = model_of(&Create__schema, &set);
    struct arena_pool pool;
    struct arena nothing;
    struct problems problems;
    Create in = {0};
    const struct location root = {.name = S("body")};
    arena_pool_init(&pool, 0);
    arena_init(&nothing, &pool, 0);
    problems_init(&problems, &nothing);
    str body = S("{\"email\":\"ada@example.org\",\"name\":\"Ad\xC3\xA9\",\"password\":\"longenough1\",\"x\":[1,2.5,{\"y\":null}]}");
    assert_int_equal(model_read_json(model, &(struct reading){NULL, &nothing, &problems}, &root, body, &in), 0);
    assert_true(in.password.ptr > body.ptr && in.password.ptr < body.ptr + body.len); // a slice of what was sent
    model_set_destroy(set);
}

static void test_past_a_hundred_problems_only_their_count_goes_on(void **state) {
    (void)state;
    static char json[4000] = "[";
    struct problems problems;
    struct model_set *set;
    const struct location root = {.name = S("body")};
    Item_list items;
    for (int i = 0; i < 149; i++)
        strcat(json, "1,");
    strcat(json, "1]");
    const struct model *model = model_of(&Item_list__schema, &set);
    problems_init(&problems, &subject_arena);
    assert_int_equal(model_read_json(model, &(struct reading){NULL, &subject_arena, &problems}, &root, str_of(json), &items), -EINVAL);
    assert_int_equal(problems.count, 150);
    assert_true(problems.is_overflown);
    const char *answer = subject_answer(-EINVAL, &problems, NULL, NULL);
    size_t told = 0;
    for (const char *c = answer; (c = strstr(c, "\"type\"")); c++)
        told++;
    assert_int_equal(told, PROBLEMS_MAX);
    model_set_destroy(set);
}

static void test_a_body_that_is_no_json_is_refused_with_its_text(void **state) {
    (void)state;
    struct model_set *set;
    struct problems problems;
    const struct location root = {.name = S("body")};
    const struct model *model = model_of(&Item__schema, &set);
    problems_init(&problems, &subject_arena);
    assert_int_equal(model_refuse_text(model, &(struct reading){NULL, &subject_arena, &problems}, &root, S("name=\"x\"")), -EINVAL);
    expect_answer("text", subject_answer(-EINVAL, &problems, NULL, NULL), FAILS(MODEL_TYPE("", INPUT("\"name=\\\"x\\\"\""))));
    model_set_destroy(set);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_is_taken_or_refused_as_pydantic_does),
        cmocka_unit_test(test_a_whole_body_is_missing_where_there_is_none),
        cmocka_unit_test(test_all_that_is_wrong_is_told_in_the_order_of_the_declaration),
        cmocka_unit_test(test_a_body_of_another_type_has_no_fields),
        cmocka_unit_test(test_the_last_of_two_equal_names_wins_and_unknown_names_are_passed_over),
        cmocka_unit_test(test_broken_json_comes_before_every_field_and_check),
        cmocka_unit_test(test_a_check_runs_last_and_may_change_the_value),
        cmocka_unit_test(test_a_secret_is_never_echoed_nor_what_holds_it),
        cmocka_unit_test(test_models_and_lists_of_them_are_read_where_they_are),
        cmocka_unit_test(test_a_partial_says_what_was_sent_and_what_was_null),
        cmocka_unit_test(test_what_is_absent_has_its_default_or_zeros),
        cmocka_unit_test(test_a_rule_over_the_model_runs_when_its_fields_are_right),
        cmocka_unit_test(test_a_number_of_a_hundred_thousand_digits_is_judged),
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_mutations_of_a_body_are_read_within_their_bounds),
        cmocka_unit_test(test_a_body_cut_at_any_byte_is_broken),
        cmocka_unit_test(test_without_memory_a_reading_says_so_and_never_half),
        cmocka_unit_test(test_a_plain_body_asks_for_no_memory),
        cmocka_unit_test(test_past_a_hundred_problems_only_their_count_goes_on),
        cmocka_unit_test(test_a_body_that_is_no_json_is_refused_with_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
