// str.h — strings as views. str_eq() is public: leat/values.h.
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include <leat/values.h>

/** All of a NUL-terminated text; `ptr` is NULL for NULL. */
static inline str str_of(const char *text) {
    return (str){text, text ? strlen(text) : 0};
}

#endif
