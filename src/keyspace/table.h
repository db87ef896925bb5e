/* The table of a shard's keys in one database: linear hashing over buckets of a cache line.
 * Private to keyspace.
 *
 *   table -> directory -> segment of up to 16 buckets -> 8 slots: [16-bit tag | 48-bit entry]
 *                                                        a full bucket's last slot links to a node
 *                                                        of 4 more slots (lowest bit set)
 *
 * It grows by one bucket for every 6.4 keys and shrinks alike: no doubling, no pause. The tag holds
 * bits 4 to 19 of the 32-bit table hash, so that a split at these levels looks at no entry.
 *
 * Lookups are inline, in bucket.h.
 * Threads: changed under the shard's exclusive lock, read under the shared one; the hints
 * (prefetch.c) read it without: buckets, nodes, segments and directories are published with release
 * stores and retired through epochs (gate.h). Invariants:
 * 1. Slots of a chain are packed: the first empty one ends it.
 * 2. A node holds at least 1 entry.
 * 3. The first segment has min(16, next power of two of the bucket count's maximum) buckets. */
#ifndef POLLARD_KEYSPACE_TABLE_H
#define POLLARD_KEYSPACE_TABLE_H

#include "entry.h"
#include "gate.h"
#include <stdatomic.h>

#define BUCKET_SLOTS 8
#define NODE_SLOTS 4
#define SEGMENT_BITS 3
#define SEGMENT_BUCKETS (UINT32_C(1) << SEGMENT_BITS)

struct bucket {
    _Atomic uint64_t slots[BUCKET_SLOTS];
} ATTR_ALIGNED(CACHE_LINE);

struct directory {
    uint32_t capacity;
    _Atomic(struct bucket *) segments[];
};

struct wheel;
struct database;

/* 48 bytes, so that the first one of a shard shares its line. */
struct table {
    _Atomic(struct table *) next; /* of another database in the same shard */
    _Atomic(struct database *) database;
    _Atomic(struct directory *) directory;
    struct wheel *wheel; /* NULL: no key has a TTL */
    _Atomic uint32_t bucket_count;
    _Atomic uint32_t key_count; /* written under the lock, peeked at without */
    uint32_t ttl_count;
    uint32_t first_level : 3; /* log2 of the first segment's buckets */
    uint32_t node_count : 29;
};

/* Where a key is: the slot that holds it. */
struct position {
    _Atomic uint64_t *slot;
    struct entry *entry; /* NULL: not found */
};

static inline uint32_t table_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* An empty table in zeroed memory, whose next is left alone; the database is published last. */
void table_init(struct table *table, struct database *database);
/* Frees what the table holds, every entry too; not the struct. */
void table_deinit(struct table *table);
/* Frees every entry and retires the table, which must be out of its shard and on the heap: for one
 * that threads may meet on their way to another table, but whose keys nobody looks up any more. */
void table_retire(struct table *table, struct gate *gate);
/* Is it empty, and larger than a table at its beginning? */
static inline bool table_wants_end(const struct table *table)
{
    struct table *self = (struct table *)table;
    return atomic_load_explicit(&self->key_count, memory_order_relaxed) == 0 &&
           atomic_load_explicit(&self->bucket_count, memory_order_relaxed) > 1;
}
/* The key must not be there. rehash tells the table hash of an entry: for splits that the tags do
 * not decide. */
struct rehash {
    uint32_t (*hash)(void *context, const struct entry *entry);
    void *context;
    struct gate *gate;
};
void table_insert(struct table *table, struct entry *entry, uint32_t hash,
                  const struct rehash *rehash);
/* Takes the entry at the position out of the table; the caller frees it. */
void table_remove(struct table *table, struct position position, uint32_t hash,
                  const struct rehash *rehash);
/* Puts another entry of the same key into the position. */
void table_replace(struct position position, struct entry *entry);

/* Visits every entry of a bucket; false from the visitor ends it. index < bucket_count. */
typedef bool table_visitor(void *argument, struct entry *entry);
bool table_visit_bucket(const struct table *table, uint32_t index, table_visitor *visit,
                        void *argument);
/* Entries whose tag fits the hash, at most count of them. */
size_t table_find_tagged(const struct table *table, uint32_t hash, struct entry **entries,
                         size_t count);
/* Next position of a scan (bit-reversed), having visited all buckets of cursor; 0 at the end. */
uint32_t table_scan(const struct table *table, uint32_t cursor, table_visitor *visit,
                    void *argument);
size_t table_bytes(const struct table *table);
/* Checks the invariants. */
void table_verify(const struct table *table, const struct rehash *rehash);

#endif
