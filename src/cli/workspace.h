// workspace.h — what every verb that knows plugins begins with: the settings, the plugins, their database.
#ifndef CLI_WORKSPACE_H
#define CLI_WORKSPACE_H

#include "app/readiness.h"
#include "cli/config.h"
#include "cli/verb.h"
#include "db/cluster.h"
#include "host/plugins.h"

struct workspace {
    struct arena *arena;
    struct environment *environment;
    struct messages messages;
    bool has_own_key, is_new_key; // SECRET_KEY is not set: the key below var is used
    struct config config;
    const char *var;              // absolute; of a verb that only looks, it need not be there
    const char *copies;           // of plugins, as they run
    bool is_passing;              // `copies` goes when it is closed
    const leat_plugin **builtins; // the server's own, and those that were linked into the program; NULL at the end
    struct plugin_set *plugins;
    struct choice_list choices;    // plugins in quarantine, where it is to serve
    struct refused_files *refused; // what is wrong and left out, where it is to serve; NULL: all or nothing
    unsigned wants;                // of workspace_open()
    struct cluster *cluster;       // NULL: DATABASE_URL is set
    struct migration_folder *migrations;
    unsigned migration_count;
    struct readiness readiness;
    struct migration_watch *watch; // while it is not known whether they are applied
};

/** What a verb wants of it: any of these together. */
enum {
    WORKSPACE_SERVES = 1, // the key matters
    WORKSPACE_DRAFTS = 2, // folders of migrations that are missing are made
    WORKSPACE_LOOKS = 4,  // nothing is left behind: no var/, no key in it
};
/** Reads the settings and loads the plugins. False: it was said on stderr why not. Close it in either case. */
bool workspace_open(struct workspace *workspace, const struct invocation *invocation, unsigned wants);
/** Reads the settings alone, the key too. As above; nothing is to be closed. */
bool workspace_open_settings(struct workspace *workspace, const struct invocation *invocation);
/** Compiles routes and statements. As above. */
bool workspace_compile(struct workspace *workspace);
/**
 * A step of the plugins' has failed: they are opened and compiled anew without those that are to blame. True: there is another set. As
 * above; also where nobody is to blame.
 */
bool workspace_leave_out(struct workspace *workspace);
/** Starts the private Postgres unless DATABASE_URL is set; config.app.db.conninfo is the database then. As above. */
bool workspace_start_database(struct workspace *workspace);
/** All is given back: plugins are unloaded, a private Postgres that we started is stopped. */
void workspace_close(struct workspace *workspace);
/** Prints what was gathered, on stderr. False, for its callers' sake. */
bool workspace_refuse(struct workspace *workspace);

#endif
