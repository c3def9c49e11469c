// media_type.h — what a file is by its name, and whether its bytes can be made fewer.
#ifndef HTTP_MEDIA_TYPE_H
#define HTTP_MEDIA_TYPE_H

#include <stdbool.h>

#include <leat/values.h>

/** By what follows the last dot, any case; text with its charset, which is taken to be UTF-8. application/octet-stream for all others. */
str media_type_of_name(str name);
/** Text in the widest sense, parameters ignored; what is packed already (images, archives, fonts of the web) is not. */
bool media_type_is_compressible(str type);

#endif
