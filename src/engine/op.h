// op.h — an operation that the kernel owns from its submission to its completion.
//
// Embedded in the object that waits; submitting allocates nothing. The object is released by whoever sees its last operation come back.
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include <stdbool.h>
#include <stdint.h>

struct op;
/** `result` is the kernel's own answer: bytes or a descriptor, or a negative errno. */
typedef void op_fn(struct op *op, int result);

struct op {
    op_fn *done;
    uint32_t slot;   // the ring's: where it finds this op again, 0 while it is not in flight
    uint16_t buffer; // of a recv: the provided buffer that holds the bytes
    bool has_buffer; // ... if it holds one
    bool more;       // a multishot operation goes on; false: this was its last completion
};

static inline bool op_is_in_flight(const struct op *op) {
    return op->slot != 0;
}

#endif
