// test_object.c — a shared object's bytes, judged before the loader sees them.
#include "world.h"

#include <sys/mman.h>

#include "host/object.h"

// The bytes end at a page that may not be touched; their start stays aligned as a mapped file's.
static char *guarded(str bytes, size_t *ret_mapped) {
    size_t pages = (bytes.len + 4095) / 4096 * 4096;
    char *memory = mmap(NULL, pages + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + pages, 4096, PROT_NONE), 0);
    memcpy(memory, bytes.ptr, bytes.len);
    *ret_mapped = pages + 4096;
    return memory;
}

static const char *judge(const void *bytes, size_t size) {
    struct object object;
    const char *problem = object_read(bytes, size, &object);
    if (problem)
        return problem;
    const void *data;
    size_t count;
    uint64_t address;
    object_symbol(&object, "leat_plugin_entry", &data, &count, &address);
    object_needs(&object, "libasan.so");
    return NULL;
}

static void expect_problem(const void *bytes, size_t size, const char *words) {
    const char *problem = judge(bytes, size);
    assert_non_null(problem);
    if (!strstr(problem, words))
        complain("not \"%s\": %s", words, problem);
}

static void test_a_plugin_is_read_and_its_descriptor_found(void **state) {
    struct world *world = *state;
    str bytes = built_plugin(world, "older");
    struct object object;

    assert_null(object_read(bytes.ptr, bytes.len, &object));

    const void *data;
    size_t count;
    uint64_t address;
    assert_true(object_symbol(&object, "leat_plugin_entry", &data, &count, &address));
    assert_true(count >= 16);
    assert_memory_equal(data, "LEAT", 4);
    assert_false(object_symbol(&object, "leat_plugin_exit", &data, &count, &address));
    assert_false(object_needs(&object, "libnothing"));
    assert_true(object_holds(&object, 4096, (const char *)4096 + address, count));
    assert_false(object_holds(&object, 4096, (const char *)4096 + (1ul << 40), 1));
    assert_false(object_holds(&object, 4096, NULL, 1));
}

static void test_what_is_no_shared_object_is_told_apart(void **state) {
    struct world *world = *state;
    str own = built_plugin(world, "older");
    char *copy = arena_raw(&world->arena, own.len);

    expect_problem("", 0, "is empty");
    expect_problem("#!/bin/sh\necho hello\n", 21, "is a text file");
    expect_problem("\0\1\2\3\4\5\6\7", 8, "has no ELF header");
    expect_problem(own.ptr, 20, "ends within its ELF header");
    Elf64_Ehdr *header = memcpy(copy, own.ptr, own.len);
    header->e_ident[EI_CLASS] = ELFCLASS32;
    expect_problem(copy, own.len, "another architecture");
    header = memcpy(copy, own.ptr, own.len);
    header->e_machine = header->e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    expect_problem(copy, own.len, "is built for");
    header = memcpy(copy, own.ptr, own.len);
    header->e_type = ET_REL;
    expect_problem(copy, own.len, "not linked");
    header->e_type = ET_EXEC;
    expect_problem(copy, own.len, "is a program");
}

static void test_a_program_is_no_plugin(void **state) {
    struct world *world = *state;
    int fd = open("/proc/self/exe", O_RDONLY);
    struct stat status;
    fstat(fd, &status);
    char *bytes = arena_raw(&world->arena, (size_t)status.st_size);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);

    expect_problem(bytes, (size_t)status.st_size, "is a program");
}

static void test_an_object_cut_at_any_place_is_refused(void **state) {
    struct world *world = *state;
    str bytes = built_plugin(world, "older");

    for (size_t size = 0; size < bytes.len; size += size < 4096 ? 1 : 61) {
        size_t mapped;
        char *memory = guarded((str){bytes.ptr, size}, &mapped);
        if (!judge(memory, size))
            complain("%zu of %zu bytes were taken for a whole object", size, bytes.len);
        munmap(memory, mapped);
    }
}

static void test_damaged_headers_do_no_harm(void **state) {
    struct world *world = *state;
    str bytes = built_plugin(world, "older");
    size_t mapped;
    char *memory = guarded(bytes, &mapped);
    unsigned refused = 0;
    uint64_t random = 88172645463325252u;

    for (int i = 0; i < 60000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t place = random % (i % 2 ? 2048 : bytes.len);
        char before = memory[place];
        memory[place] = (char)(random >> 32);
        refused += judge(memory, bytes.len) != NULL;
        memory[place] = before;
    }

    assert_true(refused > 100);
    assert_null(judge(memory, bytes.len));
    munmap(memory, mapped);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_plugin_is_read_and_its_descriptor_found),
        TEST(test_what_is_no_shared_object_is_told_apart),
        TEST(test_a_program_is_no_plugin),
        TEST(test_an_object_cut_at_any_place_is_refused),
        TEST(test_damaged_headers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
