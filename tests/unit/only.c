// only.c — runs the tests of one name: linked into every test program, for ./test -k.
//
// LEAT_TEST_ONLY is a pattern of names with * and ?. A program that has it in its own name runs whole.
#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose_tests(void) {
    const char *pattern = getenv("LEAT_TEST_ONLY");
    if (pattern && fnmatch(pattern, program_invocation_short_name, 0) != 0)
        cmocka_set_test_filter(pattern);
}
