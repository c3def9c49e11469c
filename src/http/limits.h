// limits.h — how much of anything one client may ask of HTTP, each with its answer.
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#include <stdint.h>

#include <leat/values.h>

/** Of forms. What is over is answered 400, as Starlette does. */
struct form_limits {
    uint32_t field_count_max;     // 1000
    uint32_t file_count_max;      // 1000
    uint32_t part_head_bytes_max; // 8 KiB of the head of one part
    uint32_t name_bytes_max;      // 1 KiB of a field's name, or a file's
    uint32_t field_bytes_max;     // 1 MiB of one field of a multipart form
};

enum { HTTP_FIXED_FIELDS_BYTES_MAX = 300 }; // beside all else that an answer's head begins with

struct http_limits {
    str fixed_fields;                   // lines of every answer's head, each with its CRLF
    uint32_t request_line_bytes_max;    // 8 KiB: 414
    uint32_t field_count_max;           // 100: 431
    uint32_t field_bytes_max;           // 32 KiB: 431
    uint64_t body_bytes_max;            // 1 MiB: 413; a route may have its own
    uint32_t chunk_extension_bytes_max; // 4 KiB of a request: 413
    uint32_t trailer_bytes_max;         // 8 KiB: 431
    uint64_t body_memory_max;           // 256 MiB of bodies a core: 503
    uint32_t head_ms;                   // 10 s from a request's first byte to its head's end: 408
    uint32_t body_idle_ms;              // 30 s without a byte of the body: 408
    uint32_t body_bytes_per_second_min; // 500 on the average, once body_idle_ms have passed: 408
    uint32_t keep_alive_ms;             // 60 s between requests: closed
    uint32_t answers_per_turn;          // 32
    struct form_limits form;
};
extern const struct http_limits http_limits_default;

#endif
