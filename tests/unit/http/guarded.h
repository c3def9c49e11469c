// guarded.h — bytes that end where the process may not read on.
#ifndef TEST_GUARDED_H
#define TEST_GUARDED_H

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    char *pages;
    size_t bytes_max, mapped;
};

static inline struct guarded guarded_create(size_t bytes_max) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes_max + page - 1) / page * page;
    char *pages = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(pages != MAP_FAILED);
    int r = mprotect(pages + room, page, PROT_NONE);
    assert(r == 0);
    return (struct guarded){pages, room, room + page};
}

static inline void guarded_destroy(struct guarded *guarded) {
    munmap(guarded->pages, guarded->mapped);
}

/** A copy of the bytes; the first byte behind it is out of bounds. */
static inline const char *guarded_copy(struct guarded *guarded, const char *data, size_t bytes) {
    assert(bytes <= guarded->bytes_max);
    return memcpy(guarded->pages + guarded->bytes_max - bytes, data, bytes);
}

#endif
