/* An index of objects that embed their node: a hash table that grows a little with each insertion,
 * so that none of them pays for all. Floor 1.
 *
 * The index hashes and compares nothing itself: the caller brings the hash and tells the object
 * among those of the same hash. Not locked. A zeroed struct is an empty index, which owns no
 * memory. */
#ifndef POLLARD_DS_INDEX_H
#define POLLARD_DS_INDEX_H

#include "pollard/base/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_node {
    struct index_node *next; /* private */
    uint64_t hash;           /* its low bits choose the bucket: all of them must be random */
};

struct index {
    size_t count;
    /* private */
    struct index_node **buckets; /* those of older that were moved have their nodes here */
    struct index_node **older;   /* half as many; NULL: it does not grow just now */
    size_t bucket_count;         /* a power of two, or 0 */
    size_t moved;                /* buckets of older that are no more */
};

/* The first node of that hash, NULL when there is none; and the next one behind it. O(1). */
struct index_node *index_find(const struct index *index, uint64_t hash);
struct index_node *index_find_next(const struct index_node *node);
/* Adds the node; its hash is set. O(1), never much more. */
void index_insert(struct index *index, struct index_node *node);
/* Takes the node out; it is in. The last one takes the index's memory with it. O(1). */
void index_remove(struct index *index, struct index_node *node);
/* Visits all nodes, until visit says false. It may take out the one it is given, no other. */
void index_each(struct index *index, bool (*visit)(struct index_node *node, void *argument),
                void *argument);
/* Any node, NULL when it is empty: to take them all out one by one. *position begins at 0 and is
 * kept between the calls; nothing is inserted meanwhile. O(1) amortised. */
struct index_node *index_any(const struct index *index, size_t *position);
/* Bytes of its own memory. */
size_t index_memory(const struct index *index);

#endif
