// version.c — leat version: what this is, for a bug report.
#include <stdio.h>
#include <sys/utsname.h>

#include <leat/plugin.h>

#include "cli/verb.h"

// clang's __VERSION__ names it, gcc's does not.
#ifdef __clang__
#define COMPILER ""
#else
#define COMPILER "gcc "
#endif

static int run(const struct invocation *invocation) {
    (void)invocation;
    struct utsname machine;
    uname(&machine);
    printf("leat %s\nplugin interface %d.%d\nbuilt with " COMPILER "%s\non %s %s %s\n", leat_version(), LEAT_ABI_MAJOR, LEAT_ABI_MINOR,
           __VERSION__, machine.sysname, machine.release, machine.machine);
    return 0;
}

static const struct flag flags[] = {{0}};

const struct verb verb_version = {
    .name = "version",
    .arguments = "",
    .summary = "tell the version, of the server and of its plugin interface",
    .text = "Examples:\n  leat version\n",
    .flags = flags,
    .run = run,
};
