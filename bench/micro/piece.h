// piece.h — a hot piece of the server, alone: what a micro-benchmark runs over and over.
#ifndef BENCH_MICRO_PIECE_H
#define BENCH_MICRO_PIECE_H

#include <stdio.h>
#include <stdlib.h>

struct piece {
    const char *name, *text;     // "route-1000"; what one operation is
    void (*set_up)(void);        // makes what run() needs; NULL: nothing. Its memory lives as long as the process
    void (*run)(unsigned count); // so many operations
};

/** Those of each floor; the last has no name. */
extern const struct piece auth_pieces[], db_pieces[], engine_pieces[], http_pieces[], schema_pieces[];

/** The compiler must take it that `pointer`, and all it points to, is read and written here. */
static inline void keep(const void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

/** What a piece answers must be right: a wrong one is measured for nothing. */
#define EXPECT(condition)                                                                                                                  \
    do {                                                                                                                                   \
        if (__builtin_expect(!(condition), 0)) {                                                                                           \
            fprintf(stderr, "micro: %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                                 \
            exit(1);                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

#endif
