// count_malloc.c — preloaded into a server: counts how often the heap is asked for memory, in a page that a test reads.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic unsigned long *calls;

static void *(*next_malloc)(size_t);
static void *(*next_realloc)(void *, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);
static void *(*next_calloc)(size_t, size_t);

// dlsym() asks for memory itself before it has found anything: that much is here
static char early[1 << 20]; // libraries take more than 64 KiB while they are loaded
static size_t early_bytes;

static void *early_alloc(size_t bytes) {
    void *memory = early + early_bytes;
    early_bytes += (bytes + 15) & ~(size_t)15;
    if (early_bytes > sizeof early)
        _exit(99);
    return memory;
}

static int is_early(const void *memory) {
    return (const char *)memory >= early && (const char *)memory < early + sizeof early;
}

// The first who asks may be another library's constructor, before ours.
static void find(void) {
    static int is_finding;
    if (next_malloc || is_finding)
        return;
    is_finding = 1;
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_aligned_alloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
}

__attribute__((constructor)) static void begin(void) {
    find();
    int fd = open(getenv("COUNT_MALLOC_FILE"), O_RDWR | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        calls = page;
    unsetenv("LD_PRELOAD"); // what the server starts is not counted
}

static void count(void) {
    if (calls)
        atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
}

__attribute__((visibility("default"))) void *malloc(size_t bytes) {
    count();
    find();
    return next_malloc ? next_malloc(bytes) : early_alloc(bytes);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t bytes) {
    count();
    find();
    return next_calloc ? next_calloc(n, bytes) : early_alloc(n * bytes);
}

__attribute__((visibility("default"))) void *realloc(void *memory, size_t bytes) {
    count();
    find();
    if (!is_early(memory))
        return next_realloc ? next_realloc(memory, bytes) : early_alloc(bytes);
    size_t known = (size_t)(early + sizeof early - (char *)memory);
    void *moved = malloc(bytes);
    return moved ? memcpy(moved, memory, known < bytes ? known : bytes) : NULL;
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t bytes) {
    count();
    find();
    return next_aligned_alloc ? next_aligned_alloc(alignment, bytes) : early_alloc(bytes);
}

__attribute__((visibility("default"))) void free(void *memory) {
    static void (*next_free)(void *);
    if (is_early(memory))
        return;
    if (!next_free)
        next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    next_free(memory);
}
