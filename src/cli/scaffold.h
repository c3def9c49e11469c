// scaffold.h — what a new plugin begins as: the files of src/cli/scaffold, with its name in them.
#ifndef CLI_SCAFFOLD_H
#define CLI_SCAFFOLD_H

#include <stdbool.h>

#include "base/arena.h"
#include "host/messages.h"

enum { SCAFFOLD_FILES_MAX = 8 };

/** Made from the files when leat is built, `text` NULL at the end. {{name}} is orders, {{one}} order, {{One}} Order, {{ONE}} ORDER. */
struct scaffold_text {
    const char *name, *text;
};
extern const struct scaffold_text scaffold_texts[];

struct scaffold {
    const char *name; // of the plugin
    bool has_table;
    bool is_in_tree;   // in a checkout of leat, whose build finds it; otherwise a project of its own
    bool is_for_cmake; // of a project; otherwise for meson
};

struct scaffold_file {
    const char *path; // from where the plugin is made
    const char *text;
};

/** A name that a plugin, a C identifier and a table can have: a lower-case letter, then such letters, digits and _, 2 to 40 in all. */
bool scaffold_name_is_good(const char *name);
/** The files of a new plugin; the memory is the arena's. Their count, or -ENOMEM. */
int scaffold_make(const struct scaffold *scaffold, struct arena *arena, struct scaffold_file ret_files[SCAFFOLD_FILES_MAX]);
/**
 * Writes them below `folder`, all or none: where one of them is there already nothing is written. 0; -EINVAL and messages.
 */
int scaffold_write(const char *folder, const struct scaffold_file *files, int count, struct arena *arena, struct messages *messages);

#endif
