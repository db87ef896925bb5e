/* What the handlers of the list group share. */
#ifndef POLLARD_CMD_LIST_COMMON_H
#define POLLARD_CMD_LIST_COMMON_H

#include "../collection.h"
#include "pollard/value/list.h"

/* Items that a command looks at, or moves, in one go on a reactor; more is done on the pool from a
 * version. Source: some nanoseconds each when looked at, 0.1 us when moved. */
#define LIST_LOOK_MAX ((uint64_t)4096)
/* Items between two looks at whether the client is still there. */
#define LIST_SLICE ((uint64_t)65536)

static inline const struct value_limits *list_limits(const struct exec *x)
{
    return &x->services->value_limits;
}

/* The list under a key of a command that writes. STATUS_OK, STATUS_ABSENT, STATUS_WRONG_TYPE. */
static inline enum status list_find(struct exec *x, uint32_t key_index,
                                    struct collection **ret_list)
{
    return collection_look(x, key_index, VALUE_LIST, ret_list);
}

/* argv[index] as LEFT or RIGHT. STATUS_OK, STATUS_SYNTAX. */
static inline enum status list_end_argument(const struct exec *x, uint32_t index,
                                            enum list_end *ret_end)
{
    if (argument_is(x, index, "left")) {
        *ret_end = LIST_HEAD;
        return STATUS_OK;
    }
    *ret_end = LIST_TAIL;
    return argument_is(x, index, "right") ? STATUS_OK : STATUS_SYNTAX;
}

/* A range of indices as LRANGE and LTRIM take it: what it means in a list of so many items. */
struct list_slice {
    uint64_t index;
    uint64_t count;
};
struct list_slice list_slice_of(uint64_t count, int64_t start, int64_t stop);

/* Takes items out of the list under the key and tells the event (as edit_end); the lock is not held
 * for freeing them. STATUS_OK. */
enum status list_cut_key(struct exec *x, uint32_t key_index, const struct list_slice *slice,
                         enum key_event event);
/* The list under the key becomes another one, which is taken over; the key keeps its expiry. An
 * empty one deletes the key. Tells the event. */
void list_install(struct exec *x, uint32_t key_index, struct collection *made,
                  enum key_event event);

#endif
