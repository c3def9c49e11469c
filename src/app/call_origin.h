// call_origin.h — whether the URL of a call is what the client has said, and where.
#ifndef APP_CALL_ORIGIN_H
#define APP_CALL_ORIGIN_H

#include "app/request.h"

/**
 * Where the request says exactly this URL: as a value of its query, its path or its form, or as a string of its JSON body. In the
 * request's memory; NULL where it does not, or without memory. For what has failed already: it looks everywhere.
 */
const struct location *call_origin(req *r, str url);

#endif
