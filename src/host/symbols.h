// symbols.h — the functions of a shared object by address, static ones too, for whoever may not ask the loader any more.
#ifndef HOST_SYMBOLS_H
#define HOST_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

/** Those of the file's bytes, 8-byte aligned and not needed afterwards. NULL where it was stripped, or without memory. */
struct symbols *symbols_read(const void *bytes, size_t size);
/** NULL is fine. */
void symbols_free(struct symbols *symbols);
/** The function that holds this address of the object, and how far into it; NULL where none does. Async-signal-safe; NULL is fine. */
const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *ret_offset);

#endif
