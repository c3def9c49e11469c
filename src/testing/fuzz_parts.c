// fuzz_parts.c — forms with files, made from what the document says of one.
#include "testing/fuzz_parts.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 64 };

struct making {
    struct fuzz_maker *maker;
    struct arena *arena;
    enum fuzz_quality quality;
    struct leat_test_part *parts;
    size_t count;
};

static bool is_binary(json_t *schema) {
    const char *format = json_string_value(json_object_get(schema, "format"));
    json_t *items = json_object_get(schema, "items");
    return (format && strcmp(format, "binary") == 0) || (items && is_binary(items));
}

static const char *text_of_json(struct making *making, const json_t *value) {
    if (json_is_string(value))
        return arena_format(making->arena, "%s", json_string_value(value)).ptr;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *copy = arena_format(making->arena, "%s", text ? text : "").ptr;
    free(text);
    return copy;
}

// The first of those that are allowed; now and then another.
static const char *type_of_file(struct making *making, json_t *encoding, const char *name) {
    const char *types = json_string_value(json_object_get(json_object_get(encoding, name), "contentType"));
    if (!types || fuzz_one_in(making->maker, 8))
        return fuzz_one_in(making->maker, 3) ? NULL : "text/plain; charset=utf-8";
    size_t bytes = strcspn(types, ",*");
    const char *rest = types[bytes] == '*' ? "png" : "";
    return arena_format(making->arena, "%.*s%s", (int)bytes, types, rest).ptr;
}

static void add_file(struct making *making, const char *name, json_t *encoding, const json_t *value) {
    static const char *const filenames[] = {"a.txt", "../../etc/passwd", "\xc3\xa4 \"b\"; c.png", "", "C:\\x.exe", "..", "\xff"};
    bool is_wrong = making->quality == FUZZ_WRONG;
    const char *content = text_of_json(making, value);
    struct leat_test_part *part = &making->parts[making->count++];
    *part = (struct leat_test_part){.name = name, .type = type_of_file(making, encoding, name)};
    part->content = (str){content, content ? strlen(content) : 0};
    part->filename = filenames[fuzz_below(making->maker, is_wrong ? sizeof filenames / sizeof *filenames : 3)];
    if (fuzz_one_in(making->maker, 10)) { // more than memory is for
        size_t bytes = fuzz_below(making->maker, 200000);
        char *large = arena_alloc(making->arena, bytes + 1);
        part->content = large ? (str){large, bytes} : part->content;
    }
}

static void add_value(struct making *making, const char *name, json_t *schema, json_t *encoding, const json_t *value) {
    if (making->count == PARTS_MAX - 1)
        return;
    if (is_binary(schema)) {
        add_file(making, name, encoding, value);
        return;
    }
    const char *text = text_of_json(making, value);
    making->parts[making->count++] = (struct leat_test_part){.name = name, .content = {text, text ? strlen(text) : 0}};
}

static void add_member(struct making *making, const char *name, json_t *schema, json_t *encoding, const json_t *value) {
    size_t i;
    json_t *item;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) add_value(making, name, schema, encoding, item);
    } else if (!json_is_null(value)) {
        add_value(making, name, schema, encoding, value);
    }
}

static bool has_part(const struct making *making, const char *name) {
    for (size_t i = 0; i < making->count; i++)
        if (strcmp(making->parts[i].name, name) == 0)
            return true;
    return false;
}

const struct leat_test_part *fuzz_parts(struct fuzz_maker *maker, json_t *media, enum fuzz_quality quality, struct arena *arena,
                                        bool *ret_lacks_some) {
    json_t *schema = document_resolve(maker->document, json_object_get(media, "schema"));
    json_t *value = fuzz_value(maker, schema, NULL, quality), *member, *name;
    struct making making = {.maker = maker, .arena = arena, .quality = quality};
    const char *key;
    size_t i;
    making.parts = arena_alloc(arena, PARTS_MAX * sizeof *making.parts);
    if (!making.parts)
        return NULL;
    json_object_foreach(value, key, member) {
        const char *kept = arena_format(arena, "%s", key).ptr;
        add_member(&making, kept, json_object_get(json_object_get(schema, "properties"), key), json_object_get(media, "encoding"), member);
    }
    json_array_foreach(json_object_get(schema, "required"), i, name) {
        *ret_lacks_some |= !has_part(&making, json_string_value(name));
    }
    json_decref(value);
    return making.parts;
}
