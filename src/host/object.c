// object.c — a file that says it is a shared object, looked at before the loader is let near it.
#include "object.h"

#include <string.h>

#if defined __x86_64__
enum { OUR_MACHINE = EM_X86_64 };
#elif defined __aarch64__
enum { OUR_MACHINE = EM_AARCH64 };
#else
#error "leat runs on x86-64 and aarch64"
#endif

enum { SEGMENTS_MAX = 64, SYMBOLS_MAX = 1 << 20 };
#define OBJECT_MEMORY_MAX (1ull << 32)

static bool is_within(uint64_t offset, uint64_t bytes, uint64_t size) {
    return offset <= size && bytes <= size - offset;
}

static const char *header_problem(const unsigned char *bytes, size_t size) {
    if (size == 0)
        return "is empty; copy it again";
    if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return memchr(bytes, 0, size < 512 ? size : 512) ? "is no shared object (it has no ELF header); build it with `cc -shared -fPIC`"
                                                         : "is a text file and no shared object; build it with `cc -shared -fPIC`";
    if (size < sizeof(Elf64_Ehdr))
        return "is truncated: it ends within its ELF header; copy it again, whole";
    if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB)
        return "is built for another architecture (32 bits or big-endian); build it on this kind of machine";
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    if (header.e_machine != OUR_MACHINE)
        return header.e_machine == EM_AARCH64  ? "is built for aarch64; build it on this kind of machine"
               : header.e_machine == EM_X86_64 ? "is built for x86-64; build it on this kind of machine"
                                               : "is built for another architecture; build it on this kind of machine";
    if (header.e_type == ET_REL)
        return "is an object file that is not linked; link it with `cc -shared`";
    if (header.e_type != ET_DYN)
        return "is a program or a core dump and no shared object; link it with `cc -shared`";
    return NULL;
}

static const char *const truncated = "is truncated: its headers speak of more bytes than there are; copy it again, whole";
static const char *const damaged = "is damaged: its headers contradict one another; build it again";

static const char *sections_problem(const Elf64_Ehdr *header, const unsigned char *bytes, size_t size) {
    if (header->e_shoff == 0)
        return NULL; // stripped of all of them, which the loader does not mind
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff % 8)
        return damaged;
    if (!is_within(header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr), size))
        return truncated;
    for (unsigned i = 0; i < header->e_shnum; i++) {
        Elf64_Shdr section;
        memcpy(&section, bytes + header->e_shoff + i * sizeof section, sizeof section);
        if (section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS && !is_within(section.sh_offset, section.sh_size, size))
            return truncated;
    }
    return NULL;
}

static const char *segments_problem(const struct object *object, size_t size) {
    uint64_t end = 0;
    bool has_load = false;
    for (size_t i = 0; i < object->segment_count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        if (segment->p_type != PT_LOAD && segment->p_type != PT_DYNAMIC)
            continue;
        if (!is_within(segment->p_offset, segment->p_filesz, size))
            return truncated;
        if (segment->p_type == PT_DYNAMIC)
            continue;
        if (segment->p_filesz > segment->p_memsz || segment->p_vaddr < end ||
            !is_within(segment->p_vaddr, segment->p_memsz, OBJECT_MEMORY_MAX) || segment->p_align & (segment->p_align - 1) ||
            (segment->p_align > 1 && (segment->p_vaddr - segment->p_offset) % segment->p_align))
            return damaged;
        end = segment->p_vaddr + segment->p_memsz;
        has_load = true;
    }
    return has_load ? NULL : damaged;
}

// The bytes that the file has for an address of the object; NULL where it has none.
static const void *at(const struct object *object, uint64_t address, uint64_t bytes, unsigned alignment) {
    for (size_t i = 0; i < object->segment_count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr || !is_within(address - segment->p_vaddr, bytes, segment->p_filesz))
            continue;
        uint64_t offset = segment->p_offset + (address - segment->p_vaddr);
        return offset % alignment ? NULL : object->bytes + offset;
    }
    return NULL;
}

static bool dynamic_value(const struct object *object, int64_t tag, uint64_t *ret_value) {
    for (size_t i = 0; i < object->dynamic_count; i++)
        if (object->dynamic[i].d_tag == tag) {
            *ret_value = object->dynamic[i].d_un.d_val;
            return true;
        }
    return false;
}

// The tables that the loader will walk, with the tag of their length (0: not known here).
static const struct {
    int64_t tag, bytes_tag;
} tables[] = {
    {DT_RELA, DT_RELASZ},
    {DT_JMPREL, DT_PLTRELSZ},
    {DT_RELR, DT_RELRSZ},
    {DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
    {DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
    {DT_STRTAB, DT_STRSZ},
    {DT_SYMTAB, 0},
    {DT_HASH, 0},
    {DT_GNU_HASH, 0},
    {DT_VERSYM, 0},
    {DT_VERNEED, 0},
    {DT_INIT, 0},
    {DT_FINI, 0},
};

static const char *tables_problem(const struct object *object) {
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        uint64_t address, bytes = 1;
        if (!dynamic_value(object, tables[i].tag, &address))
            continue;
        if (tables[i].bytes_tag && !dynamic_value(object, tables[i].bytes_tag, &bytes))
            return damaged;
        if (bytes && !at(object, address, bytes, 1))
            return damaged;
    }
    return NULL;
}

static const char *read_dynamic(struct object *object) {
    for (size_t i = 0; i < object->segment_count; i++)
        if (object->segments[i].p_type == PT_DYNAMIC) {
            object->dynamic = at(object, object->segments[i].p_vaddr, object->segments[i].p_filesz, 8);
            object->dynamic_count = object->segments[i].p_filesz / sizeof(Elf64_Dyn);
        }
    if (!object->dynamic)
        return "is no shared object (it has no dynamic section); link it with `cc -shared`";
    size_t count = 0;
    while (count < object->dynamic_count && object->dynamic[count].d_tag != DT_NULL)
        count++;
    if (count == object->dynamic_count)
        return damaged;
    object->dynamic_count = count;
    uint64_t flags;
    if (dynamic_value(object, DT_FLAGS_1, &flags) && flags & DF_1_PIE)
        return "is a program and no shared object; link it with `cc -shared`";
    return tables_problem(object);
}

static size_t count_by_hash(const struct object *object, uint64_t address) {
    const uint32_t *table = at(object, address, 8, 4);
    return table ? table[1] : 0;
}

// The GNU table does not say how many symbols there are: its longest chain ends at the last one.
static size_t count_by_gnu_hash(const struct object *object, uint64_t address) {
    const uint32_t *head = at(object, address, 16, 4);
    if (!head)
        return 0;
    uint32_t bucket_count = head[0], first = head[1], bloom_count = head[2], last = 0;
    uint64_t buckets_address = address + 16 + 8ull * bloom_count, chains_address = buckets_address + 4ull * bucket_count;
    const uint32_t *buckets = at(object, buckets_address, 4ull * bucket_count, 4);
    if (!buckets)
        return 0;
    for (uint32_t i = 0; i < bucket_count; i++)
        last = buckets[i] > last ? buckets[i] : last;
    if (last < first)
        return first;
    for (; last < SYMBOLS_MAX; last++) {
        const uint32_t *chain = at(object, chains_address + 4ull * (last - first), 4, 4);
        if (!chain)
            return 0;
        if (*chain & 1)
            return last + 1ul;
    }
    return 0;
}

static const char *read_symbols(struct object *object) {
    uint64_t strings, strings_bytes, symbols, hash, entry_bytes;
    if (!dynamic_value(object, DT_STRTAB, &strings) || !dynamic_value(object, DT_STRSZ, &strings_bytes) ||
        !dynamic_value(object, DT_SYMTAB, &symbols) || (dynamic_value(object, DT_SYMENT, &entry_bytes) && entry_bytes != sizeof(Elf64_Sym)))
        return damaged;
    object->strings = at(object, strings, strings_bytes, 1);
    object->strings_bytes = strings_bytes;
    if (!object->strings || strings_bytes == 0 || object->strings[strings_bytes - 1] != '\0')
        return damaged;
    if (dynamic_value(object, DT_GNU_HASH, &hash))
        object->symbol_count = count_by_gnu_hash(object, hash);
    else if (dynamic_value(object, DT_HASH, &hash))
        object->symbol_count = count_by_hash(object, hash);
    if (object->symbol_count > SYMBOLS_MAX)
        return damaged;
    object->symbols = at(object, symbols, object->symbol_count * sizeof(Elf64_Sym), 8);
    return object->symbols ? NULL : damaged;
}

const char *object_read(const void *bytes, size_t size, struct object *ret_object) {
    const char *problem = header_problem(bytes, size);
    if (problem)
        return problem;
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 || header.e_phnum > SEGMENTS_MAX || header.e_phoff % 8)
        return damaged;
    if (!is_within(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), size))
        return truncated;
    struct object object = {.bytes = bytes, .size = size, .segment_count = header.e_phnum};
    object.segments = (const Elf64_Phdr *)(object.bytes + header.e_phoff);
    if ((problem = segments_problem(&object, size)) || (problem = sections_problem(&header, bytes, size)) ||
        (problem = read_dynamic(&object)) || (problem = read_symbols(&object)))
        return problem;
    *ret_object = object;
    return NULL;
}

static const char *string_at(const struct object *object, uint64_t offset) {
    return offset < object->strings_bytes ? object->strings + offset : "";
}

bool object_symbol(const struct object *object, const char *name, const void **ret_data, size_t *ret_bytes, uint64_t *ret_address) {
    for (size_t i = 0; i < object->symbol_count; i++) {
        const Elf64_Sym *symbol = &object->symbols[i];
        if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT ||
            strcmp(string_at(object, symbol->st_name), name))
            continue;
        const void *data = at(object, symbol->st_value, symbol->st_size, 8);
        if (!data)
            return false;
        *ret_data = data;
        *ret_bytes = symbol->st_size;
        *ret_address = symbol->st_value;
        return true;
    }
    return false;
}

bool object_needs(const struct object *object, const char *prefix) {
    for (size_t i = 0; i < object->dynamic_count; i++)
        if (object->dynamic[i].d_tag == DT_NEEDED && !strncmp(string_at(object, object->dynamic[i].d_un.d_val), prefix, strlen(prefix)))
            return true;
    return false;
}

bool object_holds(const struct object *object, uint64_t base, const void *address, size_t bytes) {
    uint64_t wanted = (uint64_t)(uintptr_t)address - base;
    for (size_t i = 0; i < object->segment_count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        if (segment->p_type == PT_LOAD && wanted >= segment->p_vaddr && is_within(wanted - segment->p_vaddr, bytes, segment->p_memsz))
            return true;
    }
    return false;
}
