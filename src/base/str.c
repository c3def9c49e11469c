// str.c — strings as views.
#include "base/str.h"

bool str_eq(str a, str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
