// coro_switch_ucontext.c — from one stack to another where we have no assembly: a ucontext that lies on the stack it describes.
#include "engine/coro_switch.h"

#include <assert.h>
#include <ucontext.h>

enum { STACK_BYTES_MIN = 4096 }; // makecontext(3) looks at the end of a stack only

static _Thread_local void *(*entry_next)(void);

static void enter(void) {
    setcontext(entry_next());
}

void coro_begin(void **save, char *end, void *(*entry)(void)) {
    ucontext_t here, there;
    int error = getcontext(&there);
    assert(error == 0);
    there.uc_stack.ss_sp = end - STACK_BYTES_MIN;
    there.uc_stack.ss_size = STACK_BYTES_MIN;
    there.uc_link = NULL;
    makecontext(&there, enter, 0);
    entry_next = entry;
    *save = &here;
    error = swapcontext(&here, &there);
    assert(error == 0);
    (void)error;
}

void coro_switch(void **save, void *to) {
    ucontext_t here;
    *save = &here;
    int error = swapcontext(&here, to);
    assert(error == 0);
    (void)error;
}
