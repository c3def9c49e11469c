// test_symbols.c — the functions of a shared object, static ones too, whatever its bytes are.
#include "base/str.h"
#include "world.h"

#include <elf.h>

#include "host/symbols.h"

static void test_a_static_function_is_found_by_any_of_its_addresses(void **state) {
    str object = built_plugin(*state, "failing_load");
    struct symbols *symbols = symbols_read(object.ptr, object.len);
    assert_non_null(symbols);
    uint64_t offset, found = 0;
    for (uint64_t address = 0; address < object.len; address++) {
        const char *name = symbols_find(symbols, address, &offset);
        found += name && !strcmp(name, "load");
        if (name && !strcmp(name, "load") && offset == 0)
            assert_string_equal(symbols_find(symbols, address + 1, &offset), "load");
    }
    assert_true(found > 1);
    assert_null(symbols_find(symbols, UINT64_MAX, &offset));
    assert_null(symbols_find(symbols, 0, &offset));
    symbols_free(symbols);
}

static void test_what_is_cut_or_garbled_has_none_and_harms_nobody(void **state) {
    struct world *world = *state;
    str object = built_plugin(world, "failing_load");
    for (size_t bytes = 0; bytes < object.len; bytes += 97)
        symbols_free(symbols_read(object.ptr, bytes));
    char *copy = arena_raw(&world->arena, object.len);
    unsigned random = 1;
    for (int round = 0; round < 2000; round++) {
        memcpy(copy, object.ptr, object.len);
        const Elf64_Ehdr *header = (const Elf64_Ehdr *)object.ptr;
        size_t sections = (size_t)header->e_shoff, room = object.len - sections;
        for (int i = 0; i < 8; i++) {
            random = random * 1103515245u + 12345u;
            size_t at = i % 2 ? sections + (random >> 8) % room : (random >> 8) % sizeof *header;
            copy[at] = (char)(random >> 24);
        }
        struct symbols *symbols = symbols_read(copy, object.len);
        uint64_t offset;
        symbols_find(symbols, random, &offset);
        symbols_free(symbols);
    }
}

static void test_without_symbols_nothing_is_found(void **state) {
    (void)state;
    uint64_t offset;
    assert_null(symbols_find(NULL, 7, &offset));
    symbols_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_static_function_is_found_by_any_of_its_addresses),
        TEST(test_what_is_cut_or_garbled_has_none_and_harms_nobody),
        TEST(test_without_symbols_nothing_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
