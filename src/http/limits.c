// limits.c — the limits that hold where no setting says otherwise.
#include "http/limits.h"

const struct http_limits http_limits_default = {
    .request_line_bytes_max = 8 << 10,
    .field_count_max = 100,
    .field_bytes_max = 32 << 10,
    .body_bytes_max = 1 << 20,
    .chunk_extension_bytes_max = 4 << 10,
    .trailer_bytes_max = 8 << 10,
    .body_memory_max = 256 << 20,
    .head_ms = 10000,
    .body_idle_ms = 30000,
    .body_bytes_per_second_min = 500,
    .keep_alive_ms = 60000,
    .answers_per_turn = 32,
    .form = {.field_count_max = 1000,
             .file_count_max = 1000,
             .part_head_bytes_max = 8 << 10,
             .name_bytes_max = 1 << 10,
             .field_bytes_max = 1 << 20},
};
