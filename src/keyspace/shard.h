/* A shard: some of the keys of every database, behind one lock. Private to keyspace. */
#ifndef POLLARD_KEYSPACE_SHARD_H
#define POLLARD_KEYSPACE_SHARD_H

#include "database.h"
#include "evict.h"
#include "gate.h"
#include "pollard/base/lock.h"
#include "pollard/keyspace/access.h"
#include "shard_lock.h"
#include "table.h"
#include "trim.h"

/* One cache line: all that a lookup needs before the table's directory. */
struct shard {
    _Atomic uint32_t word;
    uint32_t version; /* of its keys: changes with every exclusive hold; under the lock */
    _Atomic int64_t latest_now_ms; /* the latest time this shard judged by */
    /* Tables, one a database that has keys here: nearly always the one in place. Unused when its
     * database is NULL; others hang on its next. */
    struct table table;
} ATTR_ALIGNED(CACHE_LINE);

/* The jobs that wait at a shard. */
struct shard_queue {
    _Atomic int64_t since_us; /* monotonic; 0: nobody queues */
    struct access_waiter *head;
    struct access_waiter **tail;
    struct lock lock;
};

/* Keys of a shard that are watched, waited for or leased (note.h). */
#define NOTE_FILTER_WORDS 4
struct note_table {
    struct key_note **slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t count;
    uint32_t lease_count;
    int64_t sweep_ms; /* when its leases are to be looked through; while there are some */
    uint32_t dropped; /* notes since the filter was made */
    /* A bit, by the hash, for each key with a note, and for some that had one: most keys of a shard
     * with notes are told at once that they have none. */
    uint64_t filter[NOTE_FILTER_WORDS];
};
static inline uint64_t *note_filter_word(struct note_table *table, uint64_t hash)
{
    return &table->filter[(hash >> 38) % NOTE_FILTER_WORDS];
}
static inline uint64_t note_filter_bit(uint64_t hash)
{
    return UINT64_C(1) << ((hash >> 32) & 63);
}

struct dead_value {
    struct dead_value *next;
    struct collection *collection;
    struct blob *blob;
    size_t size;
};

struct prefixes;

struct keyspace {
    const struct keyspace_options *options;
    struct prefixes *prefixes; /* NULL: not counted (prefix.h) */
    struct keyspace_hooks hooks;
    struct keyspace_sinks sinks;
    struct hash_secret secret;
    _Atomic uint32_t interest; /* what the sinks want to hear: of enum access_interest */
    uint32_t shard_mask;
    uint32_t shard_count;
    uint32_t database_count;
    struct shard *shards;
    struct shard_queue *queues; /* one a shard */
    struct note_table *notes;   /* one a shard */
    _Atomic uint64_t watched_keys;
    _Atomic uint64_t waited_keys;
    _Atomic uint64_t leased_keys;
    _Atomic(struct key_note *) due_turns; /* lease.c */
    _Atomic int64_t *due_ms; /* one a shard: when its expiry index, or its leases, are due */
    _Atomic(struct database *) *databases; /* logical to physical */
    _Atomic int64_t told_due_ms;           /* what want_expire was told last */
    _Atomic bool expires_actively;
    _Atomic(struct access *) priority; /* the one access that may hold tickets */
    _Atomic uint64_t queued_jobs;
    _Atomic uint64_t dying_bytes; /* of values that wait for the pool: as good as free */
    struct evict evict;
    /* budget.c and trim.c */
    _Atomic uint64_t over_bytes; /* by which the data is over its budget */
    _Atomic uint64_t used_looked_ticks;
    _Atomic uint64_t resident_looked_ticks;
    _Atomic uint64_t client_bytes; /* what clients take, and may take (0: no limit) */
    _Atomic uint64_t client_limit;
    _Atomic uint64_t peak_bytes;
    struct trim trim;
    _Atomic bool is_reclaiming; /* one thread at a time */
    struct lock dead_lock;
    struct database *dead_databases;
    struct database *spare_databases; /* reclaimed, to be used again */
    uint32_t dead_shard;              /* where the reclaim of the first of them is */
    struct dead_value *dead_values;
    uint64_t dead_value_count; /* with the one that is being freed */
    struct gate gate;
};

static inline struct shard *shard_of(const struct keyspace *keyspace, uint64_t hash)
{
    return &keyspace->shards[hash & keyspace->shard_mask];
}

/* Whom changes in this shard may concern; the shard is held. */
static inline uint32_t shard_interest(const struct keyspace *keyspace, const struct shard *shard)
{
    /* Relaxed: who begins to listen for changes of a key registers under its shard's lock
     * afterwards, and the next writer's grant comes after that. */
    uint32_t word = atomic_load_explicit(&((struct shard *)shard)->word, memory_order_relaxed);
    uint32_t wanted =
        atomic_load_explicit(&((struct keyspace *)keyspace)->interest, memory_order_relaxed);
    _Static_assert(SHARD_NOTED == ACCESS_NOTED, "the bit goes as it is");
    return wanted | (word & SHARD_NOTED);
}

/* Can the key have a note? The shard is held. */
static inline bool shard_may_note(const struct keyspace *keyspace, uint64_t hash)
{
    struct note_table *table = &keyspace->notes[hash & keyspace->shard_mask];
    return (*note_filter_word(table, hash) & note_filter_bit(hash)) != 0;
}

static inline struct database *database_of(const struct keyspace *keyspace, uint32_t db)
{
    return atomic_load_explicit(&keyspace->databases[db], memory_order_relaxed);
}

static inline uint32_t shard_index(const struct keyspace *keyspace, const struct shard *shard)
{
    return (uint32_t)(shard - keyspace->shards);
}

static inline struct database *table_database(const struct table *table)
{
    /* Acquire: pairs with the release that makes a table, in place or not, one of the database. */
    return atomic_load_explicit(&((struct table *)table)->database, memory_order_acquire);
}

static inline struct table *table_next(const struct table *table)
{
    return atomic_load_explicit(&((struct table *)table)->next, memory_order_acquire);
}

static inline struct table *shard_table(const struct shard *shard, const struct database *database)
{
    const struct table *table = &shard->table;
    while (UNLIKELY(table_database(table) != database)) {
        table = table_next(table);
        if (table == NULL) {
            return NULL;
        }
    }
    return (struct table *)table;
}

/* The first table that is in use; NULL: none, the shard is empty. */
static inline struct table *shard_first_table(const struct shard *shard)
{
    const struct table *table = &shard->table;
    return table_database(table) != NULL ? (struct table *)table : table_next(table);
}

/* The table for a database, made when missing. Exclusive lock. */
struct table *shard_make_table(struct keyspace *keyspace, struct shard *shard, uint32_t db);
/* Takes an emptied or dead table out of the shard; returns it, or what stands for it, for
 * table_retire. Exclusive lock. */
ATTR_MUST_USE struct table *shard_unlink_table(struct shard *shard, struct table *table);
/* Publishes when this shard's expiry is due. Exclusive lock. */
void shard_publish_due(struct keyspace *keyspace, struct shard *shard);
struct rehash keyspace_rehash(struct keyspace *keyspace);

/* Locks for the keyspace's own short work (scans, expiry): spins, then yields. Never from within
 * an access. */
void shard_lock_patiently(struct shard *shard, bool exclusive, uint32_t extra);
void shard_unlock(struct keyspace *keyspace, struct shard *shard, bool exclusive, uint32_t extra);
/* Hands all queued jobs on. */
void shard_wake_queue(struct keyspace *keyspace, struct shard *shard);

/* A blob that was unlinked: small ones are released at once, large ones on the pool. */
void keyspace_discard_blob(struct keyspace *keyspace, struct blob *blob);
/* Tells want_expire if a shard is due earlier than was told. No lock held. */
void keyspace_tell_due(struct keyspace *keyspace, int64_t due_ms);

/* ---- Entries of a table, with all their books. Exclusive lock. ---- */

struct place {
    struct keyspace *keyspace;
    struct shard *shard;
    struct table *table; /* NULL: no table */
    struct position position;
    uint32_t hash;
    uint32_t db; /* logical; place_tell's, place_find leaves it alone */
};
void place_find(struct keyspace *keyspace, struct shard *shard, const struct access_key *key,
                struct place *place);
/* Unlinks the entry from table and index; the caller frees it. A table of some size that is empty
 * then goes: place->table is NULL. */
struct entry *place_unlink(struct place *place);
/* Puts a fresh entry where the place is (replacing and returning the old one) or inserts it. */
struct entry *place_put(struct place *place, uint32_t db, struct entry *entry, int64_t now_ms);
/* The same key and value in an entry of the layout that the value wants now. */
void place_remake(struct place *place, int64_t now_ms);
/* key_tell for a key that no access holds, under the shard's exclusive lock: true when a sink was
 * called, and keyspace_settle is to be called after the lock is gone. An eviction is counted with
 * its key's prefix. */
ATTR_MUST_USE bool place_tell(const struct place *place, struct bytes name, enum key_event event);
/* The same for a change that is a client's. */
ATTR_MUST_USE bool place_tell_of(const struct place *place, struct bytes name, enum key_event event,
                                 uint64_t client_id);
void keyspace_settle(struct keyspace *keyspace);
/* Deletes the key if it has expired by now and its shard is free at this moment: what a reader met
 * goes at once, not when the index comes to it. True when a sink was called. No lock held. */
ATTR_MUST_USE bool expire_key(struct keyspace *keyspace, const struct access_key *key,
                              int64_t now_ms);
/* An entry's blob goes the way of large things, its memory at once. */
void keyspace_free_entry(struct keyspace *keyspace, struct entry *entry);

#endif
