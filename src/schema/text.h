// text.h — what Unicode knows of a character.
#ifndef SCHEMA_TEXT_H
#define SCHEMA_TEXT_H

#include "base/arena.h"

/** Lower case by Unicode's simple mapping; `s` itself where nothing changes; `ptr` NULL without memory. */
str text_lower(struct arena *arena, str s);
/** Holds an upper-case (Lu, Lt) letter; a decimal digit (Nd). */
bool text_has_upper(str s);
bool text_has_digit(str s);

#endif
