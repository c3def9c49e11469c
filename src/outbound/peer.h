// peer.h — whom a call may reach: public addresses, and what OUTBOUND_ALLOW adds to them.
//
// It is the address of the connection that is judged, not the name in the URL: a name may resolve to anything, and to something else the
// next time (DNS rebinding), and an address may be written in a dozen ways.
#ifndef OUTBOUND_PEER_H
#define OUTBOUND_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/arena.h"

/** A block of addresses; IPv4 as ::ffff:0:0/96. */
struct peer_range {
    unsigned char address[16];
    unsigned bits;
};

/** What OUTBOUND_ALLOW says. Zeroed: public addresses only. */
struct peer_rules {
    const struct peer_range *ranges;
    size_t range_count;
    const str *hosts; // "users.internal", or ".internal" for all below it
    size_t host_count;
};

/**
 * Reads addresses and blocks ("10.0.0.7", "10.0.0.0/8", "fd00::/8"), host names ("users.internal", ".internal" for all below) and `private`
 * (loopback, RFC 1918, RFC 6598 and unique local addresses; link-local ones, where clouds tell secrets, are not among them), between
 * commas. 0; -EINVAL and `*ret_message`; -ENOMEM. All of it lives in `arena`.
 */
int peer_rules_parse(str text, struct arena *arena, struct peer_rules *ret_rules, str *ret_message);
/** True for an address of the public Internet: not one of those that IANA keeps for special purposes (RFC 6890 and its registries). */
bool peer_is_public(const struct sockaddr *address);
/** True where `address`, at which `host` is said to be, may be called. */
bool peer_is_allowed(const struct peer_rules *rules, str host, const struct sockaddr *address);

#endif
