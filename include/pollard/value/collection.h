/* What lists, sets, sorted sets and hashes have in common: an object with a reference count.
 *
 *   small: the header and one block of packed items behind it
 *   large: the header, then the type's own struct over ds/tree.h and ds/map.h
 *
 * A reference is a version: who holds one sees the collection as it was when he took it. It may be
 * taken only by who holds one, or under the lock of the key that does. Who wants to change a
 * collection must be the only one to hold it: collection_own makes it so, by copying a small one (a
 * bounded block) or by sharing a large one's nodes (O(1)).
 *
 * The types' operations are in list.h, set.h, zset.h, hash.h. They take struct collection ** where
 * they may change it, because a small one moves when it grows and is replaced when it is
 * converted: always through the pointer that the keyspace (or the maker) has.
 *
 * Threads: none of its own. Counts are atomic; everything else is the holder's of the key's
 * exclusive lock (changes) or of a reference (reads). */
#ifndef POLLARD_VALUE_COLLECTION_H
#define POLLARD_VALUE_COLLECTION_H

#include "pollard/ds/map.h"
#include "pollard/ds/tree.h"
#include "pollard/value/limits.h"
#include "pollard/value/value.h"
#include <stdatomic.h>

struct collection {
    _Atomic uint32_t refs;
    uint8_t type;     /* enum value_type */
    uint8_t encoding; /* enum value_encoding: what OBJECT ENCODING tells */
    uint8_t is_large;
    uint8_t form;   /* the type's own: which of its forms this is */
    uint32_t count; /* small: elements (pairs of a hash count once) */
    uint32_t size;  /* small: bytes used of pack */
    unsigned char pack[];
};

static inline struct collection *collection_acquire(struct collection *collection)
{
    atomic_fetch_add_explicit(&collection->refs, 1, memory_order_relaxed);
    return collection;
}
/* Gives up a reference; the last one frees all elements, here and now: O(elements). NULL is
 * allowed. See keyspace_discard_collection for what may be large. */
void collection_release(struct collection *collection);
/* Acquire pairs with the release in collection_release. */
static inline bool collection_is_unique(const struct collection *collection)
{
    return atomic_load_explicit(&((struct collection *)collection)->refs, memory_order_acquire) ==
           1;
}
/* Makes *collection the caller's alone. */
void collection_own(struct collection **collection);
/* Elements: of a hash its fields. */
uint64_t collection_count(const struct collection *collection);
/* Bytes of it and of its structure, long elements' blobs apart. The same state has the same. O(1).
 */
size_t collection_own_memory(const struct collection *collection);
/* Bytes of these blobs, estimated from samples (0: all). */
size_t collection_long_memory(const struct collection *collection, uint64_t samples);
/* Bytes it takes, blobs of long elements estimated from samples (0: all). */
size_t collection_memory(const struct collection *collection, uint64_t samples);
/* Is freeing it more work than a reactor should do? O(1). */
bool collection_is_heavy(const struct collection *collection);

/* ---- Small forms: blocks of packed items. For the types' own code ---- */

/* A small collection without elements, room for room bytes. */
ATTR_MUST_USE struct collection *small_create(enum value_type type, enum value_encoding encoding,
                                              size_t room);
static inline const unsigned char *small_end(const struct collection *collection)
{
    return collection->pack + collection->size;
}
/* Opens a gap of size bytes at offset and returns where it begins; the block may move. The caller
 * fills it with packed items, acquires their blobs, and sets count. */
unsigned char *small_open(struct collection **collection, size_t offset, size_t size);
/* Closes size bytes at offset, whose blobs the caller has released. Gives memory back when much is
 * unused. */
void small_close(struct collection **collection, size_t offset, size_t size);
/* Makes the old_size bytes at offset new_size long; what is behind them moves. As small_open. */
unsigned char *small_resize(struct collection **collection, size_t offset, size_t old_size,
                            size_t new_size);

/* ---- Elements of any collection, in order ---- */

struct element {
    struct item member; /* of a list: the item; of a hash: the field */
    struct item value;  /* of a hash */
    double score;       /* of a sorted set */
};

/* A walk. Lists and sorted sets by rank from either end; sets and hashes from the beginning to the
 * end. Valid while the collection is not changed (or: on a version). About 2.5 KB. */
struct collection_cursor {
    /* private */
    const struct collection *collection;
    bool is_reverse;
    const unsigned char *at;
    uint64_t left; /* elements to come */
    const struct hash_expiry *expiry;
    int64_t now_ms;
    union {
        struct tree_cursor tree;
        struct map_cursor map;
        uint16_t offsets[128]; /* small lists in reverse: where the items begin */
    } in;
};

/* Begins at the rank-th element of the walk's direction (rank <= count; sets and hashes: 0, not
 * reverse). now_ms: hash fields that are over by then are passed by. */
struct cursor_start {
    uint64_t rank;
    bool is_reverse;
    int64_t now_ms;
};
void collection_cursor_begin(struct collection_cursor *cursor, const struct collection *collection,
                             const struct cursor_start *start);
/* False at the end. The views are valid as long as the collection is not changed. */
bool collection_cursor_next(struct collection_cursor *cursor, struct element *ret_element);

/* How a type does what is asked of every collection: one row a type (list_methods, ...). */
struct collection_methods {
    /* Large ones. */
    struct collection *(*copy)(const struct collection *collection); /* a version of one's own */
    void (*free)(struct collection *collection);                     /* the object too, mem_free */
    uint64_t (*count)(const struct collection *collection);
    size_t (*memory)(const struct collection *collection); /* without long elements' blobs */
    /* Both forms. */
    void (*cursor_begin)(struct collection_cursor *cursor, const struct cursor_start *start);
    bool (*cursor_next)(struct collection_cursor *cursor, struct element *ret_element);
};
extern const struct collection_methods list_methods;
extern const struct collection_methods set_methods;
extern const struct collection_methods zset_methods;
extern const struct collection_methods hash_methods;

#endif
