// json_raw.h — JSON that is kept as its text: what may not be in it.
#ifndef SCHEMA_JSON_RAW_H
#define SCHEMA_JSON_RAW_H

#include <leat/values.h>

enum json_raw_fault {
    JSON_RAW_GOOD,
    JSON_RAW_TEXT,   // NUL or half a surrogate pair, which neither UTF-8 nor Postgres' jsonb can hold
    JSON_RAW_NUMBER, // 1e400, or an integer of more digits than Python takes
};

/** Judges a scanned value. */
enum json_raw_fault json_raw_fault_of(str value);

#endif
