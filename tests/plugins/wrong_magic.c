// wrong_magic.c — a descriptor that is not ours.
#include <leat/leat.h>

PLUGIN(wrong_magic, .magic = 0x4c4f4f46);
