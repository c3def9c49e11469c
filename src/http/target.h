// target.h — the request target taken apart: path, query, and the host of an absolute one.
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "http/head.h"
#include "http/refusal.h"

/**
 * Fills `path` and `query` from `target`, and `host` where the target is a whole URL (RFC 9112, section 3.2). 0, or -EBADMSG with a 400.
 * Any visible ASCII character may stand in a path or query, as clients send them; a '#' may not, for it would hide what follows it.
 */
int http_target_split(struct http_head *head, struct http_refusal *ret_refusal);
/** True when `text` is a host with an optional port (RFC 3986, sections 3.2.2 and 3.2.3), or empty. */
bool http_is_authority(str text);

#endif
