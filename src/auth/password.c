// password.c — argon2id (RFC 9106), as PHC strings.
#include "auth/password.h"

#include <argon2.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "auth/phc.h"

const struct password_cost password_cost_default = {.memory_kib = 19456, .passes = 2, .lanes = 1};

enum { SALT_BYTES = 16, TAG_BYTES = 32 };

const char *password_cost_problem(const struct password_cost *cost) {
    if (cost->lanes < 1 || cost->lanes > PHC_LANES_MAX)
        return "argon2id takes 1 to 16 lanes";
    if (cost->memory_kib < 8 * cost->lanes || cost->memory_kib > PHC_MEMORY_KIB_MAX)
        return "argon2id takes 8 KiB for each lane to 4 GiB";
    return cost->passes < 1 || cost->passes > PHC_PASSES_MAX ? "argon2id takes 1 to 1000 passes" : NULL;
}

// ---- the memory of a thread: 19 MiB that need not be mapped, zeroed by the kernel and unmapped again for every hash

struct memory {
    size_t bytes;
    uint8_t *blocks;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t memory_key;

static void free_memory(void *pointer) {
    struct memory *memory = pointer;
    free(memory->blocks);
    free(memory);
}

static void make_key(void) {
    if (pthread_key_create(&memory_key, free_memory) != 0)
        abort(); // 1024 keys, all taken: not this program
}

static struct memory *memory_of_thread(void) {
    pthread_once(&once, make_key);
    struct memory *memory = pthread_getspecific(memory_key);
    if (memory)
        return memory;
    memory = calloc(1, sizeof *memory);
    if (memory && pthread_setspecific(memory_key, memory) != 0) {
        free(memory);
        return NULL;
    }
    return memory;
}

// libargon2 wipes what it used before it calls give_back(), so nothing of a password stays behind.
static int take(uint8_t **ret_blocks, size_t bytes) {
    struct memory *memory = memory_of_thread();
    if (!memory)
        return -1;
    if (memory->bytes < bytes) {
        free(memory->blocks);
        *memory = (struct memory){.bytes = bytes, .blocks = aligned_alloc(64, (bytes + 63) & ~(size_t)63)};
        if (!memory->blocks)
            memory->bytes = 0;
    }
    *ret_blocks = memory->blocks;
    return memory->blocks ? 0 : -1;
}

static void give_back(uint8_t *blocks, size_t bytes) {
    (void)blocks;
    (void)bytes;
}

// A dearer hash than usual is not to keep its memory for good.
static int take_once(uint8_t **ret_blocks, size_t bytes) {
    *ret_blocks = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    return *ret_blocks ? 0 : -1;
}

static void give_back_once(uint8_t *blocks, size_t bytes) {
    (void)bytes;
    free(blocks);
}

static int compute(str plain, struct phc *phc, bool is_usual) {
    argon2_context context = {
        .out = phc->tag,
        .outlen = phc->tag_bytes,
        .pwd = (uint8_t *)plain.ptr,
        .pwdlen = (uint32_t)plain.len,
        .salt = phc->salt,
        .saltlen = phc->salt_bytes,
        .t_cost = phc->cost.passes,
        .m_cost = phc->cost.memory_kib,
        .lanes = phc->cost.lanes,
        .threads = 1, // we are a worker thread: no more of them
        .allocate_cbk = is_usual ? take : take_once,
        .free_cbk = is_usual ? give_back : give_back_once,
        .flags = ARGON2_DEFAULT_FLAGS,
        .version = ARGON2_VERSION_13,
    };
    int status = argon2_ctx(&context, Argon2_id);
    return status == ARGON2_OK ? 0 : status == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EINVAL;
}

// ---- public

int password_make(str plain, const struct password_cost *cost, char ret_hash[PASSWORD_HASH_BYTES]) {
    struct phc phc = {.cost = *cost, .salt_bytes = SALT_BYTES, .tag_bytes = TAG_BYTES};
    if (plain.len > PASSWORD_BYTES_MAX)
        return -EINVAL;
    if (getrandom(phc.salt, SALT_BYTES, 0) != SALT_BYTES)
        return -EIO;
    int error = compute(plain, &phc, true);
    if (error == 0)
        phc_write(ret_hash, &phc);
    return error;
}

static bool is_affordable(const struct password_cost *hash, const struct password_cost *cost) {
    uint64_t asked = (uint64_t)hash->memory_kib * hash->passes, usual = (uint64_t)cost->memory_kib * cost->passes;
    return asked <= usual * PASSWORD_COST_FACTOR_MAX && hash->memory_kib <= (uint64_t)cost->memory_kib * PASSWORD_COST_FACTOR_MAX;
}

int password_matches(str plain, str hash, const struct password_cost *cost) {
    struct phc phc;
    bool can_match = phc_read(hash, &phc) == 0 && is_affordable(&phc.cost, cost) && plain.len <= PASSWORD_BYTES_MAX;
    if (!can_match) {
        phc = (struct phc){.cost = *cost, .salt = "a salt of no use", .salt_bytes = SALT_BYTES, .tag_bytes = TAG_BYTES};
        plain.len = plain.len <= PASSWORD_BYTES_MAX ? plain.len : PASSWORD_BYTES_MAX;
    }
    unsigned char wanted[PHC_TAG_BYTES_MAX];
    memcpy(wanted, phc.tag, phc.tag_bytes);
    int error = compute(plain, &phc, phc.cost.memory_kib <= cost->memory_kib);
    bool is_equal = CRYPTO_memcmp(wanted, phc.tag, phc.tag_bytes) == 0;
    return error ? error : can_match & is_equal;
}

bool password_is_weaker(str hash, const struct password_cost *cost) {
    struct phc phc;
    return phc_read(hash, &phc) != 0 || phc.cost.memory_kib < cost->memory_kib || phc.cost.passes < cost->passes ||
           phc.salt_bytes < SALT_BYTES || phc.tag_bytes < TAG_BYTES;
}
