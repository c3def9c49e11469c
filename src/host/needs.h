// needs.h — what plugins need of one another: brought into the order of .requires, and what of it is not there dealt with.
#ifndef HOST_NEEDS_H
#define HOST_NEEDS_H

#include "host/gather.h"

/**
 * What is required comes before what requires it. 0; -EINVAL and messages: what is required is nowhere, or a circle; -ENOMEM. With
 * options->refused such a plugin is left out, and with it what needs it; one whose file was removed while others need it goes on.
 */
int needs_settle(struct gathering *gathering);

#endif
