// coro_switch_ucontext.c — from one stack to another where we have no assembly: a ucontext that lies on the stack it describes.
#include "engine/coro_switch.h"

#include <assert.h>
#include <ucontext.h>

void *coro_prepare(char *low, size_t bytes, void (*entry)(void)) {
    size_t room = (bytes - sizeof(ucontext_t)) & ~(size_t)63;
    ucontext_t *context = (ucontext_t *)(low + room);
    int error = getcontext(context);
    assert(error == 0);
    (void)error;
    context->uc_stack.ss_sp = low;
    context->uc_stack.ss_size = room;
    context->uc_link = NULL;
    makecontext(context, entry, 0);
    return context;
}

void coro_switch(void **save, void *to) {
    ucontext_t here;
    *save = &here;
    int error = swapcontext(&here, to);
    assert(error == 0);
    (void)error;
}
