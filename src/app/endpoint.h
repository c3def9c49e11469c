// endpoint.h — a route compiled: what has to happen, in order, before its handler is called.
//
// A request of an endpoint has one frame of memory, in which the arguments of the handler and of every provider lie side by side. The
// program is flat: read a parameter into the frame, call a provider, copy its value to whoever asked. No graph is walked while serving.
#ifndef APP_ENDPOINT_H
#define APP_ENDPOINT_H

#include <leat/middleware.h>
#include <leat/plugin.h>
#include <leat/route.h>

#include "app/activity.h"
#include "base/log.h"
#include "http/head.h"
#include "schema/model.h"

enum step_kind {
    STEP_PATH,        // parameter `index` of the path
    STEP_QUERY,       // all values of a name
    STEP_HEADER,      // ...
    STEP_COOKIE,      // ...
    STEP_QUERY_MODEL, // the whole query string into a model
    STEP_BODY,        // JSON into a model
    STEP_FORM,        // urlencoded or multipart into a model
    STEP_FILE,        // the last file of a name
    STEP_FILES,       // all files of a name
    STEP_CALL,        // a provider, unless one of its arguments failed
    STEP_COPY,        // a provider's value to an argument
    STEP_VALUE,       // a value that a test has put in a provider's place
    STEP_WORKER,      // value `index` of those that are made once per core
    STEP_HOOK,        // an ON_REQUEST: goes on, or answers
};

enum { UNITS_MAX = 64 }; // the handler is unit 0, each provider that is called another

struct step {
    enum step_kind kind;
    uint8_t unit;      // whose argument this is
    uint8_t from_unit; // STEP_COPY: whose value
    uint16_t index;    // STEP_PATH, STEP_WORKER
    uint32_t to, from; // in the frame
    uint32_t bytes;
    const struct parameter *parameter;
    const struct model *model;
    const leat_provider *provider; // STEP_CALL
    const leat_hook *hook;         // STEP_HOOK
    const void *value;             // STEP_VALUE
    const leat_param *file;        // STEP_FILE, STEP_FILES
};

struct cached_plan;

struct endpoint {
    const leat_route *route;
    const leat_plugin *plugin;
    const char *path; // prefix included
    enum http_method method;
    unsigned index;           // in its snapshot
    enum log_level log_level; // its plugin's
    struct activity *activity;
    unsigned status;
    const struct step *steps;
    unsigned step_count;
    uint32_t frame_bytes;
    bool needs_bearer;                                         // a request without a token is a 401, whatever else it is
    bool takes_pieces;                                         // its body is not gathered before it begins
    bool has_files;                                            // ... but read as a form with files
    bool reads_request;                                        // some step looks at it, so its bytes must last
    const leat_hook *const *on_responses, *const *on_failures; // NULL-terminated; NULL: there are none
    const leat_error *const *errors;                           // the route's and its providers', NULL-terminated
    struct cached_plan *cached;                                // NULL: its answers are not
};

#endif
