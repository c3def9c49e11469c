// option.h — an option of a descriptor that a plugin made: one from before the option came has a shorter descriptor.
//
// Descriptors begin with their own size, or with an item that has it, and grow at their end alone. What version 1.0 of the interface had is
// read as any member; what came since is read by these, or from a copy of the descriptor into zeroed memory, as leat_plugin and the options
// that are passed to functions are.
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stddef.h>

/** Of an item, whose `base` has its size: ITEM_OPTION(route, read_only). Zero of its type where the plugin is older. */
#define ITEM_OPTION(item_, member_) OPTION_WITHIN((item_)->base.size, item_, member_)
/** Of a descriptor that has its size itself: OPTION(error, retry_after_s). */
#define OPTION(descriptor_, member_) OPTION_WITHIN((descriptor_)->size, descriptor_, member_)

#define OPTION_WITHIN(size_, descriptor_, member_)                                                                                         \
    ((size_) >= offsetof(__typeof__(*(descriptor_)), member_) + sizeof((descriptor_)->member_) ? (descriptor_)->member_                    \
                                                                                               : (__typeof__((descriptor_)->member_)){0})

#endif
