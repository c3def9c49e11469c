// standing.h — how the plugins stand: what serves, drains, was refused or is left out, and the versions that could be gone back to.
#ifndef CLI_STANDING_H
#define CLI_STANDING_H

#include "app/roster.h"
#include "cli/words.h"
#include "cli/workspace.h"
#include "host/publish.h"
#include "host/survey.h"

/** The bytes of the version that served before, open, whatever became of their file. */
struct previous {
    char name[CHOICE_NAME_BYTES_MAX];
    int fd;
};

/** A file that does not serve as it lies there, or that is gone and serves all the same. */
struct refusal {
    char *path, *name, *why; // why: lines
    int64_t since_us;        // it is so, for that reason
    bool may_pass;           // it refused to begin: tried again, it may not
    bool is_of_trial;        // as in refused_file
    struct file_mark mark;   // then
};

struct standing {
    struct workspace *workspace;
    struct roster *roster;
    struct choice_list choices;
    struct previous previous[PLUGINS_MAX];
    unsigned previous_count;
    struct refusal refusals[REFUSED_FILES_MAX];
    unsigned refusal_count;
};

void standing_init(struct standing *standing, struct workspace *workspace, struct roster *roster);
void standing_finish(struct standing *standing);
/**
 * True where any of it is news. A load has left these files out, or, where it was refused as a whole, for the reason in `words`, all that
 * is new. `refused` may be NULL. What is news of it is logged, a line each.
 */
bool standing_refused(struct standing *standing, const struct refused_files *refused, str words);
/**
 * Adds those that did not come back from where they were tried: they are not tried again because some other file has changed, which would
 * have everybody wait. `refused` may be NULL.
 */
void standing_carry(const struct standing *standing, struct refused_files *refused, struct messages *messages);
/** A file was refused for what may pass. */
bool standing_has_passing(const struct standing *standing);
/** The plugin's file was refused by the last load. */
bool standing_is_refused(const struct standing *standing, const char *name);
/** `next` serves in the place of `before`; keeps what may be gone back to, forgets choices of files that are gone. */
void standing_loaded(struct standing *standing, const struct plugin_set *before, const struct plugin_set *next);
/** The folders hold what serves: nothing is refused any more. */
void standing_settled(struct standing *standing);
/** The plugin that serves under that name; NULL where there is none. */
const struct plugin *standing_plugin(const struct standing *standing, const char *name);
/** A descriptor of the version before, the standing's own; -1 where there is none. */
int standing_previous(const struct standing *standing, const char *name);
/** True where a file, a choice or a plugin has that name. */
bool standing_knows(const struct standing *standing, const char *name);
/** The plugin's crashes are forgotten: it may crash three times again. */
void standing_lift(const struct standing *standing, const char *name);
/** Tells the roster. */
void standing_publish(struct standing *standing, const struct publisher *publisher);
/** All rows, those of one plugin where `name` is not empty. */
void standing_rows(const struct standing *standing, const struct publisher *publisher, const struct census *census, str name,
                   struct arena *arena, PluginsAnswer *answer);
/** What holds that generation: "GET /slow (plugins/x.c:12) 2 requests for 31 s, ..."; of "nothing that answers" where nothing is known. */
str standing_holders(const struct census *census, const struct snapshot *snapshot, struct arena *arena);

#endif
