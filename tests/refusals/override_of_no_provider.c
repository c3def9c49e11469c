// override_of_no_provider.c — error: get_nobody__provider
#include <leat/test.h>

TEST(override_fits) {
    override(a, get_nobody, (uuid){0});
}
