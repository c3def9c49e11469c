// notify.h — what systemd is told (sd_notify(3)): ready, stopping, alive. A datagram each, to the socket of $NOTIFY_SOCKET.
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include <stdint.h>

/** "READY=1\nSTATUS=..." and its kin. 0 where it was sent, or where nobody wants it; a negative errno. Any thread. */
int notify(const char *state);
/** How long systemd waits for a sign of life from this process (WatchdogSec=); 0: it does not wait for any. */
int64_t notify_watchdog_ms(void);

#endif
