// router.c — which route a method and a path mean: a radix tree of segments, immutable once built.
//
// A path is its segments between slashes, the last one empty where it ends with a slash: "/" is one empty segment. A node holds its literal
// children in a hash table of its own, and apart from them at most one child for "{name}" and one for "{name:path}". The lengths of the
// literals are kept as a bit mask, so that a UUID is seldom hashed to find out that it is no literal. Matching goes down literals first
// and comes back for the parameters; it visits a node at most once, and no path is deeper than the tree. A path that is nothing but
// literals would win that way, so it is looked up as a whole before.
#include "http/router.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { TABLE_MIN = 4, LENGTH_BITS = 64 };

struct node {
    struct node **table; // literal children, open addressing; NULL where there are none
    uint32_t table_mask, literal_count;
    uint64_t literal_lengths; // bit n: there is one of n bytes; the last bit also for the longer ones
    struct node *parameter, *rest;
    void *targets[HTTP_METHODS];
    unsigned methods; // 1 << method
    uint64_t hash;    // of its own text
    size_t bytes;
    char text[]; // a literal's
};

struct router {
    struct node *root;
    struct node *whole; // its children are paths as a whole, of those that are nothing but literals: most requests go no further
};

static uint64_t load64(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint32_t load32(const char *p) {
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/** What remains of fewer than eight bytes, read without a loop. */
static uint64_t load_short(const char *p, size_t bytes) {
    if (bytes >= 4)
        return (uint64_t)load32(p) << 32 | load32(p + bytes - 4);
    if (!bytes)
        return 0;
    return (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[bytes / 2] << 8 | (uint8_t)p[bytes - 1];
}

static uint64_t mixed(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

/** The keys are our own routes', so that nobody can choose them to collide. */
static uint64_t hash_of(const char *p, size_t bytes) {
    if (bytes < 8)
        return mixed(bytes, load_short(p, bytes));
    uint64_t hash = bytes;
    const char *last = p + bytes - 8; // overlaps the one before
    for (; p < last; p += 8)
        hash = mixed(hash, load64(p));
    return mixed(hash, load64(last));
}

static uint64_t length_bit(size_t bytes) {
    return (uint64_t)1 << (bytes < LENGTH_BITS ? bytes : LENGTH_BITS - 1);
}

static bool is_same_text(const char *a, const char *b, size_t bytes) {
    if (bytes < 8)
        return load_short(a, bytes) == load_short(b, bytes);
    const char *last = a + bytes - 8;
    for (; a < last; a += 8, b += 8) {
        if (load64(a) != load64(b))
            return false;
    }
    return load64(last) == load64(b - (a - last));
}

static struct node *literal_find(const struct node *node, const char *text, size_t bytes) {
    if (!(node->literal_lengths & length_bit(bytes)))
        return NULL;
    uint64_t hash = hash_of(text, bytes);
    for (uint32_t i = (uint32_t)hash & node->table_mask; node->table[i]; i = (i + 1) & node->table_mask) {
        struct node *child = node->table[i];
        if (child->hash == hash && child->bytes == bytes && is_same_text(child->text, text, bytes))
            return child;
    }
    return NULL;
}

// ---- building

static struct node *node_create(const char *text, size_t bytes) {
    struct node *node = calloc(1, sizeof *node + bytes);
    if (!node)
        return NULL;
    memcpy(node->text, text, bytes);
    node->bytes = bytes;
    node->hash = hash_of(text, bytes);
    return node;
}

static void node_destroy(struct node *node) {
    if (!node)
        return;
    for (uint32_t i = 0; node->table && i <= node->table_mask; i++)
        node_destroy(node->table[i]);
    free(node->table);
    node_destroy(node->parameter);
    node_destroy(node->rest);
    free(node);
}

static void table_put(struct node **table, uint32_t mask, struct node *child) {
    uint32_t i = (uint32_t)child->hash & mask;
    while (table[i])
        i = (i + 1) & mask;
    table[i] = child;
}

/** Keeps the table at most half full, so that a search always ends at a hole. */
static int table_grow(struct node *node) {
    uint32_t slots = node->table ? node->table_mask + 1 : 0;
    if (node->table && (node->literal_count + 1) * 2 <= slots)
        return 0;
    uint32_t new_slots = slots ? slots * 2 : TABLE_MIN;
    struct node **table = calloc(new_slots, sizeof *table);
    if (!table)
        return -ENOMEM;
    for (uint32_t i = 0; i < slots; i++) {
        if (node->table[i])
            table_put(table, new_slots - 1, node->table[i]);
    }
    free(node->table);
    node->table = table;
    node->table_mask = new_slots - 1;
    return 0;
}

static struct node *literal_add(struct node *node, str text) {
    struct node *child = literal_find(node, text.ptr, text.len);
    if (child || table_grow(node))
        return child;
    child = node_create(text.ptr, text.len);
    if (!child)
        return NULL;
    table_put(node->table, node->table_mask, child);
    node->literal_count++;
    node->literal_lengths |= length_bit(text.len);
    return child;
}

static struct node *child_add(struct node **child) {
    if (!*child)
        *child = node_create("", 0);
    return *child;
}

/** Takes the next segment off `*rest`, which begins with its slash. False at the end. */
static bool next_segment(str *rest, str *ret_segment) {
    if (!rest->len)
        return false;
    const char *text = rest->ptr + 1;
    size_t left = rest->len - 1;
    const char *slash = left ? memchr(text, '/', left) : NULL;
    *ret_segment = (str){text, slash ? (size_t)(slash - text) : left};
    *rest = (str){text + ret_segment->len, left - ret_segment->len};
    return true;
}

enum segment_kind { LITERAL, PARAMETER, REST, MALFORMED };

static bool is_name(str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

/** What a segment of a route is; `*ret_name` is the parameter's name. */
static enum segment_kind segment_read(str segment, str *ret_name) {
    bool has_open = segment.len && memchr(segment.ptr, '{', segment.len), has_close = segment.len && memchr(segment.ptr, '}', segment.len);
    if (!has_open && !has_close)
        return LITERAL;
    if (segment.len < 3 || segment.ptr[0] != '{' || segment.ptr[segment.len - 1] != '}')
        return MALFORMED;
    str name = {segment.ptr + 1, segment.len - 2};
    bool is_rest = name.len > 5 && memcmp(name.ptr + name.len - 5, ":path", 5) == 0;
    name.len -= is_rest ? 5 : 0;
    if (!is_name(name))
        return MALFORMED;
    *ret_name = name;
    return is_rest ? REST : PARAMETER;
}

static bool is_listed(const str *names, unsigned count, str name) {
    for (unsigned i = 0; i < count; i++) {
        if (names[i].len == name.len && memcmp(names[i].ptr, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

/** How many parameters it has, or -EINVAL: then nothing may be added. */
static int path_check(str path) {
    str names[ROUTER_PARAMS_MAX], rest = path, segment, name;
    unsigned count = 0;
    if (!path.len || path.ptr[0] != '/')
        return -EINVAL;
    while (next_segment(&rest, &segment)) {
        enum segment_kind kind = segment_read(segment, &name);
        if (kind == LITERAL)
            continue;
        if (kind == MALFORMED || count == ROUTER_PARAMS_MAX || is_listed(names, count, name) || (kind == REST && rest.len))
            return -EINVAL;
        names[count++] = name;
    }
    return (int)count;
}

/** The node that the path leads to, made where it is not there yet. NULL without memory. */
static struct node *path_add(struct node *node, str path) {
    str segment, name;
    while (node && next_segment(&path, &segment)) {
        switch (segment_read(segment, &name)) {
        case LITERAL:
            node = literal_add(node, segment);
            break;
        case PARAMETER:
            node = child_add(&node->parameter);
            break;
        default:
            node = child_add(&node->rest);
        }
    }
    return node;
}

int router_create(struct router **ret_router) {
    struct router *router = calloc(1, sizeof *router);
    if (!router)
        return -ENOMEM;
    router->root = node_create("", 0);
    router->whole = node_create("", 0);
    if (!router->root || !router->whole) {
        router_destroy(router);
        return -ENOMEM;
    }
    *ret_router = router;
    return 0;
}

void router_destroy(struct router *router) {
    if (!router)
        return;
    node_destroy(router->root);
    node_destroy(router->whole);
    free(router);
}

static void node_aim(struct node *node, enum http_method method, void *target) {
    node->targets[method] = target;
    node->methods |= 1u << method;
}

int router_add(struct router *router, enum http_method method, const char *path, void *target, void **ret_other) {
    assert(target && method < HTTP_METHODS);
    str text = str_of(path);
    int param_count = path_check(text);
    if (param_count < 0)
        return param_count;
    struct node *node = path_add(router->root, text), *whole = param_count ? NULL : literal_add(router->whole, text);
    if (!node || (!param_count && !whole))
        return -ENOMEM;
    if (node->targets[method]) {
        *ret_other = node->targets[method];
        return -EEXIST;
    }
    node_aim(node, method, target);
    if (whole)
        node_aim(whole, method, target);
    return 0;
}

// ---- matching

struct search {
    enum http_method method;
    bool has_slash; // a slash is thought of behind the path's end
    unsigned methods;
    struct router_match *match;
};

/** `node` is where the path leads: true when it has the method. */
static bool arrive(struct search *search, const struct node *node, unsigned param_count) {
    search->methods |= node->methods;
    void *target = search->method < HTTP_METHODS ? node->targets[search->method] : NULL;
    if (!target && search->method == HTTP_HEAD)
        target = node->targets[HTTP_GET];
    if (!target)
        return false;
    search->match->target = target;
    search->match->param_count = param_count;
    return true;
}

/** `rest` is what the path has left behind `node`: empty, or beginning with a slash. */
static bool descend(struct search *search, const struct node *node, str rest, unsigned param_count) {
    str segment;
    bool is_virtual = !rest.len && search->has_slash;
    if (is_virtual)
        segment = (str){rest.ptr, 0};
    else if (!next_segment(&rest, &segment))
        return arrive(search, node, param_count);
    search->has_slash &= !is_virtual;
    str whole = {segment.ptr, segment.len + rest.len};
    const struct node *literal = literal_find(node, segment.ptr, segment.len);
    bool is_found = literal && descend(search, literal, rest, param_count);
    if (!is_found && node->parameter && segment.len) {
        search->match->params[param_count] = segment;
        is_found = descend(search, node->parameter, rest, param_count + 1);
    }
    if (!is_found && node->rest) {
        search->match->params[param_count] = whole;
        is_found = arrive(search, node->rest, param_count + 1);
    }
    search->has_slash |= is_virtual;
    return is_found;
}

/** The same path without the slash at its end, or with one. */
static bool is_known_otherwise(const struct router *router, str path, struct router_match *match) {
    struct search search = {.method = HTTP_UNKNOWN, .match = match};
    if (path.len < 2)
        return false;
    if (path.ptr[path.len - 1] == '/')
        path.len--;
    else
        search.has_slash = true;
    descend(&search, router->root, path, 0);
    return search.methods != 0;
}

void router_match(const struct router *router, enum http_method method, str path, struct router_match *ret_match) {
    struct search search = {.method = method, .match = ret_match};
    ret_match->target = NULL;
    ret_match->allowed = ret_match->param_count = 0;
    ret_match->is_redirect = false;
    if (!path.len || path.ptr[0] != '/')
        return;
    const struct node *whole = literal_find(router->whole, path.ptr, path.len);
    bool is_found = (whole && arrive(&search, whole, 0)) || descend(&search, router->root, path, 0);
    if (search.methods & 1u << HTTP_GET)
        search.methods |= 1u << HTTP_HEAD;
    if (search.methods)
        search.methods |= 1u << HTTP_OPTIONS;
    ret_match->allowed = search.methods;
    if (!is_found && !search.methods)
        ret_match->is_redirect = is_known_otherwise(router, path, ret_match);
}

const char *router_allow(unsigned methods, char *out) {
    static const enum http_method order[] = {HTTP_DELETE, HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_PATCH, HTTP_POST, HTTP_PUT};
    char *end = out;
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
        if (!(methods & 1u << order[i]))
            continue;
        if (end != out)
            end = mempcpy(end, ", ", 2);
        const char *name = http_method_name(order[i]);
        end = mempcpy(end, name, strlen(name));
    }
    *end = '\0';
    return out;
}
