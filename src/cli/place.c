// place.c — where the program stands: what lies beside it in a build, or below the prefix it was installed to.
#include "cli/place.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The folder that the program is in; false where that is not to be known.
static bool own_folder(char folder[PATH_MAX]) {
    ssize_t bytes = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (bytes < 0)
        return false;
    folder[bytes] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return slash;
}

static bool is_build(const char *folder) {
    static const char tail[] = "/src/cli"; // BUILD/src/cli/leat, or else PREFIX/bin/leat
    size_t bytes = strlen(folder);
    return bytes >= sizeof tail - 1 && !strcmp(folder + bytes - (sizeof tail - 1), tail);
}

static const char *real_folder(const char *path, struct arena *arena) {
    char real[PATH_MAX];
    struct stat status;
    return path && realpath(path, real) && stat(real, &status) == 0 && S_ISDIR(status.st_mode) ? arena_format(arena, "%s", real).ptr : NULL;
}

const char *place_of_plugins(const char *name, struct arena *arena) {
    char self[PATH_MAX];
    if (!own_folder(self))
        return NULL;
    return real_folder(arena_format(arena, "%s/%s/%s", self, is_build(self) ? "../.." : "../lib/leat", name).ptr, arena);
}

bool place_is_build(void) {
    char self[PATH_MAX];
    return own_folder(self) && is_build(self);
}

const char *place_of_data(struct arena *arena) {
    char self[PATH_MAX];
    bool is_installed = own_folder(self) && !is_build(self);
    const char *installed = is_installed ? real_folder(arena_format(arena, "%s/../share/leat", self).ptr, arena) : NULL;
    return installed ? installed : LEAT_SOURCE_ROOT;
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
    struct stat status;
    if ((mkdir(partial, 0755) < 0 && errno != EEXIST) || !realpath(partial, real) || stat(real, &status) < 0)
        return NULL;
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    return arena_format(arena, "%s", real).ptr;
}
