// json_view.c — JSON looked at from outside: values found by a path, compared as values.
#include "json_view.h"

#include <stdlib.h>
#include <string.h>

json_t *json_view(str text) {
    return json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

// One step: "[3]" or "name", with the '.' before it. NULL: nothing is there; borrowed, but for a length.
static json_t *step(json_t *here, const char **path) {
    const char *p = *path;
    if (*p == '[') {
        char *end;
        size_t index = strtoul(p + 1, &end, 10);
        if (*end != ']')
            return NULL;
        *path = end + 1;
        return json_incref(json_array_get(here, index));
    }
    p += *p == '.';
    size_t bytes = strcspn(p, ".[");
    *path = p + bytes;
    if (json_is_array(here) && bytes == 6 && strncmp(p, "length", 6) == 0)
        return json_integer((json_int_t)json_array_size(here));
    return json_incref(json_object_getn(here, p, bytes));
}

json_t *json_view_at(json_t *root, const char *path) {
    json_t *here = json_incref(root);
    while (here && *path) {
        json_t *next = step(here, &path);
        json_decref(here);
        here = next;
    }
    return here;
}

static bool is_same_list(const json_t *one, const json_t *other) {
    if (json_array_size(one) != json_array_size(other))
        return false;
    for (size_t i = 0; i < json_array_size(one); i++)
        if (!json_view_is_same(json_array_get(one, i), json_array_get(other, i)))
            return false;
    return true;
}

static bool is_same_object(const json_t *one, const json_t *other) {
    if (json_object_size(one) != json_object_size(other))
        return false;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)one, key, value) {
        if (!json_view_is_same(value, json_object_get(other, key)))
            return false;
    }
    return true;
}

bool json_view_is_same(const json_t *one, const json_t *other) {
    if (json_is_array(one) && json_is_array(other))
        return is_same_list(one, other);
    if (json_is_object(one) && json_is_object(other))
        return is_same_object(one, other);
    if (json_is_real(one) || json_is_real(other))
        return json_is_number(one) && json_is_number(other) && json_number_value(one) == json_number_value(other);
    return json_equal(one, other);
}
