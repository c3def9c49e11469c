// override_of_a_type_of_its_own.c — compiles: the value is of the provider's type.
#include <leat/test.h>

IMPORT(get_current_user, uuid, "users");

TEST(override_fits) {
    const uuid id = {0};
    override(a, get_current_user, id);
    override(a, get_current_user, (uuid){{1, 2, 3}});
}
