// words.c — what the command and a running server say to each other: JSON, told by the same schemas on both sides.
#include "cli/words.h"

#include <errno.h>
#include <string.h>

#include "schema/json_write.h"
#include "schema/model.h"

int words_read(const leat_schema *schema, str text, struct arena *arena, void *out) {
    struct model_set *models;
    const struct model *model;
    struct problems problems;
    str message;
    if (model_set_create(&models) < 0)
        return -ENOMEM;
    memset(out, 0, schema->bytes);
    problems_init(&problems, arena);
    struct reading reading = {.arena = arena, .problems = &problems};
    struct location root = {.name = S("body")};
    int status = model_compile(models, schema, arena, &model, &message);
    if (status == 0)
        status = model_read_json(model, &reading, &root, text, out);
    model_set_destroy(models);
    return status < 0 && status != -ENOMEM ? -EINVAL : status;
}

str words_write(const leat_schema *schema, const void *value, struct arena *arena) {
    leat_json writer;
    json_write_to_arena(&writer, arena);
    json_write(&writer, schema, value);
    return writer.out_of_memory ? (str){0} : json_written(&writer);
}
