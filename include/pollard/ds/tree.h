/* A counted B+tree of packed blocks: sequences by position, and sets ordered by (key, text).
 *
 *             node {counts, children}            refs on every node and block
 *            /          |          \
 *        block        block        block         records one behind the other:
 *   [key] item [key] item ...                    a keyed tree's record begins with 8 bytes of key
 *
 * Versions: tree_copy shares the root, O(1). Who changes a tree copies the nodes on its path that
 * others share (count above 1), so every copy stays as it was. Copies may be read and freed on
 * other threads while the original is changed: counts are atomic. A tree itself is not locked.
 *
 * Keys order as unsigned integers, but 0x7fff'ffff'ffff'ffff orders as 0x8000'0000'0000'0000: the
 * two zeroes of a sortable double (zset). Records with equal keys are ordered by item_compare.
 *
 * Blocks and nodes are of bounded size and allocated with mem_alloc; no call ever fails. No call on
 * one record costs more than O(log n) node copies, whatever the size. */
#ifndef POLLARD_DS_TREE_H
#define POLLARD_DS_TREE_H

#include "pollard/ds/item.h"

struct tree_node;

struct tree {
    /* read-only for users */
    struct tree_node *root; /* NULL: empty */
    uint64_t count;         /* records */
    /* Of nodes and blocks, as allocated, shared ones in full, no blobs; a guess from a large
     * tree_cut on, which shares it out by counts. */
    uint64_t bytes;
    bool is_keyed;
};

struct tree_record {
    uint64_t key; /* 0 in trees without keys */
    struct item item;
};

void tree_init(struct tree *tree, bool is_keyed);
/* A version: ret_copy is what tree is now, whatever is done to either. O(1). */
void tree_copy(const struct tree *tree, struct tree *ret_copy);
/* Drops all records; frees what no version shares. O(what is freed). */
void tree_clear(struct tree *tree);

/* ---- By position, 0 .. count - 1 ---- */

/* The view is valid until the tree is changed. rank < count. O(log n). */
void tree_get(const struct tree *tree, uint64_t rank, struct tree_record *ret_record);
/* Puts a record before the one at rank (rank == count: at the end); acquires a blob. In a keyed
 * tree the caller answers for the order: for building from sorted input, which at the end is O(1)
 * amortised and fills blocks. */
void tree_insert(struct tree *tree, uint64_t rank, const struct tree_record *record);
/* Another item in its place; the key stays. */
void tree_replace(struct tree *tree, uint64_t rank, const struct item *item);
void tree_remove(struct tree *tree, uint64_t rank);
/* Takes count records from rank on out of the tree, into ret_cut, which the caller clears (many at
 * once are freed cheaply elsewhere). O(log n). */
void tree_cut(struct tree *tree, uint64_t rank, uint64_t count, struct tree *ret_cut);

/* ---- By (key, text), keyed trees ---- */

/* Records below (key, text); with after: below or equal. O(log n). */
uint64_t tree_rank(const struct tree *tree, uint64_t key, const struct item *item, bool after);
/* Records whose key is below; with after: below or equal. */
uint64_t tree_rank_key(const struct tree *tree, uint64_t key, bool after);
/* Is the record there? ret_rank (may be NULL) is its place, or where it would go. */
bool tree_find(const struct tree *tree, uint64_t key, const struct item *item, uint64_t *ret_rank);
/* Puts it in its place in one descent; it must not be there. Returns its rank. */
uint64_t tree_add(struct tree *tree, const struct tree_record *record);
/* Takes it out in one descent; false when it is not there. */
bool tree_drop(struct tree *tree, uint64_t key, const struct item *item);

/* ---- Walks ---- */

#define TREE_DEPTH_MAX 12
/* Most records of a block. */
#define TREE_BLOCK_RECORDS 256

/* Between two records, or before the first, or behind the last. Valid until the tree is changed;
 * on a version, as long as the version. */
struct tree_cursor {
    /* private */
    const struct tree *tree;
    const struct tree_node *nodes[TREE_DEPTH_MAX]; /* root first, the block last */
    uint16_t slots[TREE_DEPTH_MAX];
    uint16_t depth;
    uint16_t record;         /* of the block: index of the next one */
    const unsigned char *at; /* the next one's bytes */
    bool is_indexed;         /* offsets say where the block's records begin */
    uint16_t offsets[TREE_BLOCK_RECORDS];
};

/* Before the record at rank; rank == count: behind the last. The tree (struct) must stay where it
 * is while the cursor is used. O(log n). */
void tree_cursor_at(const struct tree *tree, uint64_t rank, struct tree_cursor *ret_cursor);
/* The record behind / before the cursor, which moves over it; false at the end. O(1) amortised. */
bool tree_next(struct tree_cursor *cursor, struct tree_record *ret_record);
bool tree_previous(struct tree_cursor *cursor, struct tree_record *ret_record);

/* Aborts unless every invariant holds: counts, order, fill, bytes. For tests. O(n). */
void tree_verify(const struct tree *tree);

#endif
