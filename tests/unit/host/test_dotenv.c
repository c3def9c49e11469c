// test_dotenv.c — a .env file: KEY=value lines, read into the environment.
#include "world.h"

#include <sys/mman.h>

#include "host/dotenv.h"

static struct environment environment;

// The text ends at a page that may not be touched.
static int read_text(struct world *world, const char *text, size_t bytes) {
    char *pages = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED && bytes <= 4096);
    assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    char *end = pages + 4096;
    memcpy(end - bytes, text, bytes);
    environment_init(&environment, &world->arena);
    int status = dotenv_read((str){end - bytes, bytes}, ".env", &environment, &world->messages);
    munmap(pages, 2 * 4096);
    return status;
}

#define read_literal(world, literal) read_text(world, literal, sizeof(literal) - 1)

static void expect_variable(const char *name, const char *value) {
    str found = environment_value(&environment, name);
    assert_non_null(found.ptr);
    assert_int_equal(found.len, strlen(value));
    assert_memory_equal(found.ptr, value, found.len);
}

static void test_bare_values_end_at_a_comment_without_the_blanks_around_them(void **state) {
    assert_int_equal(read_literal(*state, "A=1\n  B = two words \t# a comment\nC=a#b\nD=#none\n#E=5\n\n"), 0);

    expect_variable("A", "1");
    expect_variable("B", "two words");
    expect_variable("C", "a#b");
    assert_null(environment_value(&environment, "D").ptr);
    assert_null(environment_value(&environment, "E").ptr);
}

static void test_export_and_lines_of_windows_are_understood(void **state) {
    assert_int_equal(read_literal(*state, "\xEF\xBB\xBF"
                                          "export A=1\r\nexport=2\r\n\r\nB=\"x\"\r\nC=3"),
                     0);

    expect_variable("A", "1");
    expect_variable("export", "2");
    expect_variable("B", "x");
    expect_variable("C", "3");
}

static void test_single_quotes_are_literal_and_double_ones_know_escapes(void **state) {
    assert_int_equal(read_literal(*state, "A='a\\n$B #x'\nB=\"a\\n\\t\\\"\\\\\\$\\x #y\" # comment\n"), 0);

    expect_variable("A", "a\\n$B #x");
    expect_variable("B", "a\n\t\"\\$\\x #y");
}

static void test_quoted_values_may_span_lines_and_lines_are_still_counted(void **state) {
    struct world *world = *state;

    assert_int_equal(read_literal(world, "A=\"one\ntwo\"\nB='\n'\nbroken\n"), -EINVAL);

    expect_variable("A", "one\ntwo");
    expect_said(world, ".env:5: error: this line is no NAME=value");
}

static void test_the_last_of_a_name_holds(void **state) {
    assert_int_equal(read_literal(*state, "A=1\nA=2\n"), 0);

    expect_variable("A", "2");
}

static void test_every_bad_line_is_named_and_no_value_is_shown(void **state) {
    struct world *world = *state;

    assert_int_equal(read_literal(world, "hunter1\n=hunter2\nA=\"hunter3\" hunter4\nGOOD=1\nB B=hunter5\nC='hunter6\n"), -EINVAL);

    expect_said(world, ".env:1: error:");
    expect_said(world, ".env:2: error:");
    expect_said(world, ".env:3: error: this line goes on behind its closing quote");
    expect_said(world, ".env:5: error:");
    expect_said(world, ".env:6: error: this line opens a quote and does not close it");
    expect_unsaid(world, "hunter");
    expect_variable("GOOD", "1");
}

static void test_a_file_with_a_nul_byte_is_no_text(void **state) {
    struct world *world = *state;

    assert_int_equal(read_literal(world, "A=1\0B=2\n"), -EINVAL);

    expect_said(world, ".env: error: holds a NUL byte");
}

static void test_any_beginning_of_a_file_is_read_without_harm(void **state) {
    struct world *world = *state;
    static const char text[] = "export A=\"b\\n\\\"\" # c\r\nD='e\nf'\n";

    for (size_t bytes = 0; bytes < sizeof text; bytes++)
        read_text(world, text, bytes);

    expect_variable("D", "e\nf");
}

static void test_a_file_that_is_not_there_is_no_error(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);

    assert_int_equal(dotenv_load(path_in(world, ".env"), &environment, &world->messages), 0);
    assert_int_equal(world->messages.count, 0);
}

static void test_a_file_is_loaded_and_a_folder_or_a_giant_is_refused(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    write_file(world, ".env", "A=1\n", 4);
    assert_int_equal(dotenv_load(path_in(world, ".env"), &environment, &world->messages), 0);
    expect_variable("A", "1");
    char *giant = arena_raw(&world->arena, DOTENV_BYTES_MAX + 1);
    memset(giant, '#', DOTENV_BYTES_MAX + 1);
    write_file(world, "giant", giant, DOTENV_BYTES_MAX + 1);

    assert_int_equal(dotenv_load(path_in(world, "giant"), &environment, &world->messages), -EINVAL);
    expect_said(world, "giant: error: is larger than 256 KiB");
    assert_int_equal(dotenv_load(world->folder, &environment, &world->messages), -EINVAL);
    expect_said(world, "Is a directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_bare_values_end_at_a_comment_without_the_blanks_around_them),
        TEST(test_export_and_lines_of_windows_are_understood),
        TEST(test_single_quotes_are_literal_and_double_ones_know_escapes),
        TEST(test_quoted_values_may_span_lines_and_lines_are_still_counted),
        TEST(test_the_last_of_a_name_holds),
        TEST(test_every_bad_line_is_named_and_no_value_is_shown),
        TEST(test_a_file_with_a_nul_byte_is_no_text),
        TEST(test_any_beginning_of_a_file_is_read_without_harm),
        TEST(test_a_file_that_is_not_there_is_no_error),
        TEST(test_a_file_is_loaded_and_a_folder_or_a_giant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
