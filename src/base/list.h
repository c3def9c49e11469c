// list.h — an intrusive doubly linked list; a node knows whether it is in one.
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/** The object whose `member` is at `pointer`. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define list_each(node, head) for (struct list *node = (head)->next; node != (head); node = node->next)
/** The same where the body may remove `node`. */
#define list_each_safe(node, head)                                                                                                         \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head); node = node##_next, node##_next = node->next)

static inline void list_init(struct list *list) {
    list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list) {
    return list->next == list;
}

static inline void list_push(struct list *list, struct list *node) {
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void list_push_front(struct list *list, struct list *node) {
    list_push(list->next, node);
}

/** Takes `node` out of whatever list it is in; afterwards it is an empty list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/** The first node, taken out; NULL where there is none. */
static inline struct list *list_pop(struct list *list) {
    struct list *node = list->next;
    if (node == list)
        return NULL;
    list_remove(node);
    return node;
}

/** Moves all of `from` behind `list`. */
static inline void list_append(struct list *list, struct list *from) {
    if (list_is_empty(from))
        return;
    from->next->prev = list->prev;
    list->prev->next = from->next;
    from->prev->next = list;
    list->prev = from->prev;
    list_init(from);
}

#endif
