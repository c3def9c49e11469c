// intake_check.h — what a route says of its files, held against what has come.
#ifndef APP_INTAKE_CHECK_H
#define APP_INTAKE_CHECK_H

#include <leat/upload.h>

#include "app/request.h"

/** False where the route wants another type; `r` has the problem then. */
bool intake_check_type(req *r, const leat_param *param, const leat_upload *upload);
/** False where the file is longer than the route wants it; the same. */
bool intake_check_size(req *r, const leat_param *param, uint64_t bytes);

#endif
