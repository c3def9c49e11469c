// contract.h — two OpenAPI documents compared: what of the newer one breaks a client of the older.
#ifndef CLI_CONTRACT_H
#define CLI_CONTRACT_H

#include "cli/findings.h"

/** Where a finding about an operation belongs: the route's file and line. */
struct contract_place {
    const char *file;
    unsigned line;
};

struct contract {
    const char *old_name; // of the older document, for what is not in the newer one
    str old_text, new_text;
    /** Where the operation is written; `method` in capitals. */
    struct contract_place (*place)(void *arg, const char *method, const char *path);
    void *arg;
};

/**
 * Errors are what makes a request that was good fail, or an answer unreadable: a route, a success, a field of an answer that is gone,
 * another type, what is newly required, narrower enumerations and bounds of what is sent, a token that is newly asked for. Warnings are
 * what a careful client may mind: a parameter that is ignored now, an error that does not come any more, new values in an answer. 0;
 * -EINVAL: the older one is no OpenAPI document, which was added; -ENOMEM.
 */
int contract_compare(const struct contract *contract, struct findings *findings);

#endif
