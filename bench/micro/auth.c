// auth.c — a bearer token judged.
#include "auth/jwt.h"
#include "base/str.h"
#include "piece.h"

static const struct jwt_key key = {S("a-secret-of-the-benchmark-that-is-long-enough")};
static const int64_t now_s = 1763625600;
static struct arena_pool pool;
static struct arena arena, lasting;
static str token;

static void make_token(void) {
    arena_pool_init(&pool, 4);
    arena_init(&arena, &pool, 1 << 20);
    arena_init(&lasting, &pool, 1 << 20);
    token = jwt_make(&key, S("3fa85f64-5717-4562-b3fc-2c963f66afa6"), now_s, 1800, &lasting);
    EXPECT(token.ptr);
}

static void judge(unsigned count) {
    while (count--) {
        str subject;
        EXPECT(jwt_read(&key, token, now_s, &arena, &subject) == JWT_GOOD);
        keep(subject.ptr);
        arena_reset(&arena);
    }
}

const struct piece auth_pieces[] = {
    {"jwt", "a token of HS256: its signature and its claims", make_token, judge},
    {0},
};
