// schema.c — JSON into structs, validated, and back.
#include <leat/leat.h>
#include <string.h>

#include "base/arena.h"
#include "piece.h"
#include "schema/json_write.h"
#include "schema/model.h"

// clang-format off
SCHEMA(NewUser,
    (str, email,      .format = EMAIL),
    (str, first_name, .min_length = 1, .max_length = 50),
    (str, last_name,  .min_length = 1, .max_length = 50),
    (str, password,   .min_length = 8, .max_length = 128, .secret = true));
SCHEMA(UserMade, (i64, id), (str, email), (str, first_name), (str, last_name));
SCHEMA(World, (i32, id), (i32, randomNumber));
// clang-format on

enum { ROWS = 20, TEXT_BYTES = 8192 };

static struct arena_pool pool;
static struct arena arena;
static const struct model *model;
static const str good =
    S("{\"email\":\"ada.lovelace@example.org\",\"first_name\":\"Ada\",\"last_name\":\"Lovelace\",\"password\":\"correct-horse-9\"}");
static const str bad = S("{\"email\":\"ada.lovelace\",\"first_name\":\"\",\"last_name\":\"Lovelace\",\"password\":\"short\"}");

static void compile(void) {
    static struct arena_pool lasting_pool;
    static struct arena lasting;
    struct model_set *set;
    str message;
    if (model)
        return;
    arena_pool_init(&lasting_pool, 4);
    arena_init(&lasting, &lasting_pool, 1 << 20);
    arena_pool_init(&pool, 4);
    arena_init(&arena, &pool, 1 << 20);
    EXPECT(model_set_create(&set) == 0 && model_compile(set, &NewUser__schema, &lasting, &model, &message) == 0);
}

static int read_user(str text, NewUser *user) {
    static const struct location root = {.name = S("body")};
    struct problems problems;
    memset(user, 0, sizeof *user);
    problems_init(&problems, &arena);
    int result = model_read_json(model, &(struct reading){.arena = &arena, .problems = &problems}, &root, text, user);
    keep(user);
    arena_reset(&arena);
    return result;
}

static void read_good(unsigned count) {
    NewUser user;
    while (count--)
        EXPECT(read_user(good, &user) == 0);
}

static void read_bad(unsigned count) {
    NewUser user;
    while (count--)
        EXPECT(read_user(bad, &user) < 0);
}

// ---- out

static char written[TEXT_BYTES];

static void write_value(const leat_schema *schema, const void *value, unsigned count) {
    while (count--) {
        leat_json writer;
        json_write_to(&writer, written, sizeof written);
        json_write(&writer, schema, value);
        EXPECT(!writer.out_of_memory);
        keep(written);
    }
}

static void write_user(unsigned count) {
    static const UserMade user = {
        .id = 1234567, .email = S("ada.lovelace@example.org"), .first_name = S("Ada"), .last_name = S("Lovelace")};
    write_value(&UserMade__schema, &user, count);
}

static World_list worlds;

static void make_worlds(void) {
    static World rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i] = (World){.id = i * 499 + 1, .randomNumber = 10000 - i * 7};
    worlds = (World_list){rows, ROWS};
}

static void write_worlds(unsigned count) {
    write_value(&World_list__schema, &worlds, count);
}

const struct piece schema_pieces[] = {
    {"json-read", "a body of four strings, read and validated", compile, read_good},
    {"json-refuse", "the same with three mistakes, each told", compile, read_bad},
    {"json-write", "an answer of four fields", NULL, write_user},
    {"json-write-list", "a list of 20 rows of two numbers", make_worlds, write_worlds},
    {0},
};
