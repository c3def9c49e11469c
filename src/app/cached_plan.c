// cached_plan.c — how a route with .cache_s is cached: what its key is made of, what tags its answers bear. Made at load, immutable.
//
// The key is what the route declares, and what its dependencies declare: all that its program reads from a request. A query parameter that
// nobody declares changes no answer and makes no second entry.
#include "app/cached_plan.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "app/snapshot_internal.h"
#include "base/str.h"

#define FORMAT "leat-1" // of what is kept: another one's entries are not read

static int refuse(struct compilation *compilation, const struct endpoint *endpoint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct compilation *compilation, const struct endpoint *endpoint, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(compilation->arena, format, args);
    va_end(args);
    return compilation_refuse(compilation, &endpoint->route->base, "route '%s': %.*s", endpoint->route->name, (int)text.len,
                              text.ptr ? text.ptr : "");
}

// ---- what may be cached

// What an author has written below zero comes here as a large number.
static int check_seconds(struct compilation *compilation, const struct endpoint *endpoint, const char *option, uint32_t seconds) {
    if (seconds <= CACHED_S_MAX)
        return 0;
    long written = (int32_t)seconds < 0 ? (int32_t)seconds : (long)seconds;
    return refuse(compilation, endpoint,
                  "%s is %ld, and it is a number of seconds from 1 to %d, a week; leave it out where nothing is to be kept", option,
                  written, CACHED_S_MAX);
}

static int check_options(struct compilation *compilation, const struct endpoint *endpoint) {
    const leat_route *route = endpoint->route;
    if (!route->cache_s)
        return refuse(compilation, endpoint,
                      ".cache_stale_s, .cache_tags and .cache_per_user say how an answer is cached; say for how long "
                      "with .cache_s");
    if (endpoint->method != HTTP_GET)
        return refuse(compilation, endpoint, "the answers of a GET are cached, and of nothing else; take its .cache_s away");
    if (route->returns->kind >= LEAT_FILE)
        return refuse(compilation, endpoint, "files and streams are not cached here; take its .cache_s away");
    if (route->returns->kind >= LEAT_ANSWER)
        return refuse(compilation, endpoint, "a file, a stream or another server's answer is not cached; take its .cache_s away");
    int status = check_seconds(compilation, endpoint, ".cache_s", route->cache_s);
    return status ? status : check_seconds(compilation, endpoint, ".cache_stale_s", route->cache_stale_s);
}

// Whoever looks at credentials may answer one client otherwise than the next.
static int check_step(struct compilation *compilation, const struct endpoint *endpoint, const struct step *step) {
    if (step->kind == STEP_BODY || step->kind == STEP_FORM)
        return refuse(compilation, endpoint, "what a body says is no part of the key of a cached answer; take its .cache_s away");
    if (step->kind == STEP_CALL && step->provider->security && !endpoint->route->cache_per_user)
        return refuse(compilation, endpoint,
                      "its answer depends on '%s', on who is asking; cached, it would be everybody's. Say .cache_per_user = true, and each "
                      "has answers of his own and is checked each time, or take its .cache_s away",
                      step->provider->name);
    return 0;
}

static int check(struct compilation *compilation, const struct endpoint *endpoint) {
    int status = check_options(compilation, endpoint);
    for (unsigned i = 0; i < endpoint->step_count && !status; i++)
        status = check_step(compilation, endpoint, &endpoint->steps[i]);
    return status;
}

// ---- the key

static bool is_part(const struct step *step) {
    return step->kind <= STEP_QUERY_MODEL;
}

static bool is_there(const struct cached_part *parts, unsigned count, const struct cached_part *part) {
    for (unsigned i = 0; i < count; i++)
        if (parts[i].kind == part->kind && parts[i].index == part->index && str_eq(parts[i].name, part->name))
            return true;
    return false;
}

static struct cached_part part_of(const struct step *step) {
    struct cached_part part = {.kind = step->kind};
    if (step->kind == STEP_PATH)
        part.index = step->index;
    else if (step->kind != STEP_QUERY_MODEL)
        part.name = parameter_name(step->parameter);
    return part;
}

static int make_parts(struct cached_plan *plan, const struct endpoint *endpoint, struct arena *arena) {
    struct cached_part *parts = arena_alloc(arena, (endpoint->step_count + 1) * sizeof *parts);
    if (!parts)
        return -ENOMEM;
    for (unsigned i = 0; i < endpoint->step_count; i++) {
        if (!is_part(&endpoint->steps[i]))
            continue;
        struct cached_part part = part_of(&endpoint->steps[i]);
        plan->reads_query |= part.kind == STEP_QUERY || part.kind == STEP_QUERY_MODEL;
        plan->reads_whole_query |= part.kind == STEP_QUERY_MODEL;
        if (!is_there(parts, plan->part_count, &part))
            parts[plan->part_count++] = part;
    }
    plan->parts = parts;
    for (const char *open = strchr(endpoint->route->path, '{'); open; open = strchr(open + 1, '{'))
        plan->param_count++;
    return 0;
}

static bool has_hooks(const struct endpoint *endpoint) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (endpoint->steps[i].kind == STEP_HOOK)
            return true;
    return endpoint->on_responses;
}

static bool has_guards(const struct endpoint *endpoint) {
    const leat_provider *const *own = endpoint->route->guards, *const *all = endpoint->plugin->guards;
    return (own && *own) || (all && *all);
}

bool cached_plan_has_header(const struct cached_plan *plan, str name) {
    for (unsigned i = 0; i < plan->part_count; i++)
        if (plan->parts[i].kind == STEP_HEADER && plan->parts[i].name.len == name.len &&
            strncasecmp(plan->parts[i].name.ptr, name.ptr, name.len) == 0)
            return true;
    return plan->is_per_user && name.len == 13 && strncasecmp(name.ptr, "Authorization", 13) == 0;
}

// ---- who made it

static const struct plugin_view *view_of(const struct compilation *compilation, const leat_item *item) {
    for (size_t p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++)
            if (compilation->plugins[p].items[i] == item)
                return &compilation->plugins[p];
    return NULL;
}

// Of the route's own plugin, and of those whose providers it depends on.
static str codes_of(const struct compilation *compilation, const struct endpoint *endpoint) {
    const struct plugin_view *own = view_of(compilation, &endpoint->route->base);
    str codes = arena_format(compilation->arena, "%016llx", own ? (unsigned long long)own->code : 0);
    for (unsigned i = 0; i < endpoint->step_count && codes.ptr; i++) {
        const struct step *step = &endpoint->steps[i];
        const struct plugin_view *view = step->kind == STEP_CALL ? view_of(compilation, &step->provider->base) : NULL;
        if (view && view != own)
            codes = arena_format(compilation->arena, "%s %016llx", codes.ptr, (unsigned long long)view->code);
    }
    return codes;
}

static int make_identity(struct cached_plan *plan, const struct compilation *compilation, const struct endpoint *endpoint) {
    str codes = codes_of(compilation, endpoint);
    if (!codes.ptr)
        return -ENOMEM;
    str text = arena_format(compilation->arena, FORMAT " %s %s %s %s %s %s", leat_version(), codes.ptr, endpoint->plugin->name,
                            endpoint->path, endpoint->route->name, endpoint->route->returns->name);
    if (!text.ptr)
        return -ENOMEM;
    plan->identity = digest_of(text);
    return 0;
}

// ---- tags

static int param_index(const struct endpoint *endpoint, str name) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (endpoint->steps[i].kind == STEP_PATH && str_eq(parameter_name(endpoint->steps[i].parameter), name))
            return endpoint->steps[i].index;
    return -1;
}

static int add_piece(struct compilation *compilation, const struct endpoint *endpoint, struct cached_tag *tag, str *rest) {
    struct cached_tag_piece *piece = &tag->pieces[tag->piece_count++];
    if (rest->ptr[0] != '{') {
        const char *open = memchr(rest->ptr, '{', rest->len);
        *piece = (struct cached_tag_piece){{rest->ptr, open ? (size_t)(open - rest->ptr) : rest->len}, -1};
    } else {
        const char *close = memchr(rest->ptr, '}', rest->len);
        if (!close)
            return refuse(compilation, endpoint, "a brace of .cache_tags is not closed");
        str name = {rest->ptr + 1, (size_t)(close - rest->ptr) - 1};
        *piece = (struct cached_tag_piece){{rest->ptr, name.len + 2}, param_index(endpoint, name)};
        if (piece->param < 0)
            return refuse(compilation, endpoint, ".cache_tags names {%.*s}, and the path has no such parameter", (int)name.len, name.ptr);
    }
    rest->ptr += piece->text.len;
    rest->len -= piece->text.len;
    return 0;
}

static str trimmed(str text) {
    while (text.len && text.ptr[0] == ' ')
        text = (str){text.ptr + 1, text.len - 1};
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

static int add_tag(struct cached_plan *plan, struct compilation *compilation, const struct endpoint *endpoint, str text) {
    text = trimmed(text);
    if (!text.len)
        return refuse(compilation, endpoint, "a tag of .cache_tags is empty; write \"posts,post:{post_id}\"");
    if (plan->tag_count == CACHED_TAGS_MAX)
        return refuse(compilation, endpoint, ".cache_tags holds more than %d tags", CACHED_TAGS_MAX);
    struct cached_tag *tag = &plan->tags[plan->tag_count++];
    tag->pieces = arena_alloc(&compilation->snapshot->arena, text.len * sizeof *tag->pieces);
    if (!tag->pieces)
        return -ENOMEM;
    int status = 0;
    while (text.len && !status)
        status = add_piece(compilation, endpoint, tag, &text);
    return status;
}

static int make_tags(struct cached_plan *plan, struct compilation *compilation, const struct endpoint *endpoint) {
    const char *text = endpoint->route->cache_tags;
    plan->tags = arena_alloc(&compilation->snapshot->arena, CACHED_TAGS_MAX * sizeof *plan->tags);
    int status = plan->tags ? 0 : -ENOMEM;
    while (text && !status) {
        size_t bytes = strcspn(text, ",");
        status = add_tag(plan, compilation, endpoint, (str){text, bytes});
        text = text[bytes] ? text + bytes + 1 : NULL;
    }
    return status;
}

// ---- what caches further on are told

static str listed(struct arena *arena, str list, str name) {
    return arena_format(arena, "%.*s%s%.*s", (int)list.len, list.ptr ? list.ptr : "", list.len ? ", " : "", (int)name.len, name.ptr);
}

static int make_words(struct cached_plan *plan, const struct endpoint *endpoint, struct arena *arena) {
    plan->control = arena_format(arena, "%smax-age=%u", plan->is_per_user ? "private, " : "", endpoint->route->cache_s);
    str vary = plan->is_per_user ? S("Authorization") : (str){"", 0};
    bool has_cookie = false;
    for (unsigned i = 0; i < plan->part_count && vary.ptr; i++) {
        bool is_cookie = plan->parts[i].kind == STEP_COOKIE;
        if (plan->parts[i].kind == STEP_HEADER || (is_cookie && !has_cookie))
            vary = listed(arena, vary, is_cookie ? S("Cookie") : plan->parts[i].name);
        has_cookie |= is_cookie;
    }
    plan->vary = vary;
    return plan->control.ptr && vary.ptr ? 0 : -ENOMEM;
}

int cached_plan_make(struct compilation *compilation, const struct endpoint *endpoint, struct cached_plan **ret_plan) {
    const leat_route *route = endpoint->route;
    struct arena *arena = &compilation->snapshot->arena;
    if (!route->cache_s && !route->cache_stale_s && !route->cache_tags && !route->cache_per_user) {
        *ret_plan = NULL;
        return 0;
    }
    int status = check(compilation, endpoint);
    if (status)
        return status;
    struct cached_plan *plan = arena_alloc(arena, sizeof *plan);
    if (!plan)
        return -ENOMEM;
    plan->fresh_ms = route->cache_s * 1000;
    plan->stale_ms = route->cache_stale_s * 1000;
    plan->is_per_user = route->cache_per_user;
    plan->runs_first = plan->is_per_user || has_hooks(endpoint) || has_guards(endpoint);
    status = make_parts(plan, endpoint, arena);
    if (!status)
        status = make_tags(plan, compilation, endpoint);
    if (!status)
        status = make_words(plan, endpoint, arena);
    if (!status)
        status = make_identity(plan, compilation, endpoint);
    if (!status)
        *ret_plan = plan;
    return status;
}
