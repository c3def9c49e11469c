// unknown_item.c — declares something of a kind that this server has not heard of.
#include <leat/leat.h>

static const struct leat_table later = {{200, sizeof(struct leat_table), __LINE__, __FILE__}, 0};
LEAT_REGISTER(later_reg, later);
PLUGIN(unknown_item, .abi_minor = LEAT_ABI_MINOR + 1);
