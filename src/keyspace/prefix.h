/* Counting by key prefix. Private to keyspace.
 *
 *   key bytes --up to the separator--> struct prefix (a bounded table, only grows) --> index
 *   index --> sizes: keys and bytes of a database, in stripes of threads   prefix_size.c
 *         --> tallies: hits, misses, sets, evictions of a thread           prefix_look.c
 *
 * Keys and bytes change where entries come to tables and go (shard.c), with the entry's shard held
 * exclusively. A collection changes in place: it is noted when a writer takes it (prefixes_edit),
 * and its growth is counted when the writer ends (prefixes_settle), both on the writer's thread.
 * Invariants: 1. The sums over a database's stripes are what its live entries add up to, but for
 * those that some writer has noted. 2. A prefix that did not get an index never gets one. */
#ifndef POLLARD_KEYSPACE_PREFIX_H
#define POLLARD_KEYSPACE_PREFIX_H

#include "pollard/base/lock.h"
#include "pollard/base/thread.h"
#include "pollard/keyspace/prefixes.h"
#include "pollard/stats/sampler.h"
#include "pollard/stats/stats.h"
#include "shard.h"

/* A longer prefix is none: keys are what a client chose. */
#define PREFIX_SIZE_MAX 64
/* Rows before the named ones: PREFIX_NONE, PREFIX_OTHER. */
#define PREFIX_FIRST 2

struct prefix {
    uint32_t index;
    uint32_t size;
    unsigned char name[];
};

struct prefix_tally {
    stat_counter hits;
    stat_counter misses;
    stat_counter misses_expired;
    stat_counter evictions;
    stat_counter sets;
    /* Of collections that were looked at: what long elements add to what is counted. */
    stat_counter own_bytes;
    stat_counter long_bytes;
    uint32_t looks; /* since these two were halved; the thread's own */
};

/* What the entries of a prefix add up to. */
struct prefix_size_sum {
    int64_t keys;
    int64_t bytes;       /* entries, strings, collections without their long elements */
    int64_t collections; /* of these: collections */
};

/* A collection that this thread's writer changes in place. */
struct prefix_edit {
    struct collection **collection; /* in its entry: tells it from others */
    struct database *database;
    uint32_t index;
    size_t before; /* bytes, as counted */
};

struct prefix_size;

/* Of one thread. Tallies are read by others. */
struct prefix_thread {
    /* Found last, if it is short: most keys in a row are alike. The first bytes of a key, masked,
     * are the prefix and its separator. */
    uint64_t last_word;
    uint64_t last_mask; /* 0: none */
    uint32_t last_index;
    /* The stripe that was counted in last, of the database that was; never freed before it. */
    const struct database *sized;
    struct prefix_size *sizes;
    struct prefix_edit *edits;
    uint32_t edit_count;
    uint32_t edit_capacity;
    struct sampler elements; /* of collections whose long elements are looked at */
    struct prefix_tally tallies[];
};

struct prefixes {
    const struct hash_secret *secret;
    unsigned char separator;
    uint32_t max; /* named ones */
    uint32_t slot_mask;
    struct lock lock;                /* of growing, and of zero */
    _Atomic uint32_t count;          /* rows in use, PREFIX_FIRST at first */
    _Atomic(struct prefix *) *slots; /* by hash, open addressing; twice the bound at least */
    _Atomic(struct prefix *) *rows;  /* by index */
    struct prefix_sum *zero; /* tallies of all rows at the last reset, or NULL; under the lock */
    /* Hashes of keys that expired lately: a miss of one is a miss because it expired. Made with the
     * first one. */
    _Atomic(_Atomic uint32_t *) expired;
    _Atomic(struct prefix_thread *) threads[THREADS_MAX];
};

extern _Thread_local struct sampler prefix_sampler ATTR_TLS_DIRECT;

/* NULL: the options want none. */
struct prefixes *prefixes_create(const struct keyspace_options *options,
                                 const struct hash_secret *secret);
void prefixes_destroy(struct prefixes **prefixes);
uint32_t prefix_find(struct prefixes *prefixes, struct prefix_thread *self, struct bytes key);
/* The row of a key, made when it is the first of its prefix and there is room. */
static inline uint32_t prefix_index(struct prefixes *prefixes, struct prefix_thread *self,
                                    struct bytes key)
{
    uint64_t word;
    if (LIKELY(key.size >= sizeof(word) && self->last_mask != 0)) {
        memcpy(&word, key.data, sizeof(word));
        if (LIKELY((word & self->last_mask) == self->last_word)) {
            return self->last_index;
        }
    }
    return prefix_find(prefixes, self, key);
}
struct prefix_thread *prefix_thread_make(struct prefixes *prefixes);
static inline struct prefix_thread *prefix_thread_self(struct prefixes *prefixes)
{
    struct prefix_thread *self =
        atomic_load_explicit(&prefixes->threads[thread_index()], memory_order_relaxed);
    return LIKELY(self != NULL) ? self : prefix_thread_make(prefixes);
}

/* ---- Keys and bytes: the entry's shard is held exclusively ---- */

/* An entry comes to place->table (fresh), goes (old), or takes another's place; one may be NULL.
 * Before the old one is freed. */
void prefixes_move(const struct place *place, const struct entry *old, const struct entry *fresh);
/* The collection of place's entry will be changed in place. */
void prefixes_edit(const struct place *place);
/* Before the shards are let go: counts what this thread's noted collections have become. */
void prefixes_settle(struct keyspace *keyspace);
/* For a database that nobody uses. */
void prefix_sizes_reset(struct database *database, uint32_t rows);
void prefix_sizes_free(struct database *database);
/* Adds a database's to sums[0 .. count). */
void prefix_sizes_add(struct database *database, struct prefix_size_sum *sums, uint32_t count);
/* Checks invariant 1; nobody else may write. O(keys). */
void prefixes_verify(struct keyspace *keyspace);

/* ---- Lookups and stores ---- */

enum prefix_event { PREFIX_HIT, PREFIX_MISS, PREFIX_MISS_EXPIRED, PREFIX_SET };
/* Looks at an event whose turn has come; returns result, so that the straight path may end with
 * it. */
ATTR_NOINLINE int prefixes_look(const struct access *access, uint32_t index,
                                enum prefix_event event, int result);
/* A lookup or store of a key: looked at if its turn has come. */
static inline int prefixes_see(const struct access *access, uint32_t index, enum prefix_event event,
                               int result)
{
    return sampler_is_due(&prefix_sampler) ? prefixes_look(access, index, event, result) : result;
}
/* A key is gone because its time was over, or because memory was wanted. Any shard state. */
void prefixes_expired(struct keyspace *keyspace, uint32_t hash);
/* There is a key with this hash again. */
void prefixes_unexpire(struct prefixes *prefixes, uint32_t hash);
void prefixes_evicted(struct keyspace *keyspace, struct bytes name);

#endif
