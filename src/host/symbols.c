// symbols.c — the functions of a shared object by address, static ones too, for whoever may not ask the loader any more.
//
// A plugin exports nothing but its descriptor, so the loader has no names for its handlers: they are in .symtab, unless it was stripped.
#include "symbols.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FUNCTIONS_MAX = 1 << 16, NAMES_BYTES_MAX = 4 << 20 };

struct function {
    uint64_t address, bytes;
    uint32_t name; // in the names
};

struct symbols {
    struct function *functions; // by address
    size_t count;
    char *names;
};

static bool is_within(uint64_t offset, uint64_t bytes, size_t size) {
    return offset <= size && bytes <= size - offset;
}

static const Elf64_Shdr *find_symtab(const unsigned char *bytes, size_t size, const Elf64_Shdr **ret_strings) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
    if (size < sizeof *header || header->e_shoff == 0 || header->e_shoff % 8 || header->e_shentsize != sizeof(Elf64_Shdr) ||
        !is_within(header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr), size))
        return NULL;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(bytes + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *table = &sections[i];
        if (table->sh_type != SHT_SYMTAB || table->sh_link >= header->e_shnum)
            continue;
        *ret_strings = &sections[table->sh_link];
        bool is_sound = table->sh_offset % 8 == 0 && is_within(table->sh_offset, table->sh_size, size) &&
                        is_within((*ret_strings)->sh_offset, (*ret_strings)->sh_size, size) && (*ret_strings)->sh_size &&
                        (*ret_strings)->sh_size <= NAMES_BYTES_MAX &&
                        bytes[(*ret_strings)->sh_offset + (*ret_strings)->sh_size - 1] == '\0';
        return is_sound ? table : NULL;
    }
    return NULL;
}

static int by_address(const void *left, const void *right) {
    const struct function *a = left, *b = right;
    return a->address < b->address ? -1 : a->address > b->address;
}

static void take_functions(struct symbols *symbols, const Elf64_Sym *items, size_t count, uint64_t names_bytes) {
    for (size_t i = 0; i < count && symbols->count < FUNCTIONS_MAX; i++)
        if (ELF64_ST_TYPE(items[i].st_info) == STT_FUNC && items[i].st_shndx != SHN_UNDEF && items[i].st_name < names_bytes)
            symbols->functions[symbols->count++] = (struct function){items[i].st_value, items[i].st_size, items[i].st_name};
    if (symbols->count)
        qsort(symbols->functions, symbols->count, sizeof *symbols->functions, by_address);
}

struct symbols *symbols_read(const void *data, size_t size) {
    const unsigned char *bytes = data;
    const Elf64_Shdr *strings, *table = find_symtab(bytes, size, &strings);
    struct symbols *symbols = table ? calloc(1, sizeof *symbols) : NULL;
    if (!symbols)
        return NULL;
    size_t count = table->sh_size / sizeof(Elf64_Sym);
    symbols->functions = calloc((count < FUNCTIONS_MAX ? count : FUNCTIONS_MAX) + 1, sizeof *symbols->functions);
    symbols->names = malloc(strings->sh_size);
    if (!symbols->functions || !symbols->names) {
        symbols_free(symbols);
        return NULL;
    }
    memcpy(symbols->names, bytes + strings->sh_offset, strings->sh_size);
    take_functions(symbols, (const Elf64_Sym *)(bytes + table->sh_offset), count, strings->sh_size);
    return symbols;
}

void symbols_free(struct symbols *symbols) {
    if (!symbols)
        return;
    free(symbols->functions);
    free(symbols->names);
    free(symbols);
}

const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *ret_offset) {
    size_t low = 0, high = symbols ? symbols->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->functions[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct function *function = &symbols->functions[low - 1];
    if (address - function->address >= (function->bytes ? function->bytes : 1))
        return NULL;
    *ret_offset = address - function->address;
    return symbols->names + function->name;
}
