// scaffold.c — what a new plugin begins as: which files, where, and its name put into them.
#include "cli/scaffold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES_MIN = 2, NAME_BYTES_MAX = 40 };

enum when { ALWAYS, WITH_TABLE, WITHOUT_TABLE, WITH_MESON, WITH_CMAKE, IN_PROJECT };

// Where each text goes, in a checkout of leat (NULL: nowhere) and in a project of the plugin's own.
static const struct {
    enum when when;
    const char *text, *in_tree, *in_project;
} pieces[] = {
    {WITHOUT_TABLE, "plugin.c.txt", "plugins/{{name}}/{{name}}.c", "{{name}}/{{name}}.c"},
    {WITH_TABLE, "plugin_table.c.txt", "plugins/{{name}}/{{name}}.c", "{{name}}/{{name}}.c"},
    {WITHOUT_TABLE, "test.c.txt", "tests/{{name}}/test_{{name}}.c", "{{name}}/tests/test_{{name}}.c"},
    {WITH_TABLE, "test_table.c.txt", "tests/{{name}}/test_{{name}}.c", "{{name}}/tests/test_{{name}}.c"},
    {WITH_TABLE, "up.sql.txt", "migrations/{{name}}/0001_create_{{name}}.up.sql",
     "{{name}}/migrations/{{name}}/0001_create_{{name}}.up.sql"},
    {WITH_TABLE, "down.sql.txt", "migrations/{{name}}/0001_create_{{name}}.down.sql",
     "{{name}}/migrations/{{name}}/0001_create_{{name}}.down.sql"},
    {WITH_MESON, "meson.txt", NULL, "{{name}}/meson.build"},
    {WITH_CMAKE, "cmake.txt", NULL, "{{name}}/CMakeLists.txt"},
    {IN_PROJECT, "gitignore.txt", NULL, "{{name}}/.gitignore"},
};

bool scaffold_name_is_good(const char *name) {
    size_t bytes = strlen(name);
    bool is_begun = *name >= 'a' && *name <= 'z';
    return is_begun && bytes >= NAME_BYTES_MIN && bytes <= NAME_BYTES_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == bytes;
}

static bool is_wanted(const struct scaffold *scaffold, enum when when) {
    switch (when) {
    case ALWAYS:
        return true;
    case WITH_TABLE:
        return scaffold->has_table;
    case WITHOUT_TABLE:
        return !scaffold->has_table;
    case WITH_MESON:
        return !scaffold->is_for_cmake;
    case WITH_CMAKE:
        return scaffold->is_for_cmake;
    case IN_PROJECT:
        return !scaffold->is_in_tree;
    }
    return false;
}

// ---- the name in its four forms

struct forms {
    char name[NAME_BYTES_MAX + 1], one[NAME_BYTES_MAX + 2], type[NAME_BYTES_MAX + 2], macro[NAME_BYTES_MAX + 2];
};

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

// One of the boxes is a box, of the orders an order, of the entries an entry; one of the sheep is a sheep_item, lest two things have one
// name.
static void put_singular(struct forms *forms) {
    static const struct {
        const char *plural, *singular;
    } endings[] = {{"ies", "y"}, {"sses", "ss"}, {"xes", "x"}, {"ches", "ch"}, {"shes", "sh"}, {"ss", NULL}, {"us", NULL}, {"s", ""}};
    size_t bytes = strlen(forms->name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t tail = strlen(endings[i].plural);
        if (bytes <= tail + 1 || strcmp(forms->name + bytes - tail, endings[i].plural))
            continue;
        if (!endings[i].singular)
            break;
        snprintf(forms->one, sizeof forms->one, "%.*s%s", (int)(bytes - tail), forms->name, endings[i].singular);
        return;
    }
    snprintf(forms->one, sizeof forms->one, "%.34s_item", forms->name);
}

// Words of C and of <leat/...> that a variable, or a type of that name in capitals, would hide or clash with.
static bool is_taken(const char *one) {
    static const char *const words[] = {
        "alloc",      "auto",     "await",    "bool",     "break",    "case",     "char",   "const",    "continue", "cookie",
        "db",         "default",  "delete",   "depends",  "do",       "double",   "else",   "empty",    "enum",     "error",
        "extern",     "fail",     "file",     "float",    "for",      "form",     "format", "get",      "goto",     "header",
        "html",       "if",       "inline",   "int",      "long",     "new",      "new_",   "ok",       "outcome",  "override",
        "pagination", "patch",    "path",     "post",     "provider", "put",      "query",  "redirect", "register", "req",
        "respond",    "response", "restrict", "return",   "set",      "settings", "short",  "signed",   "sizeof",   "spawn",
        "sql",        "static",   "str",      "struct",   "switch",   "table",    "task",   "test",     "text",     "timestamp",
        "tx",         "typedef",  "union",    "unsigned", "uuid",     "validate", "void",   "volatile", "while",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], one))
            return true;
    return false;
}

static void put_one(struct forms *forms) {
    put_singular(forms);
    if (is_taken(forms->one))
        snprintf(forms->one, sizeof forms->one, "%.34s_item", forms->name);
}

static void put_types(struct forms *forms) {
    char *type = forms->type;
    bool begins_word = true;
    size_t i = 0;
    for (; forms->one[i]; i++) {
        if (forms->one[i] != '_')
            *type++ = begins_word ? upper(forms->one[i]) : forms->one[i];
        begins_word = forms->one[i] == '_';
        forms->macro[i] = upper(forms->one[i]);
    }
    *type = forms->macro[i] = '\0';
}

static const char *form_of(const struct forms *forms, const char *mark, size_t bytes) {
    const struct {
        const char *mark, *form;
    } marks[] = {{"name", forms->name}, {"one", forms->one}, {"One", forms->type}, {"ONE", forms->macro}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strlen(marks[i].mark) == bytes && !memcmp(marks[i].mark, mark, bytes))
            return marks[i].form;
    return NULL;
}

static const char *fill(const char *text, const struct forms *forms, struct arena *arena) {
    size_t bytes_max = strlen(text) * 8 + 1; // the shortest mark, {{one}}, is 7 bytes and becomes 41 at most
    char *filled = arena_alloc(arena, bytes_max), *to = filled;
    while (filled && *text) {
        const char *end = strncmp(text, "{{", 2) ? NULL : strstr(text, "}}");
        const char *form = end ? form_of(forms, text + 2, (size_t)(end - text - 2)) : NULL;
        if (!form) {
            *to++ = *text++;
            continue;
        }
        to = stpcpy(to, form);
        text = end + 2;
    }
    return filled;
}

static const char *text_named(const char *name) {
    for (const struct scaffold_text *text = scaffold_texts; text->text; text++)
        if (!strcmp(text->name, name))
            return text->text;
    return "";
}

int scaffold_make(const struct scaffold *scaffold, struct arena *arena, struct scaffold_file ret_files[SCAFFOLD_FILES_MAX]) {
    struct forms forms;
    snprintf(forms.name, sizeof forms.name, "%s", scaffold->name);
    put_one(&forms);
    put_types(&forms);
    int count = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const char *path = scaffold->is_in_tree ? pieces[i].in_tree : pieces[i].in_project;
        if (!path || !is_wanted(scaffold, pieces[i].when))
            continue;
        struct scaffold_file file = {fill(path, &forms, arena), fill(text_named(pieces[i].text), &forms, arena)};
        if (!file.path || !file.text)
            return -ENOMEM;
        ret_files[count++] = file;
    }
    return count;
}

// ---- written

static int refuse(struct messages *messages, const char *path, const char *remedy) {
    messages_add(messages, "%s: error: %s%s", path, strerror(errno), remedy);
    return -EINVAL;
}

static int make_folders(char *path, struct messages *messages) {
    for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        bool is_there = mkdir(path, 0755) == 0 || errno == EEXIST;
        if (!is_there)
            return refuse(messages, path, "");
        *slash = '/';
    }
    return 0;
}

static int write_file(char *path, const char *text, struct messages *messages) {
    int status = make_folders(path, messages);
    if (status)
        return status;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    size_t bytes = strlen(text);
    bool is_written = fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes;
    if (fd >= 0 && close(fd) < 0)
        is_written = false;
    return is_written ? 0 : refuse(messages, path, "");
}

int scaffold_write(const char *folder, const struct scaffold_file *files, int count, struct arena *arena, struct messages *messages) {
    char *paths[SCAFFOLD_FILES_MAX];
    int status = 0;
    for (int i = 0; i < count; i++) {
        paths[i] = (char *)arena_format(arena, "%s/%s", folder, files[i].path).ptr;
        if (!paths[i])
            return -ENOMEM;
        if (access(paths[i], F_OK) == 0) {
            errno = EEXIST;
            status = refuse(messages, paths[i], "; nothing was written: take another name, or move it away");
        }
    }
    for (int i = 0; i < count && !status; i++)
        status = write_file(paths[i], files[i].text, messages);
    return status;
}
