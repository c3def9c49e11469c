// settings.c — a SETTINGS schema filled from the environment: found by name, validated as a request's values are.
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { FIELDS_MAX = 64, PAIRS_MAX = 1024 };

// Where the value of one field was found, or the name under which it would be looked for.
struct finding {
    char variable[SETTINGS_VARIABLE_BYTES_MAX];
    const struct variable *found; // NULL: it is not set
};

struct search {
    const leat_schema *schema;
    const char *prefix;
    const struct environment *environment;
    struct arena *arena;
    struct finding findings[FIELDS_MAX];
    struct text_pair pairs[PAIRS_MAX];
    size_t pair_count;
};

static const struct leat_common_opts *field_options(const leat_field *field) {
    return field->opts;
}

static void upper_name(char *out, size_t bytes, const char *prefix, const char *field) {
    snprintf(out, bytes, "%s%s%s", prefix ? prefix : "", prefix ? "_" : "", field);
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

void settings_variable(const leat_field *field, const char *prefix, char out[SETTINGS_VARIABLE_BYTES_MAX]) {
    const char *env = field_options(field)->env;
    if (env)
        snprintf(out, SETTINGS_VARIABLE_BYTES_MAX, "%s", env);
    else
        upper_name(out, SETTINGS_VARIABLE_BYTES_MAX, prefix, field->name);
}

static bool find_as(struct search *search, struct finding *finding) {
    finding->found = environment_find(search->environment, finding->variable);
    return finding->found != NULL;
}

// By its own name for it, else USERS_TTL, else TTL. Where there is none, the finding holds the most particular of them.
static bool find_value(struct search *search, const leat_field *field, struct finding *finding) {
    const char *env = field_options(field)->env;
    if (env) {
        snprintf(finding->variable, sizeof finding->variable, "%s", env);
        return find_as(search, finding);
    }
    upper_name(finding->variable, sizeof finding->variable, search->prefix, field->name);
    if (find_as(search, finding))
        return true;
    struct finding bare = *finding;
    upper_name(bare.variable, sizeof bare.variable, NULL, field->name);
    if (!search->prefix || !find_as(search, &bare))
        return false;
    *finding = bare;
    return true;
}

static int add_pair(struct search *search, str name, str value) {
    if (search->pair_count == PAIRS_MAX)
        return -E2BIG;
    search->pairs[search->pair_count++] = (struct text_pair){name, value};
    return 0;
}

static str without_blanks(str text) {
    while (text.len && isspace((unsigned char)*text.ptr))
        text = (str){text.ptr + 1, text.len - 1};
    while (text.len && isspace((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static int add_list(struct search *search, str name, str value) {
    for (;;) {
        const char *comma = memchr(value.ptr, ',', value.len);
        size_t bytes = comma ? (size_t)(comma - value.ptr) : value.len;
        int status = add_pair(search, name, without_blanks((str){value.ptr, bytes}));
        if (status < 0 || !comma)
            return status;
        value = (str){comma + 1, value.len - bytes - 1};
    }
}

static int find_all(struct search *search) {
    for (unsigned i = 0; i < search->schema->nfields; i++) {
        const leat_field *field = &search->schema->fields[i];
        const char *alias = field_options(field)->alias;
        const char *known_as = alias ? alias : field->name;
        if (!find_value(search, field, &search->findings[i]))
            continue;
        str name = str_of(known_as);
        str value = arena_copy(search->arena, search->findings[i].found->value); // the plugin's strings must outlive the environment
        if (!value.ptr)
            return -ENOMEM;
        int status = field->type->kind == LEAT_LIST ? add_list(search, name, value) : add_pair(search, name, value);
        if (status < 0)
            return status;
    }
    return 0;
}

// The field that a problem's line begins with: "secret_key: ...", "origins.0: ...".
static const struct finding *finding_of(const struct search *search, str line) {
    size_t bytes = 0;
    while (bytes < line.len && !strchr(":.[ ", line.ptr[bytes]))
        bytes++;
    for (unsigned i = 0; i < search->schema->nfields; i++) {
        const leat_field *field = &search->schema->fields[i];
        const char *alias = field_options(field)->alias;
        const char *known_as = alias ? alias : field->name;
        if (strlen(known_as) == bytes && !memcmp(known_as, line.ptr, bytes))
            return &search->findings[i];
    }
    return NULL;
}

static void say_line(const struct search *search, const char *owner, str line, struct messages *messages) {
    const struct finding *finding = finding_of(search, line);
    const char *colon = memchr(line.ptr, ':', line.len);
    if (!finding || !colon) { // a rule over the whole
        messages_add(messages, "%s: error: settings: %.*s", owner, (int)line.len, line.ptr);
        return;
    }
    str words = without_blanks((str){colon + 1, line.len - (size_t)(colon + 1 - line.ptr)});
    if (finding->found) {
        str variable = variable_words(finding->found, search->arena);
        messages_add(messages, "%s: error: %.*s: %.*s", owner, (int)variable.len, variable.ptr, (int)words.len, words.ptr);
    } else
        messages_add(messages, "%s: error: %s: %.*s; set it in the environment or in .env", owner, finding->variable, (int)words.len,
                     words.ptr);
}

static void say_problems(const struct search *search, const char *owner, const struct problems *problems, struct messages *messages) {
    str text = problems_text(problems, search->arena);
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t bytes = end ? (size_t)(end - text.ptr) : text.len;
        if (bytes)
            say_line(search, owner, (str){text.ptr, bytes}, messages);
        text = end ? (str){end + 1, text.len - bytes - 1} : (str){0};
    }
}

static int read_with(struct model_set *models, struct search *search, const char *owner, struct messages *messages, void *out) {
    const struct model *model;
    str message;
    int status = model_compile(models, search->schema, search->arena, &model, &message);
    if (status < 0) {
        if (status == -EINVAL)
            messages_add_lines(messages, message);
        return status;
    }
    status = find_all(search);
    if (status == -E2BIG) {
        messages_add(messages, "%s: error: its settings hold lists of more than %d items together", owner, PAIRS_MAX);
        return -EINVAL;
    }
    if (status < 0)
        return status;
    struct problems problems;
    problems_init(&problems, search->arena);
    struct reading reading = {NULL, search->arena, &problems};
    struct location root = {.name = S("settings")};
    status = model_read_pairs(model, &reading, &root, search->pairs, search->pair_count, out);
    if (status == -EINVAL)
        say_problems(search, owner, &problems, messages);
    return status;
}

int settings_read(struct model_set *models, const leat_schema *schema, const char *owner, const char *prefix,
                  const struct environment *environment, struct arena *arena, struct messages *messages, void *out) {
    struct search *search = arena_alloc(arena, sizeof *search);
    if (!search)
        return -ENOMEM;
    *search = (struct search){.schema = schema, .prefix = prefix, .environment = environment, .arena = arena};
    return read_with(models, search, owner, messages, out);
}

// The values are bound together, so that a plugin never sees half of them.
static int read_all(struct model_set *models, struct plugin *plugin, void **values, const struct environment *environment,
                    struct messages *messages) {
    int status = 0;
    for (size_t i = 0; i < plugin->item_count; i++) {
        if (plugin->items[i]->kind != LEAT_ITEM_SETTINGS)
            continue;
        const leat_schema *schema = ((const struct leat_settings *)plugin->items[i])->schema;
        values[i] = arena_alloc(&plugin->arena, schema->bytes);
        int result = values[i]
                         ? settings_read(models, schema, plugin->path, plugin->entry.name, environment, &plugin->arena, messages, values[i])
                         : -ENOMEM;
        if (result == -ENOMEM)
            return result;
        if (result < 0)
            status = result;
    }
    for (size_t i = 0; status == 0 && i < plugin->item_count; i++)
        if (values[i])
            *((const struct leat_settings *)plugin->items[i])->values = values[i];
    return status;
}

static int add_validators(struct model_set *models, const struct plugin *plugin) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < plugin->item_count; i++)
        if (plugin->items[i]->kind == LEAT_ITEM_VALIDATOR)
            status = model_set_add_validator(models, (const struct leat_validator *)plugin->items[i]);
    return status;
}

int settings_bind(struct plugin *plugin, const struct environment *environment, struct messages *messages) {
    void **values = arena_alloc(&plugin->arena, plugin->item_count * sizeof *values);
    if (!values)
        return -ENOMEM;
    struct model_set *models;
    int status = model_set_create(&models);
    if (status < 0)
        return status;
    status = add_validators(models, plugin);
    if (status == 0)
        status = read_all(models, plugin, values, environment, messages);
    model_set_destroy(models);
    return status;
}
