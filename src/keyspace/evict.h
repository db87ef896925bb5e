/* Eviction: what an entry's clock means under each policy, and who is evicted. Private to keyspace.
 *
 *   lru, random, ttl, noeviction   [time of last use: 32, in steps of 2 ms, wrapping]
 *   lrm                            the same, of the last change
 *   lfu                            [unused 8 | minute 16 | logarithmic counter 8], as Redis's
 *   tinylfu                        [tick of last use 22 | epoch 5 | uses 5]
 *   s3fifo                         [tick of insertion 22 | unused 7 | main 1 | uses 2]
 *   sieve                          [unused 31 | visited 1]
 *
 * A tick is about a thousandth of the time in which all keys could have been used once, counted in
 * uses (evict_tick): it goes fast in a busy server and in a small cache. An epoch is twenty times
 * all keys' uses; with each one the uses that an entry is known for halve.
 *
 * Victims: a hand goes round all buckets of all shards, a few at a time, and leaves the worst keys
 * it meets in a pool of candidates; the worst of these is looked at again under its shard's
 * exclusive lock, and evicted. So nearly every key is judged once between two rounds, and the
 * victims are the worst of all shards. sieve evicts where the hand is.
 *
 * After CONFIG SET maxmemory-policy the clocks mean what they do not: whatever a word says is a
 * valid clock of every policy, and uses put it right.
 * Threads: the clock may change under the shard's shared lock; a pool has the lock of its evictor,
 * held while a shard is only tried. */
#ifndef POLLARD_KEYSPACE_EVICT_H
#define POLLARD_KEYSPACE_EVICT_H

#include "entry.h"
#include "pollard/base/lock.h"
#include "pollard/base/option.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct keyspace;
struct database;
struct history;

/* What a clock means: the low bits of a policy, which is the value of the option. */
enum clock_kind { CLOCK_USE, CLOCK_CHANGE, CLOCK_LFU, CLOCK_TINYLFU, CLOCK_S3FIFO, CLOCK_SIEVE };
#define POLICY_CLOCK UINT32_C(7)
/* By what keys are compared: the next bits. */
enum policy_order { ORDER_AGE = 8, ORDER_COUNT = 16, ORDER_RANDOM = 24, ORDER_TTL = 32 };
#define POLICY_ORDER UINT32_C(0x78)
/* Only keys with an expiry. */
#define POLICY_VOLATILE UINT32_C(0x80)
/* Nobody is evicted. */
#define POLICY_NONE UINT32_C(0x100)
/* A new key looks whether the tick is due if these bits of its hash are 0: one in 32. */
#define TICK_KEYS UINT64_C(0x1f000000)

/* The clock by use: steps of 2 ms, so that it wraps after 99 days. */
#define CLOCK_SHIFT 1

/* Ticks in which all keys could have been used once. */
#define TICKS_PER_KEYS 1024
/* Times that all keys could have been used in an epoch. */
#define EPOCH_ROUNDS 20
#define EPOCH_TICKS (EPOCH_ROUNDS * TICKS_PER_KEYS)
#define TICK_SHIFT 10
#define TICK_MASK ((UINT32_C(1) << (32 - TICK_SHIFT)) - 1)
#define TINY_EPOCH_SHIFT 5
#define TINY_EPOCH_MASK UINT32_C(31)
#define TINY_USES_MAX UINT32_C(31)
#define S3_MAIN UINT32_C(4)
#define S3_USES UINT32_C(3)
#define SIEVE_VISITED UINT32_C(1)

/* Evictors: threads that evict at the same time do so with different ones. */
#define EVICTORS 4
#define POOL_SIZE 64

struct candidate {
    struct entry *entry; /* only compared, until it is found in its bucket again */
    struct database *database;
    uint32_t shard;
    uint32_t bucket;
    uint32_t clock; /* as it was judged */
};

/* The worst keys met lately, the worst last. */
struct pool {
    uint32_t count;
    uint64_t scores[POOL_SIZE]; /* higher: rather evicted */
    struct candidate candidates[POOL_SIZE];
};

struct evictor {
    _Atomic bool is_busy;
    uint32_t policy; /* by which the pools were filled, and when */
    int64_t filled_ms;
    uint32_t small_share; /* s3fifo: of all keys met, those in the small part, of 2^16 */
    struct pool pool;
    struct pool main; /* s3fifo: of the main part */
} ATTR_ALIGNED(CACHE_LINE);

struct evict {
    _Atomic uint32_t now; /* tick << TICK_SHIFT | epoch << TINY_EPOCH_SHIFT */
    _Atomic bool is_ticking;
    uint64_t uses_ticked; /* uses that the tick has counted; of who is ticking */
    uint64_t uses_per_tick;
    uint32_t epoch_tick;            /* when the epoch began */
    uint32_t unit_tick;             /* when uses_per_tick was worked out */
    _Atomic(struct history *) past; /* what is known of keys that were evicted; NULL: nothing */
    /* Where the hand goes on, for all evictors: the shard, and the bucket of each. */
    _Atomic uint32_t hand_shard;
    _Atomic uint32_t *hands;
    struct evictor *evictors;
    _Atomic int64_t over_since_us; /* 0: the budget holds */
    _Atomic uint64_t over_us;      /* how long it did not, before that */
};

void evict_init(struct keyspace *keyspace);
void evict_deinit(struct keyspace *keyspace);
/* Keys of all databases. */
uint64_t evict_key_count(const struct keyspace *keyspace);

/* ---- Clocks (evict_clock.c) ---- */

static inline uint32_t policy_of(const option_number *option)
{
    return (uint32_t)option_get(option);
}

static inline uint32_t clock_by_use(int64_t now_ms)
{
    return (uint32_t)(now_ms >> CLOCK_SHIFT);
}

static inline uint32_t clock_get(const struct entry *entry)
{
    return atomic_load_explicit(&((struct entry *)entry)->clock, memory_order_relaxed);
}

static inline void clock_put(struct entry *entry, uint32_t clock)
{
    atomic_store_explicit(&entry->clock, clock, memory_order_relaxed);
}

/* The clock of a key that was not there; what a use makes of it is in evict_use.h. hash: of the
 * key. Exclusive lock. */
uint32_t clock_begin(struct keyspace *keyspace, uint32_t policy, uint64_t hash, int64_t now_ms);
/* Counts the uses; puts the tick on if it is time. Any thread. */
void evict_tick(struct keyspace *keyspace);
/* lfu: the counter, after it fell by the time that went by. */
uint32_t clock_lfu_count(const struct keyspace *keyspace, uint32_t clock, int64_t now_ms);
/* The scale of OBJECT FREQ: lfu's counter, tinylfu's uses; 0 of others. */
uint32_t clock_uses(const struct keyspace *keyspace, uint32_t clock, int64_t now_ms);
/* Seconds that the key was not used, or changed, by the clock; 0 if the policy does not keep it. */
int64_t clock_idle_s(uint32_t policy, uint32_t clock, int64_t now_ms);

/* ---- What is known of keys that are gone (evict_history.c) ---- */

/* Uses of a key when it was evicted, halved since for each epoch; 0: nothing is known. */
uint32_t history_uses(const struct history *history, uint64_t hash, uint32_t epoch);
void history_put(struct history *history, uint64_t hash, uint32_t uses, uint32_t epoch);
/* Room for that many keys; what old (may be NULL) knows stays, but old too. */
ATTR_MUST_USE struct history *history_create(const struct history *old, uint64_t keys);
/* Has it the room that so many keys are given, about? */
bool history_fits(const struct history *history, uint64_t keys);

/* ---- Candidates (evict_pool.c) ---- */

/* Offers it; one that is there already stays as it is. */
void pool_offer(struct pool *pool, uint64_t score, const struct candidate *candidate);
/* Takes the worst; false when there is none. */
bool pool_take(struct pool *pool, struct candidate *ret_candidate);
/* How much rather the entry is evicted than others, under a policy other than sieve. */
uint64_t evict_score(const struct keyspace *keyspace, uint32_t policy, const struct entry *entry,
                     int64_t now_ms);

#endif
