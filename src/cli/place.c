// place.c — where the program stands: what lies beside it in a build, or below the prefix it was installed to.
#include "cli/place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// BUILD/src/cli/leat and PREFIX/bin/leat.
static const char *const beside[] = {"../..", "../lib/leat"};

const char *place_of_plugins(const char *name, struct arena *arena) {
    char self[PATH_MAX], real[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
    if (bytes < 0)
        return NULL;
    self[bytes] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        if (i == 0 && (bytes = (ssize_t)strlen(self)) >= 8 && strcmp(self + bytes - 8, "/src/cli") != 0)
            continue; // no build
        const char *path = arena_format(arena, "%s/%s/%s", self, beside[i], name).ptr;
        struct stat status;
        if (path && realpath(path, real) && stat(real, &status) == 0 && S_ISDIR(status.st_mode))
            return arena_format(arena, "%s", real).ptr;
    }
    return NULL;
}

const char *place_of_sources(void) {
    return LEAT_SOURCE_ROOT;
}

const char *place_make(const char *path, struct arena *arena) {
    char partial[PATH_MAX], real[PATH_MAX];
    if (snprintf(partial, sizeof partial, "%s", path) >= (int)sizeof partial) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    for (char *slash = partial; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        if (mkdir(partial, 0755) < 0 && errno != EEXIST)
            return NULL;
        *slash = '/';
    }
    if ((mkdir(partial, 0755) < 0 && errno != EEXIST) || !realpath(partial, real))
        return NULL;
    return arena_format(arena, "%s", real).ptr;
}
