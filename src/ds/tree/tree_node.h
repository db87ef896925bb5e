/* Nodes of a tree: blocks of records, and branches above them. Private to ds/tree.
 *
 *   branch | head | count of records, first key, pointer of each child |
 *   block  | head | begin | end | room | mark |   gap   | record record ... |   gap   |
 *
 * All blocks are equally deep. A block keeps its gap where the last change left it, so that adding
 * at either end moves nothing.
 *
 * Invariants:
 * 1. A node may be changed only if its count of references and those of all nodes above it are 1.
 * 2. No node is empty. Small neighbours are merged when a removal meets them, and not before.
 * 3. The first key of a child, but for the first child, is at most that of its first record and at
 *    least that of the record before: it may be too low after a removal, which searches allow for.
 * 4. A block's mark says where one of its records begins: walks to that or a later one begin there.
 *    Records are read forwards only: removals leave it some records before their place, so that
 *    taking records off the end does not walk through all of the block each time. */
#ifndef POLLARD_TREE_NODE_H
#define POLLARD_TREE_NODE_H

#include "pollard/ds/tree.h"
#include <stdatomic.h>

/* A block is split when it would have more bytes or records than these: the bytes fill a class of
 * the allocator. A search walks through half a block on average, a change moves a quarter of one.
 */
#define BLOCK_BYTES (1280 - sizeof(struct block))
#define BLOCK_RECORDS TREE_BLOCK_RECORDS
/* Neighbours that have together less than these become one. */
#define BLOCK_MERGE_BYTES ((size_t)640)
#define BLOCK_MERGE_RECORDS (BLOCK_RECORDS / 2)
#define BRANCH_CHILDREN 32
#define BRANCH_MERGE_CHILDREN 20

struct tree_node {
    _Atomic uint32_t refs;
    uint16_t count; /* of a block its records, of a branch its children */
    uint8_t is_block;
    uint8_t unused;
};

struct child {
    uint64_t count; /* records below */
    uint64_t key;
    struct tree_node *node;
};

struct branch {
    struct tree_node head;
    struct child children[BRANCH_CHILDREN];
};

struct block_mark {
    uint16_t index;
    uint16_t at; /* bytes behind the first record */
};

struct block {
    struct tree_node head;
    uint16_t begin; /* of the records, in data */
    uint16_t end;
    uint16_t room;
    struct block_mark mark;
    unsigned char data[];
};

static inline struct branch *as_branch(const struct tree_node *node)
{
    return (struct branch *)(uintptr_t)node;
}

static inline struct block *as_block(const struct tree_node *node)
{
    return (struct block *)(uintptr_t)node;
}

/* Behind the record at p. */
static inline const unsigned char *record_next(const unsigned char *p, bool is_keyed)
{
    p += is_keyed ? sizeof(uint64_t) : 0;
    return p + item_span(p);
}

static inline uint64_t record_key(const unsigned char *p)
{
    uint64_t key;
    memcpy(&key, p, sizeof(key));
    return key;
}

static inline const unsigned char *record_view(const unsigned char *p, bool is_keyed,
                                               struct tree_record *ret_record)
{
    ret_record->key = 0;
    if (is_keyed) {
        ret_record->key = record_key(p);
        p += sizeof(uint64_t);
    }
    return item_read(p, &ret_record->item);
}

static inline size_t record_bytes(const struct item *item, bool is_keyed)
{
    return item_packed_size(item) + (is_keyed ? sizeof(uint64_t) : 0);
}

/* What keys are compared by: the two zeroes are one. */
static inline uint64_t key_order(uint64_t key)
{
    return key + (key == UINT64_C(0x7fffffffffffffff));
}

static inline unsigned char *block_begin(const struct block *block)
{
    return (unsigned char *)(uintptr_t)block->data + block->begin;
}

static inline unsigned char *block_end(const struct block *block)
{
    return (unsigned char *)(uintptr_t)block->data + block->end;
}

static inline size_t block_used(const struct block *block)
{
    return (size_t)block->end - block->begin;
}

/* The index-th record, or the end. */
static inline const unsigned char *block_record(const struct block *block, uint32_t index,
                                                bool is_keyed)
{
    const unsigned char *p = block_begin(block);
    if (index == block->head.count) {
        return block_end(block);
    }
    if (index >= block->mark.index) {
        p += block->mark.at;
        index -= block->mark.index;
    }
    for (; index > 0; index--) {
        p = record_next(p, is_keyed);
    }
    return p;
}

static inline bool node_is_shared(const struct tree_node *node)
{
    /* Acquire: pairs with the release in tree_node_release, so that what other holders have read
     * they have read before we write. */
    return atomic_load_explicit(&((struct tree_node *)(uintptr_t)node)->refs,
                                memory_order_acquire) > 1;
}

static inline void tree_node_acquire(struct tree_node *node)
{
    atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
}

/* ---- node.c ---- */

size_t tree_node_size(const struct tree_node *node);
/* Gives up a reference; the last one frees the node and gives up what is below. */
void tree_node_release(struct tree_node *node, bool is_keyed);
/* Makes *node the caller's alone; everything above it must be. */
void tree_node_own(struct tree_node **node, bool is_keyed);
/* Without children or records. room: bytes of records. */
struct block *block_create(size_t room);
struct branch *branch_create(void);
/* Records below a node. */
uint64_t tree_node_count(const struct tree_node *node);
/* The first record below a node. */
const unsigned char *tree_node_first(const struct tree_node *node);
/* Frees a node itself, whose children or records live on elsewhere. */
void tree_node_free(struct tree_node *node);
/* Puts a node, whose records are counted, between a branch's children. */
void branch_insert(struct branch *branch, uint32_t slot, struct tree_node *node, bool is_keyed);
void branch_remove(struct branch *branch, uint32_t slot);
/* The index-th record, not the end. Leaves the mark a little before, unless that is near the front
 * of the block. */
unsigned char *block_reach(struct block *block, uint32_t index, bool is_keyed);
/* Opens a gap of size bytes for a record at the place p in it; the block may move. Returns the gap.
 * bytes is kept up to date with its size. A mark behind p is given up, here and in block_close. */
unsigned char *block_open(struct tree_node **block, const unsigned char *p, size_t size,
                          uint64_t *bytes);
/* Closes size bytes at p. */
void block_close(struct block *block, unsigned char *p, size_t size);
/* Gives memory back down to what the allocator has for so much room. */
void block_fit(struct tree_node **block, size_t room, uint64_t *bytes);
/* Gives memory back when much is unused. */
void block_trim(struct tree_node **block, uint64_t *bytes);

/* ---- find.c ---- */

/* Order of a record in a block and a key and text: below, equal to, above 0. */
int record_compare(const unsigned char *p, uint64_t key, const struct item *item);
/* The child in which (key, item) is, or belongs. */
uint32_t branch_find(const struct branch *branch, uint64_t key, const struct item *item);
/* The child that holds the rank-th record; rank becomes the one within it, and count, the records
 * below the branch, those below the child. From the nearer end. */
static inline uint32_t branch_seek(const struct branch *branch, uint64_t *rank, uint64_t *count)
{
    uint32_t slot = 0;
    if (*rank > *count / 2) {
        uint64_t behind = *count - *rank;
        slot = branch->head.count - 1U;
        while (behind > branch->children[slot].count) {
            behind -= branch->children[slot].count;
            slot--;
        }
        *rank = branch->children[slot].count - behind;
    } else {
        while (slot + 1U < branch->head.count && *rank >= branch->children[slot].count) {
            *rank -= branch->children[slot].count;
            slot++;
        }
    }
    *count = branch->children[slot].count;
    return slot;
}

#endif
