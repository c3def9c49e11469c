// media_type.h — what a file is by its name, whether its bytes can be made fewer, and lists of types.
#ifndef HTTP_MEDIA_TYPE_H
#define HTTP_MEDIA_TYPE_H

#include <stdbool.h>

#include <leat/values.h>

/** By what follows the last dot, any case; text with its charset, which is taken to be UTF-8. application/octet-stream for all others. */
str media_type_of_name(str name);
/** Text in the widest sense, parameters ignored; what is packed already (images, archives, fonts of the web) is not. */
bool media_type_is_compressible(str type);

enum { MEDIA_TYPE_BYTES_MAX = 255 }; // RFC 6838, section 4.2: 127 on each side of the slash

/** Takes the next of a list between commas off `*rest`, without the blanks around it, which may be empty; false at its end. */
bool media_type_next(str *rest, str *ret_type);
/** True for "type/subtype" without parameters (RFC 9110, section 8.3.1), in lower case, each a "*" at most. */
bool media_type_is_one(str type);

#endif
