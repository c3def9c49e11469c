// techempower.c — the seven tests of the TechEmpower Framework Benchmarks (its Project Information, "Test types"), `n` for its `queries`.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <leat/leat.h>

enum { WORLD_COUNT = 10000, QUERIES_MAX = 500 };

SCHEMA(Message, (str, message));
SCHEMA(World, (i32, id), (i32, randomNumber, .column = "randomnumber"));
SCHEMA(Fortune, (i32, id), (str, message));

// A number of queries as the rules want it: what is no number is 1, and it is kept between 1 and 500.
static i64 query_count(str n) {
    i64 count = 0;
    for (size_t i = 0; i < n.len && n.ptr[i] >= '0' && n.ptr[i] <= '9' && count <= QUERIES_MAX; i++)
        count = count * 10 + (n.ptr[i] - '0');
    return count < 1 ? 1 : count > QUERIES_MAX ? QUERIES_MAX : count;
}

// xorshift64*: each core has its own.
static i32 random_id(void) {
    static _Thread_local uint64_t state;
    if (!state)
        state = (uint64_t)(uintptr_t)&state | 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (i32)((state * 0x2545F4914F6CDD1Dull >> 33) % WORLD_COUNT) + 1;
}

GET("/plaintext", plaintext, Response, (), .produces = "text/plain") {
    return text(r, S("Hello, World!"));
}

GET("/json", json, Message, ()) {
    Message *message = new (r, Message);
    message->message = S("Hello, World!");
    return message;
}

GET("/db", db_single, World, (depends(get_db, db))) {
    return db_one(db, World, "SELECT {*} FROM world WHERE id = $1", random_id());
}

static World_list *random_worlds(req *r, db_conn *db, i64 n) {
    World_promise promises[QUERIES_MAX];
    World_list *worlds = new (r, World_list);
    worlds->items = alloc(r, (size_t)n * sizeof *worlds->items);
    for (i64 i = 0; i < n; i++)
        promises[i] = db_one_start(db, World, "SELECT {*} FROM world WHERE id = $1", random_id());
    for (i64 i = 0; i < n; i++)
        worlds->items[worlds->n++] = *await(promises[i]);
    return worlds;
}

GET("/queries", db_queries, World_list, (query(str, n, .optional = true), depends(get_db, db))) {
    return random_worlds(r, db, query_count(n));
}

// Not of the seven, whose rules want a Sync for each: what the read lane makes of the same.
GET("/read-queries", db_read_queries, World_list, (query(str, n, .optional = true), depends(get_read, db))) {
    return random_worlds(r, db, query_count(n));
}

static int by_id(const void *a, const void *b) {
    return ((const World *)a)->id - ((const World *)b)->id;
}

// The rows in one statement, ordered by id so that two requests never wait for each other in a circle.
GET("/updates", db_updates, World_list, (query(str, n, .optional = true), depends(get_db, db))) {
    World_list *worlds = random_worlds(r, db, query_count(n));
    qsort(worlds->items, worlds->n, sizeof *worlds->items, by_id);
    i32 all_ids[QUERIES_MAX], all_numbers[QUERIES_MAX];
    i32_list ids = {all_ids, worlds->n}, numbers = {all_numbers, worlds->n};
    for (size_t i = 0; i < worlds->n; i++) {
        ids.items[i] = worlds->items[i].id;
        numbers.items[i] = worlds->items[i].randomNumber = random_id();
    }
    db_exec(db,
            "UPDATE world SET randomnumber = c.r FROM (SELECT id, max(r) AS r FROM unnest($1::int[], $2::int[]) AS v(id, r) GROUP BY id "
            "ORDER BY id) c WHERE world.id = c.id",
            ids, numbers);
    return worlds;
}

static int by_message(const void *a, const void *b) {
    str x = ((const Fortune *)a)->message, y = ((const Fortune *)b)->message;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static Fortune_list with_todays(req *r, const Fortune_list *rows) {
    Fortune_list all = {alloc(r, (rows->n + 1) * sizeof(Fortune)), rows->n + 1};
    memcpy(all.items, rows->items, rows->n * sizeof(Fortune));
    all.items[rows->n] = (Fortune){.message = S("Additional fortune added at request time.")};
    qsort(all.items, all.n, sizeof *all.items, by_message);
    return all;
}

static char *put(char *out, str s) {
    return (char *)memcpy(out, s.ptr, s.len) + s.len;
}

GET("/fortunes", fortunes, Response, (depends(get_db, db)), .produces = "text/html") {
    Fortune_list all = with_todays(r, db_list(db, Fortune, "SELECT {*} FROM fortune"));
    str head = S("<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>");
    str tail = S("</table></body></html>");
    size_t bytes = head.len + tail.len;
    for (size_t i = 0; i < all.n; i++)
        bytes += (all.items[i].message = html_escape(r, all.items[i].message)).len + 48;
    char *page = alloc(r, bytes), *end = put(page, head);
    for (size_t i = 0; i < all.n; i++) {
        end = put(end, format(r, "<tr><td>%d</td><td>", all.items[i].id));
        end = put(end, all.items[i].message);
        end = put(end, S("</td></tr>"));
    }
    end = put(end, tail);
    return html(r, (str){page, (size_t)(end - page)});
}

// All rows, once a process: the rules ask for a cache in it, filled from the database.
static _Atomic(World *) cache;

static const World *cached_worlds(req *r, db_conn *db) {
    const World *filled = atomic_load(&cache);
    if (filled)
        return filled;
    World_list *rows = db_list(db, World, "SELECT {*} FROM world ORDER BY id");
    if (rows->n != WORLD_COUNT)
        http_fail(r, 503, "the world table is not filled");
    World *copy = malloc(rows->n * sizeof *copy), *before = NULL;
    if (!copy)
        http_fail(r, 503, "no memory for the cache");
    memcpy(copy, rows->items, rows->n * sizeof *copy);
    if (!atomic_compare_exchange_strong(&cache, &before, copy)) // another core has filled it meanwhile
        free(copy);
    return atomic_load(&cache);
}

GET("/cached-queries", cached_queries, World_list, (query(str, n, .optional = true), depends(get_db, db))) {
    const World *all = cached_worlds(r, db);
    World_list *worlds = new (r, World_list);
    worlds->n = (size_t)query_count(n);
    worlds->items = alloc(r, worlds->n * sizeof *worlds->items);
    for (size_t i = 0; i < worlds->n; i++)
        worlds->items[i] = all[random_id() - 1];
    return worlds;
}

static void drop_cache(leat_host *host LEAT_UNUSED) {
    free(atomic_exchange(&cache, NULL));
}

PLUGIN(techempower, .version = "1.0.0", .tag = "bench", .migrations = "bench/migrations/techempower", .on_unload = drop_cache);
