// object.h — a file that says it is a shared object, looked at before the loader is let near it.
//
// ld.so trusts what it maps: a truncated file ends the process with SIGBUS, and constructors run before dlopen() returns. So the bytes are
// checked first, and the plugin's descriptor is read out of the file, where its numbers stand as they will in memory.
#ifndef HOST_OBJECT_H
#define HOST_OBJECT_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object {
    const unsigned char *bytes;
    size_t size;
    const Elf64_Phdr *segments;
    size_t segment_count;
    const char *strings; // NUL-terminated at their end
    size_t strings_bytes;
    const Elf64_Sym *symbols;
    size_t symbol_count;
    const Elf64_Dyn *dynamic;
    size_t dynamic_count;
};

/** Reads `size` bytes, 8-byte aligned, which must outlive `*ret_object`. NULL, or what is wrong and what to do: "is a text file; ...". */
const char *object_read(const void *bytes, size_t size, struct object *ret_object);
/** The exported data symbol of that name: where its bytes are in the file (how many in `*ret_bytes`) and its address in the object. */
bool object_symbol(const struct object *object, const char *name, const void **ret_data, size_t *ret_bytes, uint64_t *ret_address);
/** True when it asks for a library whose name begins with `prefix`. */
bool object_needs(const struct object *object, const char *prefix);
/** True when an object loaded at `base` has `bytes` bytes at `address`, whole within one segment. */
bool object_holds(const struct object *object, uint64_t base, const void *address, size_t bytes);

#endif
