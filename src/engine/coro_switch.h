// coro_switch.h — from one stack to another: the few instructions that no C compiler writes.
//
// Assembly for x86-64 and aarch64 (3 to 6 ns), ucontext elsewhere (300 ns: a system call each way). Only what the C ABI says a callee must
// keep is kept; the floating point control words are the process' own and never change.
#ifndef ENGINE_CORO_SWITCH_H
#define ENGINE_CORO_SWITCH_H

#include <stddef.h>

/**
 * Leaves this stack, `*save` is what to switch back to, and calls `entry` on the stack that ends at `end`, a multiple of 16. What `entry`
 * returns is a saved stack that goes on then: `*save`, or what a later coro_switch() saved. Returns when somebody switches back.
 */
void coro_begin(void **save, char *end, void *(*entry)(void));
/** Leaves this stack, `*save` is what to switch back to, and goes on where `to` was left. Returns when somebody switches back. */
void coro_switch(void **save, void *to);

#endif
