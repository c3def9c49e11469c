// said.h — whether a text that turned out to be wrong is what the client has said, and where.
#ifndef APP_SAID_H
#define APP_SAID_H

#include "app/request.h"

/**
 * Where the request says exactly this text: as a value of its query, its path or its form, or as a string of its JSON body. In the
 * request's memory; NULL where it does not, or without memory. For what has failed already: it looks everywhere.
 */
const struct location *said(req *r, str text);
/** The same for a text with CR, LF or NUL of which the request says a part that has one; of a JSON body it is enough that it has one. */
const struct location *said_line_break(req *r, str text);

#endif
