// override_of_another_number.c — error: override(get_limit): the value must have the type of the provider
#include <leat/test.h>

IMPORT(get_limit, i64, "limits");

TEST(override_fits) {
    override(a, get_limit, 5.5);
}
