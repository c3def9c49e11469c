// failure.c — why a query failed: Postgres' words taken apart, ours made, and what a client is answered.
#include "db/failure.h"

#include <errno.h>
#include <string.h>

enum { RETRY_SOON_S = 1, RETRY_RECONNECTED_S = 2 };

static const struct db_failure out_of_memory = {.error = -ENOMEM, .message = S("the request's memory allowance is used up")};

static bool is(str text, const char *wanted) {
    return text.len == strlen(wanted) && memcmp(text.ptr, wanted, text.len) == 0;
}

int error_read(const struct wire_message *message, struct error_fields *ret_fields) {
    struct wire_reader reader = wire_read(message);
    struct error_fields fields = {.sqlstate = "XX000"};
    while (reader.cursor < reader.end && *reader.cursor) {
        char field = *reader.cursor++;
        str text = wire_read_text(&reader);
        if (field == 'C' && text.len == 5)
            memcpy(fields.sqlstate, text.ptr, 5);
        else if (field == 'V')
            fields.is_fatal = is(text, "FATAL") || is(text, "PANIC");
        else if (field == 'M')
            fields.message = text;
        else if (field == 'n')
            fields.constraint = text;
        else if (field == 'c')
            fields.column = text;
        else if (field == 't')
            fields.table = text;
        else if (field == 'R')
            fields.routine = text;
    }
    if (reader.is_short || reader.cursor == reader.end)
        return -EPROTO;
    *ret_fields = fields;
    return 0;
}

static bool is_state(const char *sqlstate, const char *wanted) {
    return memcmp(sqlstate, wanted, strlen(wanted)) == 0;
}

bool error_is_stale_statement(const struct error_fields *fields) {
    return (is_state(fields->sqlstate, "0A000") && is(fields->routine, "RevalidateCachedQuery")) || is_state(fields->sqlstate, "26000");
}

bool error_is_shutdown(const struct error_fields *fields) {
    return is_state(fields->sqlstate, "57P01") || is_state(fields->sqlstate, "57P02");
}

bool error_is_cancel(const struct error_fields *fields) {
    return is_state(fields->sqlstate, "57014");
}

static str copy(struct arena *arena, str text, bool *ok) {
    if (!text.ptr)
        return text;
    str made = arena_copy(arena, text);
    *ok &= made.ptr != NULL;
    return made;
}

const struct db_failure *failure_of_error(const struct error_fields *fields, struct arena *arena) {
    struct db_failure *failure = arena_alloc(arena, sizeof *failure);
    if (!failure)
        return &out_of_memory;
    bool ok = true;
    memcpy(failure->sqlstate, fields->sqlstate, sizeof failure->sqlstate);
    failure->message = copy(arena, fields->message, &ok);
    failure->constraint = copy(arena, fields->constraint, &ok);
    failure->column = copy(arena, fields->column, &ok);
    failure->table = copy(arena, fields->table, &ok);
    return ok ? failure : &out_of_memory;
}

static struct db_failure *made(struct arena *arena, const char *format, va_list args) {
    struct db_failure *failure = arena_alloc(arena, sizeof *failure);
    if (failure)
        failure->message = arena_vformat(arena, format, args);
    return failure;
}

const struct db_failure *failure_of(int error, bool outcome_unknown, struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct db_failure *failure = made(arena, format, args);
    va_end(args);
    if (!failure)
        return &out_of_memory;
    failure->error = error;
    failure->outcome_unknown = outcome_unknown;
    return failure;
}

const struct db_failure *failure_of_state(const char *sqlstate, struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct db_failure *failure = made(arena, format, args);
    va_end(args);
    if (!failure)
        return &out_of_memory;
    memcpy(failure->sqlstate, sqlstate, 5);
    return failure;
}

// ---- answers: Postgres' appendix "PostgreSQL Error Codes"; the first prefix that fits

static const struct {
    const char *prefix;
    uint16_t status, retry_after_s;
} answers[] = {
    {"23505", 409, 0},                   // unique_violation
    {"23503", 409, 0},                   // foreign_key_violation
    {"23P01", 409, 0},                   // exclusion_violation
    {"23514", 422, 0},                   // check_violation
    {"23502", 422, 0},                   // not_null_violation
    {"22001", 422, 0},                   // string_data_right_truncation
    {"22003", 422, 0},                   // numeric_value_out_of_range
    {"22007", 422, 0},                   // invalid_datetime_format
    {"22008", 422, 0},                   // datetime_field_overflow
    {"22021", 422, 0},                   // character_not_in_repertoire: NUL, or no UTF-8
    {"22P02", 422, 0},                   // invalid_text_representation
    {"40001", 503, RETRY_SOON_S},        // serialization_failure
    {"40P01", 503, RETRY_SOON_S},        // deadlock_detected
    {"55P03", 503, RETRY_SOON_S},        // lock_not_available
    {"57014", 504, 0},                   // query_canceled: statement_timeout
    {"57P01", 503, RETRY_RECONNECTED_S}, // admin_shutdown
    {"57P02", 503, RETRY_RECONNECTED_S}, // crash_shutdown
    {"57P03", 503, RETRY_RECONNECTED_S}, // cannot_connect_now
    {"08", 503, RETRY_RECONNECTED_S},    // connection_exception
    {"53", 503, RETRY_RECONNECTED_S},    // insufficient_resources
};

static unsigned status_of_state(const char *sqlstate, unsigned *ret_retry_after_s) {
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (is_state(sqlstate, answers[i].prefix)) {
            *ret_retry_after_s = answers[i].retry_after_s;
            return answers[i].status;
        }
    return 500;
}

unsigned db_failure_status(const struct db_failure *failure, unsigned *ret_retry_after_s) {
    *ret_retry_after_s = 0;
    switch (failure->error) {
    case 0:
        return status_of_state(failure->sqlstate, ret_retry_after_s);
    case -ETIMEDOUT:
        return 504;
    case -EAGAIN:
    case -ENOMEM:
    case -ECANCELED:
        *ret_retry_after_s = RETRY_SOON_S;
        return 503;
    case -ECONNRESET:
    case -ENOTCONN:
        *ret_retry_after_s = RETRY_RECONNECTED_S;
        return 503;
    }
    return 500; // what came does not fit what the author declared, or is more than may come
}
