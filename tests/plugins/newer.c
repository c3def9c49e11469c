// newer.c — made by newer headers, with an option that this server does not know and that is used.
#include <leat/leat.h>

__attribute__((visibility("default"), used)) const struct {
    leat_plugin known;
    const char *later;
} leat_plugin_entry_newer __asm__("leat_plugin_entry") = {{.magic = LEAT_MAGIC,
                                                           .abi_major = LEAT_ABI_MAJOR,
                                                           .abi_minor = LEAT_ABI_MINOR + 1,
                                                           .size = sizeof(leat_plugin) + sizeof(char *),
                                                           .name = "newer"},
                                                          "used"};
