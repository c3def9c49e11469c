// json_print.c — what --json prints: a value by its schema, as a line on standard output.
#include "cli/json_print.h"

#include <stdio.h>

#include "schema/json_write.h"

int json_print(const leat_schema *schema, const void *value, struct arena *arena) {
    leat_json writer;
    json_write_to_arena(&writer, arena);
    json_write(&writer, schema, value);
    str json = json_written(&writer);
    if (!json.ptr) {
        fputs("leat: error: there is too little memory\n", stderr);
        return 1;
    }
    printf("%.*s\n", (int)json.len, json.ptr);
    return 0;
}
