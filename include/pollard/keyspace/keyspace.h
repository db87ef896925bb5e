/* keyspace: databases x shards, the only home of keys. Floor 3.
 *
 *   key bytes --XXH3, secret--> 64-bit hash
 *        bits 0..shard_bits-1        which shard
 *        32 further bits             the table hash: bucket (low bits), tag, expiry index item
 *
 *   keyspace --> shard[i] { rwlock, queue of jobs } --> table of a physical database
 *                --> directory --> segments of 16 buckets of 64 bytes --> entries
 *
 * Rules:
 * 1. Keys are reached through struct access only (access.h); everything here that touches keys
 *    takes its locks itself, in short holds.
 * 2. A logical database maps to a physical one; FLUSHDB, FLUSHALL and SWAPDB switch that map under
 *    the all-shards gate in O(1), and old tables are freed by keyspace_reclaim on the pool.
 * 3. Memory that lock-free readers (prefetch) may look at is retired, and freed two epochs later.
 */
#ifndef POLLARD_KEYSPACE_KEYSPACE_H
#define POLLARD_KEYSPACE_KEYSPACE_H

#include "pollard/base/hash.h"
#include "pollard/base/option.h"
#include "pollard/keyspace/event.h"
#include "pollard/value/value.h"

struct keyspace;

struct keyspace_options {
    option_number databases;
    option_number shards;    /* 0: chosen from threads and capacity */
    option_number maxmemory; /* bytes, 0: no limit */
    option_number maxmemory_policy;
    option_number maxmemory_samples;
    option_number lfu_log_factor;
    option_number lfu_decay_time; /* minutes */
    /* What is counted by key prefix (prefixes.h). */
    option_number prefix_stats; /* bool */
    option_number prefix_max;
    struct option_text prefix_separator; /* one byte, or none: off */
    option_number reserve;               /* of it, not for data: bytes; below 0: percent */
    option_number activedefrag;
    option_number defrag_ignore_bytes; /* waste below which nothing is moved */
    option_number defrag_threshold;    /* the same in percent of what is in use */
};
extern const struct option_row keyspace_option_rows[];
extern const size_t keyspace_option_row_count;

struct keyspace_hooks {
    void *context;
    /* There is garbage to reclaim (old tables, big values): ask a pool thread to call
     * keyspace_reclaim soon. Any thread; no shard lock is held. May be NULL in tests. */
    void (*want_reclaim)(void *context);
    /* The next expiry is due earlier than was told last: re-arm the timer that calls
     * keyspace_expire. Any thread; called after locks are released. */
    void (*want_expire)(void *context, int64_t due_ms);
    /* The data was over its budget: ask a pool thread to evict ahead of need
     * (keyspace_evict_ahead). Any thread; no shard lock is held. May be NULL. */
    void (*want_evict)(void *context);
    /* Memory is held that nobody uses, and the process is near its limit: call keyspace_trim on
     * the pool until it says false. Any thread; no shard lock is held. May be NULL. */
    void (*want_trim)(void *context);
    /* Keys are waited for whose lease ended where nobody could be served: ask a pool thread to take
     * them (keyspace_take_turns, leases.h). Any thread; no shard lock is held. May be NULL. */
    void (*want_turns)(void *context);
};

/* threads: how many reactors and workers will run (for the number of shards). Aborts when memory
 * is out: start-up. */
ATTR_MUST_USE struct keyspace *keyspace_create(const struct keyspace_options *options,
                                               const struct keyspace_hooks *hooks,
                                               uint32_t threads);
/* No other thread may be in it. Frees every key. */
void keyspace_destroy(struct keyspace **keyspace);
/* For reproducible tests: replaces the secret of an empty keyspace. */
void keyspace_seed(struct keyspace *keyspace, uint64_t seed);

/* ---- Quiescence: the gate and the epochs ---- */

/* Every thread that touches keys brackets its cycle or job with these. Enter waits while an
 * all-shards access is being served. Between them retired memory stays readable. They nest. */
void keyspace_enter(struct keyspace *keyspace);
void keyspace_leave(struct keyspace *keyspace);

/* ---- The hot path's helpers: lock-free hints, between enter and leave ---- */

uint64_t keyspace_hash(const struct keyspace *keyspace, struct bytes key);
/* A lookup to come, and how far its memory has been prefetched. The steps are taken for all lookups
 * of a group, one after the other: start asks for the directory's slot, bucket for the bucket,
 * entry for the entry that the bucket's tag points to; for one key in ten, in a full bucket, entry
 * says true and asks for the bucket's node, and node asks for the entry. Any hash may be given,
 * O(1). */
struct key_hint {
    void *at; /* what the last step has asked for; NULL: nothing more to do */
    uint32_t hash;
    uint32_t offset;
};
void key_hint_start(const struct keyspace *keyspace, uint32_t db, uint64_t hash,
                    struct key_hint *hint);
void key_hint_bucket(struct key_hint *hint);
bool key_hint_entry(struct key_hint *hint);
void key_hint_node(const struct key_hint *hint);
/* All steps behind start, for a group; the hints are used up. */
void key_hints_finish(struct key_hint *hints, uint32_t count);

/* ---- Whole-database work ---- */

/* Keys in a logical database; a sum over threads or shards without locks: may lag by commands in
 * flight on other threads, never by finished ones. db < databases. */
uint64_t keyspace_size(const struct keyspace *keyspace, uint32_t db);
/* Keys of it with a TTL, and the mean of their remaining TTLs in ms as last sampled. */
uint64_t keyspace_expires(const struct keyspace *keyspace, uint32_t db);
/* Hashes of it with fields that have a TTL. */
uint64_t keyspace_subexpires(const struct keyspace *keyspace, uint32_t db);
int64_t keyspace_average_ttl(const struct keyspace *keyspace, uint32_t db);
/* Percent of the keys with a TTL that have expired and are there still; judged by some of them. */
double keyspace_stale_percent(const struct keyspace *keyspace);
uint32_t keyspace_databases(const struct keyspace *keyspace);
uint32_t keyspace_shard_count(const struct keyspace *keyspace);

/* Empties a database / all of them / swaps two, at one instant for everyone; O(1) in keys. The
 * caller must be between leave and enter (a pool thread outside any access); waits for others'
 * cycles. Returns the number of keys that went. */
uint64_t keyspace_flush(struct keyspace *keyspace, uint32_t db);
uint64_t keyspace_flush_all(struct keyspace *keyspace);
struct access;
/* access: granted everything (access_try_all); those who wait for keys of either database are to be
 * served in it. */
void keyspace_swap(struct access *access, uint32_t a, uint32_t b);
/* Gives up a reference to a collection: here if that is little work, else on the pool. Any thread,
 * no shard lock held. NULL is allowed. */
void keyspace_discard_collection(struct keyspace *keyspace, struct collection *collection);
/* The secret that all maps of collections hash with. */
const struct hash_secret *keyspace_secret(const struct keyspace *keyspace);
/* Frees some of what was unlinked; returns whether more is left. Pool only. */
bool keyspace_reclaim(struct keyspace *keyspace);
/* Large values, and keys of flushed databases, that wait for it. */
uint64_t keyspace_dying_objects(const struct keyspace *keyspace);

/* A walk's view of a key; valid during the callback only, which runs under the shard's shared lock
 * and must not block or touch keys. */
struct key_view {
    struct bytes name;
    struct value value;
    int64_t expires_at_ms; /* KEY_NO_EXPIRY if none */
};
typedef void keyspace_visitor(void *argument, const struct key_view *key);

/* SCAN: visits at least the keys of one bucket, until about count were visited or 10 x count
 * buckets looked at, skipping empty shards; returns the next cursor, 0 at the end. Each key that
 * stays from the first call to the last is visited at least once, whatever grows or shrinks
 * meanwhile. Cursors are below 2^53; any number is a valid cursor. Expired keys are not visited. */
struct key_scan {
    uint32_t db;
    uint64_t cursor;
    uint64_t count;
};
uint64_t keyspace_scan(struct keyspace *keyspace, const struct key_scan *scan,
                       keyspace_visitor *visit, void *argument);
/* Visits every key of the database, each shard at its own instant, a shard's lock held for one
 * shard at a time. stop (may be NULL) is polled between shards: a true ends the walk early.
 * Pool only; brackets itself with enter and leave a shard at a time. */
void keyspace_walk(struct keyspace *keyspace, uint32_t db, keyspace_visitor *visit,
                   const _Atomic bool *stop, void *argument);
/* A fair random key that is not expired: copies its name. False when there is none (or 100 tries
 * met only expired ones). */
bool keyspace_random(struct keyspace *keyspace, uint32_t db, struct buf *ret_name);

/* DELPREFIX: one short exclusive hold of one shard. True when there is more to do: from the call
 * that says false on, no key of the database is left that began with the prefix (as bytes) when the
 * walk began. Events, WATCH and caching clients hear of each as of DEL; leases (leases.h) of such
 * keys end too. Any thread, no access open but one that has everything; brackets itself with enter
 * and leave. */
struct key_prefix_walk {
    struct bytes prefix; /* borrowed; empty: all keys */
    uint32_t db;
    uint64_t client_id; /* for struct key_change */
    uint64_t deleted;   /* so far; what had expired does not count */
    /* private; zero at the beginning */
    uint32_t shard;
    uint32_t position; /* of the scan in it */
    bool is_in_shard;
};
bool keyspace_delete_prefix(struct keyspace *keyspace, struct key_prefix_walk *walk);

/* ---- The memory budget: maxmemory is that of the data and the reserve ---- */

/* Bytes by which the data is over its budget now; 0: it is not. Looked at most every half
 * millisecond: cheap. Any thread. */
size_t keyspace_over_budget(const struct keyspace *keyspace);
/* For who asks once a cycle, or more often: what the last look left behind, seen without a call. Of
 * the keyspace, and as long there. */
struct budget_view {
    const _Atomic uint64_t *over_bytes;
    const _Atomic uint64_t *looked_ticks;
    const _Atomic int64_t *over_since_us; /* 0: it is known that the budget holds */
    const _Atomic uint32_t *pressure;     /* what keyspace_relieve would do */
    uint64_t look_ticks;                  /* how long a look is good for */
};
struct budget_view keyspace_budget_view(const struct keyspace *keyspace);
/* Would keyspace_over_budget say 0 without a look, and keyspace_make_room and keyspace_relieve do
 * nothing? now_ticks: clock_ticks(). */
static inline bool budget_holds(const struct budget_view *view, uint64_t now_ticks)
{
    uint64_t looked =
        atomic_load_explicit((_Atomic uint64_t *)view->looked_ticks, memory_order_relaxed);
    uint64_t over =
        atomic_load_explicit((_Atomic uint64_t *)view->over_bytes, memory_order_relaxed);
    int64_t since_us =
        atomic_load_explicit((_Atomic int64_t *)view->over_since_us, memory_order_relaxed);
    uint32_t pressure =
        atomic_load_explicit((_Atomic uint32_t *)view->pressure, memory_order_relaxed);
    return now_ticks - looked <= view->look_ticks && (over | (uint64_t)since_us | pressure) == 0;
}
/* For tests and benchmarks: the next one looks again, however short ago the last one did. */
void keyspace_look_again(struct keyspace *keyspace);
/* Is it over? */
bool keyspace_over_limit(const struct keyspace *keyspace);
/* The part of maxmemory that is not the data's; 0 without a limit. */
uint64_t keyspace_reserve(const struct keyspace *keyspace);
/* What of the memory in use is not data and makes nothing go: what clients take within the reserve,
 * and what is as good as freed. */
uint64_t keyspace_not_data(const struct keyspace *keyspace);
/* What clients take, of the reserve, not of the budget; and the most that they may (0: no limit of
 * their own), which the reserve does not exceed. Any thread. */
void keyspace_set_clients(struct keyspace *keyspace, uint64_t bytes, uint64_t limit);

/* Before the first client: what is resident now is the process's own, and is not held against a
 * small maxmemory. */
void keyspace_note_own_size(struct keyspace *keyspace);
/* For activedefrag while there is no limit: now and then looks whether much lies unused. Cheap. Any
 * thread. */
void keyspace_look_at_waste(struct keyspace *keyspace);
/* Gives memory back for about two milliseconds; true: there is more to do. Pool only. */
bool keyspace_trim(struct keyspace *keyspace);
/* Before a write, between enter and leave, no access open, no hint in use: helps with trimming in
 * short holds while the process is over its limit; from 1 % on until it is within, at most 13 ms.
 * Else one load. */
void keyspace_relieve(struct keyspace *keyspace);
/* Would it do anything now? One load. */
bool keyspace_wants_relief(const struct keyspace *keyspace);
struct trim_figures {
    bool is_moving;      /* a pass is under way, or another one comes */
    uint64_t moved;      /* blocks, since the start */
    uint64_t left;       /* looked at and not moved */
    uint64_t keys_moved; /* something of them was */
    uint64_t keys_left;
    uint64_t spent_us;
    uint64_t current_us; /* of it, since it began and has not rested */
};
void keyspace_trim_figures(const struct keyspace *keyspace, struct trim_figures *ret_figures);

/* ---- Eviction: maxmemory-policy ---- */

/* Evicts until the budget holds or max_keys were evicted; short holds, no access open, caller
 * between enter and leave. Returns how many were evicted; *ret_none: no shard has a candidate. Any
 * thread. */
uint32_t keyspace_evict(struct keyspace *keyspace, uint32_t max_keys, bool *ret_none);
/* What stands before a command that may need memory: evicts at most max_keys if the data is over
 * its budget. False: it is, and nothing may be evicted. As keyspace_evict. */
bool keyspace_make_room(struct keyspace *keyspace, uint32_t max_keys);
/* Evicts a little, until the budget holds and *bytes more are gone, of which it leaves those that
 * are left. False when nothing more is to be done, or can be. Pool, between enter and leave. */
bool keyspace_evict_ahead(struct keyspace *keyspace, uint64_t *bytes);
/* How many bytes that should be. */
uint64_t keyspace_evict_margin(const struct keyspace *keyspace);
/* How long the data was over its budget, as far as commands met it, and how long it is now. */
void keyspace_over_times(const struct keyspace *keyspace, int64_t *ret_total_ms,
                         int64_t *ret_current_ms);
/* Which of OBJECT IDLETIME and OBJECT FREQ the policy in force can answer. */
bool keyspace_knows_idle(const struct keyspace_options *options);
bool keyspace_knows_uses(const struct keyspace_options *options);
/* The value of the option for the name of a policy; -1: there is none of this name. */
int64_t keyspace_policy_find(const char *name);
/* The policy in force, by its name. */
const char *keyspace_policy_name(const struct keyspace_options *options);

/* ---- Events (event.h) ---- */

/* Sets who hears of events: before threads run. Without it nobody does. */
void keyspace_use_sinks(struct keyspace *keyspace, const struct keyspace_sinks *sinks);
/* Classes of events that the sink wants (enum event_class): nothing without K or E. Any thread. */
void keyspace_want_events(struct keyspace *keyspace, uint32_t classes);
/* Whether the sinks want changes and flushes. On before the first key is registered that a change
 * is to be told of. Any thread. */
void keyspace_want_changes(struct keyspace *keyspace, bool wanted);

/* ---- Expiry ---- */

/* Deletes keys and fields of hashes that expired by now, shard by shard in short exclusive holds,
 * at most about budget_us of work; returns the time at which it wants to be called again (ms since
 * the epoch), or INT64_MAX when nothing has a TTL. A key or field is gone from memory at most ~256
 * ms after it expired if this is called on time. One thread at a time. */
int64_t keyspace_expire(struct keyspace *keyspace, int64_t now_ms, int64_t budget_us);
/* DEBUG SET-ACTIVE-EXPIRE. */
void keyspace_set_active_expire(struct keyspace *keyspace, bool on);

/* ---- Figures ---- */

struct keyspace_figures {
    uint64_t shard_count;
    uint64_t keys;
    uint64_t expires; /* keys in the expiry index: with a TTL, or fields that have one */
    uint64_t buckets;
    uint64_t overflow_buckets;
    uint64_t table_bytes;  /* directories, segments, overflow */
    uint64_t expiry_bytes; /* the expiry index */
    uint64_t largest_shard_keys;
    uint64_t queued_jobs; /* ever queued at shards */
    uint64_t gate_closes;
    uint64_t retired_bytes;
};
/* Walks all shards in short shared holds. */
void keyspace_figures(struct keyspace *keyspace, uint32_t db, struct keyspace_figures *ret_figures);
/* Checks every invariant of every shard and the counters; aborts on a broken one. For tests: no
 * other thread may write meanwhile. O(keys). */
void keyspace_verify(struct keyspace *keyspace);

#endif
