/* SRANDMEMBER and ZRANDMEMBER: members drawn at random, each as likely as any. */
#ifndef POLLARD_CMD_MEMBER_DRAW_H
#define POLLARD_CMD_MEMBER_DRAW_H

#include "collection.h"

struct member_draw {
    /* The rank-th element of the collection. */
    void (*at)(const struct collection *collection, uint64_t rank, struct element *ret_element);
    enum stream_parts parts;
    int64_t count; /* negative: so many, each from all; positive: at most so many different ones */
};

/* Replies an array of what was drawn of a collection that is not empty; count is not INT64_MIN or
 * 0. Many are drawn by the client's reactor as it takes them, from a version. */
void member_draw(struct exec *x, struct collection *collection, const struct member_draw *draw);

#endif
