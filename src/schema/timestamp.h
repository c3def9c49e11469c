// timestamp.h — timestamps between microseconds and text. timestamp_format() is in json_write.h.
#ifndef SCHEMA_TIMESTAMP_H
#define SCHEMA_TIMESTAMP_H

#include <stdint.h>

#include "schema/json_write.h"

#define DAY_US INT64_C(86400000000)
/**
 * 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: the years that the text has room for. Beyond them a timestamp is written as they.
 */
#define TIMESTAMP_US_MIN INT64_C(-62135596800000000)
#define TIMESTAMP_US_MAX INT64_C(253402300799999999)

/** Midnight UTC of a date that exists. */
int64_t timestamp_us_of_date(unsigned year, unsigned month, unsigned day);

#endif
