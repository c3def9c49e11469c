// cached_key.c — the key of a request to a cached route: the bytes that say which answer it is.
//
// Parts stand in the order of the plan, whatever the order of the query string; of each its values, in the order in which they came, each
// behind its length: no value can be mistaken for two, nor for another part.
#include "app/cached_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "http/url.h"

enum { PAIRS_MAX = 256 };

struct key {
    char *at, *end;
    bool is_too_long;
};

static void put(struct key *key, const void *data, size_t bytes) {
    if ((size_t)(key->end - key->at) < bytes)
        key->is_too_long = true;
    else if (bytes)
        key->at = mempcpy(key->at, data, bytes);
}

static void put_value(struct key *key, str value) {
    uint32_t bytes = (uint32_t)value.len;
    put(key, &bytes, sizeof bytes);
    put(key, value.ptr, value.len);
}

// No value has this length: what follows is another part.
static void end_part(struct key *key) {
    static const uint32_t none = UINT32_MAX;
    put(key, &none, sizeof none);
}

// ---- the query string, taken apart

struct pairs {
    struct pair {
        str name, value;
    } items[PAIRS_MAX];
    unsigned count;
};

static bool is_plain(str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '%' || text.ptr[i] == '+' || (unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

static int decode(struct pair *pair, struct arena *scratch) {
    pair->name = url_decode(scratch, pair->name, true);
    pair->value = url_decode(scratch, pair->value, true);
    if (!pair->name.ptr || !pair->value.ptr)
        return -ENOMEM;
    return utf8_is_valid(pair->name) && utf8_is_valid(pair->value) ? 0 : -EBADMSG;
}

static int read_pairs(str query, struct arena *scratch, struct pairs *pairs) {
    bool has_escapes = !is_plain(query);
    struct pair pair;
    pairs->count = 0;
    while (url_next_pair(&query, &pair.name, &pair.value)) {
        if (pairs->count == PAIRS_MAX)
            return -E2BIG;
        int status = has_escapes ? decode(&pair, scratch) : 0;
        if (status)
            return status;
        pairs->items[pairs->count++] = pair;
    }
    return 0;
}

static void put_query(struct key *key, const struct pairs *pairs, str name) {
    for (unsigned i = 0; i < pairs->count; i++)
        if (str_eq(pairs->items[i].name, name))
            put_value(key, pairs->items[i].value);
}

static int by_name(const void *a, const void *b) {
    const struct pair *const *left = a, *const *right = b;
    str x = (*left)->name, y = (*right)->name;
    size_t bytes = x.len < y.len ? x.len : y.len;
    int order = bytes ? memcmp(x.ptr, y.ptr, bytes) : 0;
    if (!order)
        order = (x.len > y.len) - (x.len < y.len);
    return order ? order : (*left > *right) - (*left < *right); // those of one name stay as they came
}

static void put_whole_query(struct key *key, const struct pairs *pairs) {
    const struct pair *sorted[PAIRS_MAX];
    for (unsigned i = 0; i < pairs->count; i++)
        sorted[i] = &pairs->items[i];
    qsort(sorted, pairs->count, sizeof *sorted, by_name);
    for (unsigned i = 0; i < pairs->count; i++) {
        put_value(key, sorted[i]->name);
        put_value(key, sorted[i]->value);
    }
}

// ---- the head

static void put_header(struct key *key, const struct http_head *head, str name) {
    for (unsigned i = 0; i < head->field_count; i++) {
        str field = http_text(head, head->fields[i].name);
        if (field.len == name.len && strncasecmp(field.ptr, name.ptr, name.len) == 0)
            put_value(key, http_text(head, head->fields[i].value));
    }
}

static void put_cookie(struct key *key, const struct http_head *head, str name) {
    str rest = http_text(head, head->cookie), other, value;
    while (cookie_next_pair(&rest, &other, &value))
        if (str_eq(name, other))
            put_value(key, value);
}

static void put_part(struct key *key, const struct cached_part *part, const struct http_head *head, const str *params,
                     const struct pairs *pairs) {
    if (part->kind == STEP_PATH)
        put_value(key, params[part->index]);
    else if (part->kind == STEP_QUERY)
        put_query(key, pairs, part->name);
    else if (part->kind == STEP_HEADER)
        put_header(key, head, part->name);
    else if (part->kind == STEP_COOKIE)
        put_cookie(key, head, part->name);
    else
        put_whole_query(key, pairs);
    end_part(key);
}

static __attribute__((noinline)) int put_with_query(struct key *key, const struct cached_plan *plan, const struct http_head *head,
                                                    const str *params, struct arena *scratch) {
    struct pairs pairs;
    int status = read_pairs(http_text(head, head->query), scratch, &pairs);
    for (unsigned i = 0; i < plan->part_count && !status; i++)
        put_part(key, &plan->parts[i], head, params, &pairs);
    return status;
}

int64_t cached_key_make(const struct cached_plan *plan, const struct http_head *head, const str *params, struct arena *scratch, char *out,
                        size_t bytes_max) {
    struct key key = {.at = out, .end = out + bytes_max};
    put(&key, plan->identity.bytes, sizeof plan->identity.bytes);
    if (plan->reads_query) {
        int status = put_with_query(&key, plan, head, params, scratch);
        if (status)
            return status;
    } else {
        for (unsigned i = 0; i < plan->part_count; i++)
            put_part(&key, &plan->parts[i], head, params, NULL);
    }
    if (plan->is_per_user)
        put_header(&key, head, S("Authorization"));
    return key.is_too_long ? -E2BIG : key.at - out;
}
