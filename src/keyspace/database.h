/* A physical database: what a logical one maps to until it is flushed. Private to keyspace.
 *
 * Its counters are spread over cache lines, so that threads that write do not meet there; they are
 * made with the first key. A database that is flushed is used again for another one, never freed
 * before the keyspace: who reads its counters needs no bracket.
 * Threads: counters by writers of any shard, with relaxed additions. */
#ifndef POLLARD_KEYSPACE_DATABASE_H
#define POLLARD_KEYSPACE_DATABASE_H

#include "pollard/base/attr.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct prefix_sizes;

/* Lines of counters: threads beyond share them. */
#define DATABASE_STRIPES 16

struct database_counts {
    _Atomic int64_t keys;
    _Atomic int64_t expires;
    _Atomic int64_t subexpires; /* hashes with fields that have a TTL */
} ATTR_ALIGNED(CACHE_LINE);

struct database {
    _Atomic(struct database_counts *) counts;    /* DATABASE_STRIPES of them, or NULL: no key yet */
    _Atomic(struct prefix_sizes *) prefix_sizes; /* NULL: none counted yet (prefix.h) */
    _Atomic bool is_dead;                        /* flushed: its tables are garbage */
    _Atomic uint32_t index;                      /* the logical one that maps to it, unless dead */
    struct database *next_dead;
    uint64_t dying_keys; /* of a dead one: not yet freed; under dead_lock */
};

/* The calling thread's line, made when missing. */
struct database_counts *database_counts_self(struct database *database);
/* Sets all counters to 0: for a database that nobody uses. */
void database_reset(struct database *database);
int64_t database_keys(const struct database *database);
int64_t database_expires(const struct database *database);
int64_t database_subexpires(const struct database *database);

static inline void database_count_key(struct database *database, int change)
{
    atomic_fetch_add_explicit(&database_counts_self(database)->keys, change, memory_order_relaxed);
}

static inline void database_count_ttl(struct database *database, int change)
{
    atomic_fetch_add_explicit(&database_counts_self(database)->expires, change,
                              memory_order_relaxed);
}

static inline void database_count_field_ttl(struct database *database, int change)
{
    atomic_fetch_add_explicit(&database_counts_self(database)->subexpires, change,
                              memory_order_relaxed);
}

#endif
