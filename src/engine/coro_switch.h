// coro_switch.h — from one stack to another: the few instructions that no C compiler writes.
//
// Assembly for x86-64 and aarch64 (3 to 6 ns), ucontext elsewhere (300 ns: a system call each way). Only what the C ABI says a callee must
// keep is kept; the floating point control words are the process' own and never change.
#ifndef ENGINE_CORO_SWITCH_H
#define ENGINE_CORO_SWITCH_H

#include <stddef.h>

/** Lays out a stack of `bytes` from `low` so that the first coro_switch() to what it returns calls `entry`, which never returns. */
void *coro_prepare(char *low, size_t bytes, void (*entry)(void));
/** Leaves this stack, `*save` is what to switch back to, and goes on where `to` was left. Returns when somebody switches back. */
void coro_switch(void **save, void *to);

#endif
