// test_coro_ucontext.c — coroutines once more, on the switch for machines without assembly of ours.
#include "test_coro.c"
