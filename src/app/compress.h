// compress.h — bodies of answers made fewer bytes for those who take them.
#ifndef APP_COMPRESS_H
#define APP_COMPRESS_H

#include "app/request.h"

/**
 * The body of `answer` is written, and of the size at which that is worth a look: codes it where its type and its client allow, or says
 * that it would be coded for others (Vary).
 */
void compress(req *r, struct answer *answer, str type);

#endif
