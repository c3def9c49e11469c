// str.c — strings as views. str_eq() is public: leat/values.h.
#include <string.h>

#include <leat/values.h>

bool str_eq(str a, str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
