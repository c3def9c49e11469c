// migration_file.h — the files of one plugin's migrations: named by a rule, in order, with their checksums.
#ifndef DB_MIGRATION_FILE_H
#define DB_MIGRATION_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "db/migrate.h"

enum {
    MIGRATION_COUNT_MAX = 10000,
    MIGRATION_FILE_BYTES_MAX = 16 << 20,
    CHECKSUM_BYTES = 64, // SHA-256 in hex
};

struct migration_file {
    const char *plugin;
    int64_t version;
    str name;                          // "0001_create_users"
    const char *up, *down;             // paths; NULL where there is none
    char checksum[CHECKSUM_BYTES + 1]; // of the up file
};

/**
 * The migrations in the folder, by version; the up files are read for their checksums. 0, or a negative errno and `*ret_failure`: no such
 * folder, a file whose name follows no rule, a version twice, a down without an up, an unreadable file.
 */
int migration_files_find(const struct migration_folder *folder, struct arena *arena, struct migration_file **ret_files, unsigned *ret_count,
                         str *ret_failure);
/**
 * The text of a file, without a byte order mark, with room for a byte behind it; the caller finishes it. 0, or a negative errno and
 * `*ret_failure`.
 */
int migration_file_read(const char *path, struct arena *arena, struct buffer *ret_text, str *ret_failure);
/** The file begins with the line `-- no transaction`. */
bool migration_text_wants_no_transaction(str text);

/** SHA-256 in hex, CHECKSUM_BYTES and a NUL. */
void migration_checksum(str text, char *out);

#endif
