/* A segmented hash table: names with nothing, a word or an item each.
 *
 *          node {count, up to 256 slots}          slots: by the next bits of the hash, high bits
 *          /       |        \                     first; several may share one segment
 *       node    segment    segment                a segment: tags | offsets | records, packed
 *
 * It grows and shrinks a segment at a time: no call on one record ever rehashes more than one
 * segment (some tens of records). Walks go in the order of the hashes, so that a position is a
 * hash, valid whatever grows or shrinks; every node knows its count, so that random picks are fair.
 *
 * Versions: map_copy shares the root, O(1). Who changes a map copies the nodes on its path that
 * others share (count above 1), so every copy stays as it was. Copies may be read and freed on
 * other threads while the original is changed: counts are atomic. A map itself is not locked.
 *
 * Nodes and segments are of bounded size and allocated with mem_alloc; no call ever fails. */
#ifndef POLLARD_DS_MAP_H
#define POLLARD_DS_MAP_H

#include "pollard/base/hash.h"
#include "pollard/ds/item.h"

struct map_node;

enum map_kind {
    MAP_NAMES, /* a name alone: sets */
    MAP_WORDS, /* and 64 bits: scores, expiry times */
    MAP_ITEMS  /* and an item: hashes */
};

struct map {
    /* read-only for users */
    struct map_node *root; /* NULL: empty */
    uint64_t count;
    uint64_t bytes; /* of nodes and segments (as allocated, shared ones in full), no blobs */
    const struct hash_secret *secret;
    uint8_t kind; /* enum map_kind */
};

/* A view, or what is to be stored; fields that the kind does not have are ignored or 0. */
struct map_record {
    struct item name;
    uint64_t word;
    struct item value;
};

/* secret: outlives the map and its versions; the same for all maps of a process. */
void map_init(struct map *map, enum map_kind kind, const struct hash_secret *secret);
/* A version. O(1). */
void map_copy(const struct map *map, struct map *ret_copy);
/* Drops all; frees what no version shares. O(what is freed). */
void map_clear(struct map *map);

/* The hash that the calls below want: of a name's text. */
uint64_t map_hash(const struct map *map, const struct item *name);

/* ret_record (may be NULL): views, valid until the map is changed. O(1). */
bool map_find(const struct map *map, const struct item_needle *name, struct map_record *ret_record);
/* Stores a record; acquires blobs. True: it is new; false: it has replaced what the name had. */
bool map_put(struct map *map, const struct map_record *record);
/* False when it was not there. */
bool map_remove(struct map *map, const struct item_needle *name);
/* The same for names in an item (another map's record): set algebra. */
bool map_has(const struct map *map, const struct item *name);
bool map_remove_item(struct map *map, const struct item *name);
/* The rank-th in the order of the walk, rank < count: random picks. O(log n) of small base. */
void map_at(const struct map *map, uint64_t rank, struct map_record *ret_record);
/* For new words in place, without another search: the word of a MAP_WORDS record; returns false
 * when it is not there. */
bool map_set_word(struct map *map, const struct item_needle *name, uint64_t word);

/* SCAN: visits at least the records of one segment from the cursor on, until about count were
 * visited; returns the next cursor, 0 at the end. Each record that stays from the first call to the
 * last is visited at least once, whatever grows or shrinks meanwhile. Cursors are below 2^53; any
 * number is a valid cursor. */
typedef void map_visitor(void *argument, const struct map_record *record);
uint64_t map_scan(const struct map *map, uint64_t cursor, uint64_t count, map_visitor *visit,
                  void *argument);

#define MAP_DEPTH_MAX 10

/* A walk over all, in the order of map_at. Valid until the map is changed; on a version, as long as
 * that. */
struct map_cursor {
    /* private */
    const struct map *map;
    const struct map_node *nodes[MAP_DEPTH_MAX]; /* root first, the segment last */
    uint16_t slots[MAP_DEPTH_MAX];
    uint16_t depth;
    uint16_t record; /* of the segment: index of the next one */
};

/* The map (struct) must stay where it is while the cursor is used. */
void map_cursor_begin(const struct map *map, struct map_cursor *ret_cursor);
bool map_next(struct map_cursor *cursor, struct map_record *ret_record);

/* Aborts unless every invariant holds. For tests. O(n). */
void map_verify(const struct map *map);

#endif
