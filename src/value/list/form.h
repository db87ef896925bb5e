/* The forms of lists and the changes between them. Private to value/list. */
#ifndef POLLARD_VALUE_LIST_FORM_H
#define POLLARD_VALUE_LIST_FORM_H

#include "pollard/value/list.h"

/* A large list, behind its header. */
struct list_body {
    struct tree tree;
    uint64_t cost; /* list_cost of all items; LIST_COST_UNKNOWN after a cut of a long list */
};
#define LIST_COST_UNKNOWN UINT64_MAX

static inline struct list_body *list_body(const struct collection *list)
{
    return (struct list_body *)(void *)((struct collection *)list)->pack;
}

/* Bytes that the item takes in Redis's listpack: the limit is in these. */
uint64_t list_cost_any(const struct item *item);
static inline uint64_t list_cost(const struct item *item)
{
    if (LIKELY(item->data != NULL && item->size <= 63)) {
        return item->size + 2;
    }
    return list_cost_any(item);
}
static inline void list_cost_add(struct list_body *body, const struct item *item)
{
    if (body->cost != LIST_COST_UNKNOWN) {
        body->cost += list_cost(item);
    }
}
static inline void list_cost_take(struct list_body *body, const struct item *item)
{
    if (body->cost != LIST_COST_UNKNOWN) {
        body->cost -= list_cost(item);
    }
}

/* A large list of no items, which is still called a listpack. */
struct collection *list_create_large(void);
/* Before an item is put in or replaced: makes the encoding and the form what the list needs then.
 */
void list_prepare(struct collection **list, const struct item *item,
                  const struct value_limits *limits);
/* After items have left a large list: makes them what its size allows. */
void list_shrunk(struct collection **list, const struct value_limits *limits);

#endif
