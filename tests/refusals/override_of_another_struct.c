// override_of_another_struct.c — error: override(get_current_user): the value must have the type of the provider
#include <leat/test.h>

IMPORT(get_current_user, uuid, "users");

TEST(override_fits) {
    override(a, get_current_user, S("ada"));
}
