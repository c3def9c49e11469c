// migration_file.c — the files of one plugin's migrations: named by a rule, in order, with their checksums.
#include "migration_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

enum { VERSION_DIGITS_MAX = 18, READ_BYTES = 65536 };

#define NAME_RULE                                                                                                                          \
    "a migration is called <digits>_<name>.up.sql or .down.sql, the name of letters, digits, _ and -: 0001_create_users.up.sql"

static void skip_byte_order_mark(struct buffer *text) {
    if (buffer_bytes(text) >= 3 && memcmp(buffer_head(text), "\xEF\xBB\xBF", 3) == 0)
        buffer_consume(text, 3);
}

int migration_file_read(const char *path, struct arena *arena, struct buffer *ret_text, str *ret_failure) {
    struct buffer text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC), error = fd < 0 ? -errno : 0;
    while (error == 0) {
        char *room = buffer_reserve(&text, READ_BYTES);
        ssize_t bytes = room ? read(fd, room, READ_BYTES) : -1;
        if (bytes == 0)
            break;
        if (bytes > 0)
            buffer_commit(&text, (size_t)bytes);
        else if (!room || errno != EINTR)
            error = room ? -errno : -ENOMEM;
        if (buffer_bytes(&text) > MIGRATION_FILE_BYTES_MAX)
            error = -EFBIG;
    }
    if (fd >= 0)
        close(fd);
    if (error == 0 && memchr(buffer_head(&text), '\0', buffer_bytes(&text)))
        error = -EILSEQ;
    if (error == 0) {
        skip_byte_order_mark(&text);
        *ret_text = text;
        return 0;
    }
    buffer_finish(&text);
    *ret_failure = arena_format(arena, "%s: error: %s", path,
                                error == -EFBIG    ? "more than 16 MiB: load data by other means"
                                : error == -EILSEQ ? "holds a NUL byte: save it as UTF-8"
                                                   : strerror(-error));
    return error;
}

bool migration_text_wants_no_transaction(str text) {
    static const char line[] = "-- no transaction";
    size_t bytes = sizeof line - 1;
    if (text.len < bytes || memcmp(text.ptr, line, bytes) != 0)
        return false;
    while (bytes < text.len && strchr(" \t\r", text.ptr[bytes]))
        bytes++;
    return bytes == text.len || text.ptr[bytes] == '\n';
}

void migration_checksum(str text, char *out) {
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text.ptr, text.len, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        *out++ = digits[sum[i] >> 4];
        *out++ = digits[sum[i] & 15];
    }
    *out = '\0';
}

static bool ends_with(const char *name, const char *ending) {
    size_t bytes = strlen(name), ending_bytes = strlen(ending);
    return bytes > ending_bytes && strcmp(name + bytes - ending_bytes, ending) == 0;
}

// Editors and version control keep their own things: .0001_x.up.sql.swp, .gitkeep, 0001_x.up.sql~
static bool is_none_of_ours(const char *name) {
    return name[0] == '.' || ends_with(name, "~");
}

// The version and the name without its ending; false for a name that follows no rule.
static bool parse_name(const char *name, int64_t *ret_version, size_t *ret_name_bytes, bool *ret_is_down) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t digits = strspn(name, "0123456789"), bytes = digits + strspn(name + digits, letters);
    bool is_up = strcmp(name + bytes, ".up.sql") == 0, is_down = strcmp(name + bytes, ".down.sql") == 0;
    if (!digits || digits > VERSION_DIGITS_MAX || name[digits] != '_' || bytes < digits + 2 || (!is_up && !is_down))
        return false;
    *ret_version = strtoll(name, NULL, 10);
    *ret_name_bytes = bytes;
    *ret_is_down = is_down;
    return true;
}

struct finder {
    const struct migration_folder *folder;
    struct arena *arena;
    struct migration_file *files;
    unsigned count, capacity;
    str *ret_failure;
};

static int refuse(struct finder *finder, const char *file, const char *why) {
    *finder->ret_failure = arena_format(finder->arena, "%s/%s: error: %s", finder->folder->path, file, why);
    return -EINVAL;
}

static struct migration_file *file_of(struct finder *finder, int64_t version) {
    for (unsigned i = 0; i < finder->count; i++)
        if (finder->files[i].version == version)
            return &finder->files[i];
    if (finder->count == finder->capacity) {
        unsigned capacity = finder->capacity ? finder->capacity * 2 : 16;
        struct migration_file *files = arena_alloc(finder->arena, capacity * sizeof *files);
        if (!files)
            return NULL;
        if (finder->count)
            memcpy(files, finder->files, finder->count * sizeof *files);
        finder->files = files;
        finder->capacity = capacity;
    }
    struct migration_file *file = &finder->files[finder->count++];
    *file = (struct migration_file){.plugin = finder->folder->plugin, .version = version};
    return file;
}

static int add(struct finder *finder, const char *file_name) {
    int64_t version;
    size_t name_bytes;
    bool is_down;
    if (!parse_name(file_name, &version, &name_bytes, &is_down))
        return refuse(finder, file_name, NAME_RULE);
    if (finder->count == MIGRATION_COUNT_MAX)
        return refuse(finder, file_name, "more than 10,000 migrations: squash the oldest");
    struct migration_file *file = file_of(finder, version);
    const char *path = arena_format(finder->arena, "%s/%s", finder->folder->path, file_name).ptr;
    str name = arena_copy(finder->arena, (str){file_name, name_bytes});
    if (!file || !path || !name.ptr)
        return -ENOMEM;
    if (is_down ? file->down != NULL : file->up != NULL)
        return refuse(finder, file_name, "its version is taken by another file: give it the next one");
    if (file->name.ptr && (file->name.len != name.len || memcmp(file->name.ptr, name.ptr, name.len) != 0))
        return refuse(finder, file_name, "its up and down files differ in name, or its version is taken: use one name for one version");
    file->name = name;
    *(is_down ? &file->down : &file->up) = path;
    return 0;
}

static int by_version(const void *a, const void *b) {
    int64_t left = ((const struct migration_file *)a)->version, right = ((const struct migration_file *)b)->version;
    return (left > right) - (left < right);
}

static int complete(struct finder *finder, struct migration_file *file) {
    if (!file->up) {
        *finder->ret_failure = arena_format(finder->arena, "%s: error: has no up file beside it", file->down);
        return -EINVAL;
    }
    struct buffer text;
    int error = migration_file_read(file->up, finder->arena, &text, finder->ret_failure);
    if (error)
        return error;
    migration_checksum((str){buffer_head(&text), buffer_bytes(&text)}, file->checksum);
    buffer_finish(&text);
    return 0;
}

int migration_files_find(const struct migration_folder *folder, struct arena *arena, struct migration_file **ret_files, unsigned *ret_count,
                         str *ret_failure) {
    DIR *entries = opendir(folder->path);
    if (!entries) {
        *ret_failure =
            arena_format(arena, "%s: error: %s; make the folder for the migrations of '%s', or take .migrations out of its PLUGIN",
                         folder->path, strerror(errno), folder->plugin);
        return -EINVAL;
    }
    struct finder finder = {.folder = folder, .arena = arena, .ret_failure = ret_failure};
    int error = 0;
    for (struct dirent *entry; error == 0 && (entry = readdir(entries));)
        if (!is_none_of_ours(entry->d_name))
            error = add(&finder, entry->d_name);
    closedir(entries);
    if (finder.count)
        qsort(finder.files, finder.count, sizeof *finder.files, by_version);
    for (unsigned i = 0; error == 0 && i < finder.count; i++)
        error = complete(&finder, &finder.files[i]);
    if (error)
        return error;
    *ret_files = finder.files;
    *ret_count = finder.count;
    return 0;
}
