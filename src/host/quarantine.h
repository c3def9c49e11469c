// quarantine.h — plugins that crashed three times in a row: found at the start in what the crashes have left, and kept out until wanted
// again.
//
// In a row means that the server served for less than QUARANTINE_GOOD_S before each but the first, and within QUARANTINE_WINDOW_S. What was
// decided is a file of its own, NAME.quarantined, which holds for the plugin's file as it was.
#ifndef HOST_QUARANTINE_H
#define HOST_QUARANTINE_H

#include "host/choice.h"

enum { QUARANTINE_CRASHES = 3, QUARANTINE_GOOD_S = 600, QUARANTINE_WINDOW_S = 86400, CRASH_REPORTS_KEPT = 32 };

/**
 * Reads the folder of crash reports, decides, and adds a choice for every plugin in quarantine; a message of those that are new in it, for
 * whoever starts the server. `now_s` is CLOCK_REALTIME's. Reports beyond the CRASH_REPORTS_KEPT newest are removed.
 */
void quarantine_read(const char *folder, int64_t now_s, struct choice_list *choices, struct messages *messages);
/** It is wanted again: the decision and the reports of that plugin's crashes are forgotten. */
void quarantine_lift(const char *folder, const char *plugin);

#endif
