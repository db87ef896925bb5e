/* Nodes of a map: directories and segments. Private to ds/map.
 *
 *   directory   | head | count | 2^bits slots | counts |      slot: the next bits of the hash
 *   segment     | head | count | used | room | tags | offsets | records ...
 *
 * depth is how many of the hash's top bits all records below a node share. A child whose depth is
 * less than its directory's depth + bits stands in a run of neighbouring slots, and is one child:
 * one reference, counted once, at the first of its slots. Counts lie beside the slots so that a
 * search by rank looks at no child but its own.
 *
 * Invariants:
 * 1. A node may be changed only if its count and those of all nodes above it are 1.
 * 2. A directory has at least two children, or one directory that 8 bits could not tell apart.
 * 3. A segment's records lie one behind the other, without gaps, in no order; offsets say where.
 * 4. An empty map has no root. Segments may be empty otherwise: one half of a split that large
 *    records forced, or one whose neighbour is too full to be merged with. */
#ifndef POLLARD_MAP_NODE_H
#define POLLARD_MAP_NODE_H

#include "pollard/ds/map.h"
#include <stdatomic.h>

/* Records of a segment, and its bytes of records, above which it is split. A lookup reads the tags
 * and one record; a change moves the rest of the segment. */
#define SEGMENT_RECORDS 64
#define SEGMENT_BYTES 3072
/* Neighbours that have together less than these become one. */
#define MERGE_RECORDS 28
#define MERGE_BYTES 1400
/* A segment this deep is not split any more: only equal hashes come so far. */
#define DEPTH_MAX 60
#define DIRECTORY_BITS 8

struct map_node {
    _Atomic uint32_t refs;
    uint8_t is_segment;
    uint8_t depth;
    uint8_t bits;    /* directories: log2 of the slots */
    uint8_t columns; /* segments: room for tags and offsets, in 16s */
};

struct directory {
    struct map_node head;
    uint64_t count; /* records below */
    struct map_node *slots[];
};

struct segment {
    struct map_node head;
    uint16_t count;
    uint16_t unused;
    uint32_t used; /* bytes of records */
    uint32_t room;
    unsigned char data[];
};

static inline struct directory *as_directory(const struct map_node *node)
{
    return (struct directory *)(uintptr_t)node;
}

static inline struct segment *as_segment(const struct map_node *node)
{
    return (struct segment *)(uintptr_t)node;
}

static inline uint32_t segment_columns(const struct segment *segment)
{
    return (uint32_t)segment->head.columns * 16;
}

static inline unsigned char *segment_tags(const struct segment *segment)
{
    return (unsigned char *)(uintptr_t)segment->data;
}

static inline uint16_t *segment_offsets(const struct segment *segment)
{
    return (uint16_t *)(void *)(segment_tags(segment) + segment_columns(segment));
}

static inline unsigned char *segment_records(const struct segment *segment)
{
    return segment_tags(segment) + (size_t)segment_columns(segment) * 3;
}

static inline unsigned char *segment_record(const struct segment *segment, uint32_t index)
{
    return segment_records(segment) + segment_offsets(segment)[index];
}

/* Records of the child that begins at each slot; 0 where one goes on. A child of 2^32 records would
 * be beside 255 others like it: tens of terabytes. */
static inline uint32_t *directory_counts(const struct directory *directory)
{
    return (uint32_t *)(uintptr_t)(directory->slots + (1U << directory->head.bits));
}

/* The slot of a hash. */
static inline uint32_t directory_slot(const struct directory *directory, uint64_t hash)
{
    return (uint32_t)(hash << directory->head.depth >> (64 - directory->head.bits));
}

/* How many slots a child stands in: a power of two. */
static inline uint32_t child_run(const struct directory *directory, const struct map_node *child)
{
    return 1U << (directory->head.depth + directory->head.bits - child->depth);
}

static inline bool node_is_shared(const struct map_node *node)
{
    /* Acquire: pairs with the release in node_release, so that what other holders have read they
     * have read before we write. */
    return atomic_load_explicit(&((struct map_node *)(uintptr_t)node)->refs, memory_order_acquire) >
           1;
}

static inline uint64_t node_count(const struct map_node *node)
{
    return node->is_segment ? as_segment(node)->count : as_directory(node)->count;
}

size_t node_size(const struct map_node *node);
static inline void node_acquire(struct map_node *node)
{
    atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
}
/* Gives up a reference; the last one frees the node and gives up its children. Returns the bytes
 * that were freed. */
size_t node_release(struct map_node *node, enum map_kind kind);
/* A copy of a node with a count of 1: children or blobs are acquired. */
struct map_node *node_copy(const struct map_node *node, enum map_kind kind);

/* The segment where a hash belongs; the map is not empty. */
const struct segment *find_segment(const struct map *map, uint64_t hash);

/* ---- segment.c ---- */

struct segment *segment_create(uint8_t depth, uint32_t columns, size_t room);
/* Behind the record at p. */
const unsigned char *record_end(const unsigned char *p, enum map_kind kind);
void record_read(const unsigned char *p, enum map_kind kind, struct map_record *ret_record);
size_t record_size(const struct map_record *record, enum map_kind kind);
void record_write(const struct map_record *record, enum map_kind kind, unsigned char *out);
/* Index of the name's record, -1 when it is not there. */
int segment_find(const struct segment *segment, unsigned char tag, const struct item_needle *name);
/* Room for size bytes more behind the records, and a tag; the segment may move. */
void segment_reserve(struct segment **segment, size_t size);
/* Adds bytes of one record behind the others; room was reserved. Returns where they go. */
unsigned char *segment_append(struct segment *segment, unsigned char tag, size_t size);
/* Takes a record of size bytes out; the last one gets its index. */
void segment_cut(struct segment *segment, uint32_t index, size_t size);
/* Gives memory back when much is unused; the segment may move. */
void segment_trim(struct segment **segment);

static inline unsigned char hash_tag_of(uint64_t hash)
{
    return (unsigned char)hash;
}

/* The hash of the record's name. */
uint64_t record_hash(const unsigned char *p, const struct hash_secret *secret);

#endif
