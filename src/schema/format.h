// format.h — what `.format` wants of a string.
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

#include "schema/rule.h"

/**
 * Judges `*text` by the rule's format. 0, and the text as the format normalises it (an address without the name around it, a URL without
 * blanks around it); or a problem was added: -EINVAL; -ENOMEM.
 */
int format_take(const struct rule *rule, const struct spot *spot, str *text);

bool format_is_hostname(str text);
bool format_is_ipv4(str text);
bool format_is_ipv6(str text);
/** The alphabet of RFC 4648, section 4, padded; no line feeds. */
bool format_is_base64(str text);
/** Lower-case letters and digits of ASCII, in words joined by single hyphens. */
bool format_is_slug(str text);

#endif
