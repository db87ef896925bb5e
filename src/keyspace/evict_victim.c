/* Victims: the worst candidates, looked at again and evicted under their shards' exclusive locks.
 * See evict.h. What is evicted is freed after the lock. */
#include "bucket.h"
#include "evict_step.h"
#include "evict_use.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"

/* Keys that are met before the first victim of a pool is chosen. */
#define FIRST_KEYS POOL_SIZE
/* s3fifo: the small part's share of all keys, of 2^16, and the uses in it from which a key goes to
 * the main part. Source: S3-FIFO. */
#define SMALL_SHARE 6554
#define SMALL_USES 2
/* Candidates looked at again for one victim. */
#define TRIES_MAX POOL_SIZE
/* Keys that get another round before a victim is found at last. */
#define SPARED_MAX 16

/* What goes with the entry, as far as it is known at once. */
static uint64_t weight_of(struct entry *entry)
{
    uint64_t size = mem_block_size(entry);
    if ((entry->flags & ENTRY_BLOB) != 0) {
        size += mem_block_size(entry_blob(entry));
    } else if ((entry->flags & ENTRY_COLLECTION) != 0) {
        size += collection_memory(*entry_collection(entry), /* samples= */ 5);
    }
    return size;
}

/* So much less is the data over its budget, until the next look. */
static void pay(struct step *step, uint64_t bytes)
{
    _Atomic uint64_t *debt = &step->keyspace->over_bytes;
    uint64_t over = atomic_load_explicit(debt, memory_order_relaxed);
    while (over > 0 &&
           !atomic_compare_exchange_weak_explicit(debt, &over, over > bytes ? over - bytes : 0,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    bytes -= over < bytes ? over : bytes;
    step->ahead -= bytes < step->ahead ? bytes : step->ahead;
}

static void free_victim(struct step *step, struct entry *entry)
{
    pay(step, weight_of(entry));
    keyspace_free_entry(step->keyspace, entry);
}

/* What tinylfu and s3fifo remember of it. */
static void remember(struct step *step, const struct entry *entry, uint64_t hash)
{
    struct evict *evict = &step->keyspace->evict;
    struct history *past = atomic_load_explicit(&evict->past, memory_order_acquire);
    uint32_t now = atomic_load_explicit(&evict->now, memory_order_relaxed);
    uint32_t clock = clock_get(entry);
    uint32_t kind = step->policy & POLICY_CLOCK;
    uint32_t epoch = now >> TINY_EPOCH_SHIFT & TINY_EPOCH_MASK;
    if (past != NULL && kind == CLOCK_TINYLFU) {
        history_put(past, hash, clock_tiny_uses(clock, now), epoch);
    } else if (past != NULL && kind == CLOCK_S3FIFO && (clock & S3_MAIN) == 0) {
        history_put(past, hash, 1, epoch);
    }
}

/* Takes the entry out of the place's table, which the caller has exclusively. The caller frees it.
 * The table may go with it. */
static void evict_entry(struct step *step, struct place *place, struct entry *entry)
{
    uint64_t hash = keyspace_hash(step->keyspace, entry_key(entry));
    bool is_expired = entry_is_expired(entry, step->now_ms);
    struct database *database = table_database(place->table);
    place->hash = table_hash(hash);
    place->db = atomic_load_explicit(&database->index, memory_order_relaxed);
    place->position = table_find(place->table, entry_key(entry), place->hash);
    check(place->position.entry == entry);
    remember(step, entry, hash);
    (void)place_unlink(place); /* It is the entry. */
    step->has_told |=
        place_tell(place, entry_key(entry), is_expired ? EVENT_expired : EVENT_evicted);
    stat_add(is_expired ? STAT_expired_keys : STAT_evicted_keys, 1);
    step->evicted++;
}

struct search {
    const struct entry *wanted;
    struct entry *found;
};

static bool compare(void *argument, struct entry *entry)
{
    struct search *search = argument;
    search->found = entry == search->wanted ? entry : NULL;
    return search->found == NULL;
}

/* Is the candidate still there, and as it was judged? The shard is held. */
static struct entry *find_again(const struct step *step, const struct candidate *candidate,
                                struct table **ret_table)
{
    struct shard *shard = &step->keyspace->shards[candidate->shard];
    struct search search = {.wanted = candidate->entry};
    struct table *table = shard_table(shard, candidate->database);
    if (table == NULL || candidate->bucket >= hand_buckets(table)) {
        return NULL;
    }
    (void)table_visit_bucket(table, candidate->bucket, compare, &search);
    if (search.found == NULL || clock_get(search.found) != candidate->clock ||
        !step_may_evict(step, search.found)) {
        return NULL;
    }
    *ret_table = table;
    return search.found;
}

/* s3fifo: the candidate has earned another round. */
static bool spare(struct step *step, struct entry *entry)
{
    uint32_t clock = clock_get(entry);
    uint32_t uses = clock & S3_USES;
    uint32_t now = atomic_load_explicit(&step->keyspace->evict.now, memory_order_relaxed);
    if (entry_is_expired(entry, step->now_ms) || uses < ((clock & S3_MAIN) != 0 ? 1 : SMALL_USES)) {
        return false;
    }
    uses = (clock & S3_MAIN) != 0 ? uses - 1 : 0;
    clock_put(entry, (now >> TICK_SHIFT) << TICK_SHIFT | S3_MAIN | uses);
    return true;
}

/* Evicts the candidate if it is what it was. False when another one has to be found; *spared counts
 * those that went round again. */
static bool evict_candidate(struct step *step, const struct candidate *candidate, uint32_t *spared)
{
    struct keyspace *keyspace = step->keyspace;
    struct shard *shard = &keyspace->shards[candidate->shard];
    struct place place = {.keyspace = keyspace, .shard = shard};
    if (!step_try_shard(step, shard, /* exclusive= */ true)) {
        return false;
    }
    struct entry *entry = find_again(step, candidate, &place.table);
    if (entry != NULL && (step->policy & POLICY_CLOCK) == CLOCK_S3FIFO && *spared < SPARED_MAX &&
        spare(step, entry)) {
        ++*spared;
        entry = NULL;
    }
    if (entry != NULL) {
        evict_entry(step, &place, entry);
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    if (entry == NULL) {
        return false;
    }
    free_victim(step, entry);
    return true;
}

/* s3fifo: from the small part while it has more than its share, or while the main one is unknown.
 */
static struct pool *choose_pool(struct step *step)
{
    struct evictor *evictor = step->evictor;
    if ((step->policy & POLICY_CLOCK) != CLOCK_S3FIFO) {
        return &evictor->pool;
    }
    bool from_small =
        evictor->small_share > SMALL_SHARE ? evictor->pool.count > 0 : evictor->main.count == 0;
    return from_small ? &evictor->pool : &evictor->main;
}

/* Evicts the worst key there is. False when none was found. */
static bool evict_worst(struct step *step)
{
    struct candidate candidate;
    uint32_t spared = 0;
    uint32_t known = step->evictor->pool.count + step->evictor->main.count;
    hand_meet(step, known == 0 ? FIRST_KEYS : step->samples);
    for (uint32_t tries = 0; tries < TRIES_MAX && pool_take(choose_pool(step), &candidate);
         tries++) {
        if (evict_candidate(step, &candidate, &spared)) {
            return true;
        }
        /* It was used meanwhile, is gone, or goes round again: others are looked for. */
        hand_meet(step, step->samples);
    }
    return false;
}

/* ---- sieve ---- */

struct sieved {
    struct step *step;
    uint32_t count;
    struct entry *victims[CHAIN_MAX];
};

static bool sieve_entry(void *argument, struct entry *entry)
{
    struct sieved *sieved = argument;
    uint32_t clock = clock_get(entry);
    if (!step_may_evict(sieved->step, entry)) {
        return true;
    }
    if ((clock & SIEVE_VISITED) != 0 && !entry_is_expired(entry, sieved->step->now_ms)) {
        clock_put(entry, clock & ~SIEVE_VISITED);
        return true;
    }
    sieved->victims[sieved->count++] = entry;
    return sieved->count < CHAIN_MAX && sieved->count < sieved->step->most - sieved->step->evicted;
}

/* Evicts what the hand meets unused in one bucket. */
static void sieve_bucket(struct step *step, uint32_t index)
{
    struct keyspace *keyspace = step->keyspace;
    struct shard *shard = &keyspace->shards[index];
    struct place place = {.keyspace = keyspace, .shard = shard};
    struct sieved sieved = {.step = step};
    if (!step_try_shard(step, shard, /* exclusive= */ true)) {
        return;
    }
    uint32_t position =
        atomic_fetch_add_explicit(&keyspace->evict.hands[index], 1, memory_order_relaxed);
    place.table = hand_table(shard, &position);
    if (place.table != NULL) {
        (void)table_visit_bucket(place.table, position, sieve_entry, &sieved);
        for (uint32_t i = 0; i < sieved.count; i++) {
            evict_entry(step, &place, sieved.victims[i]);
        }
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    for (uint32_t i = 0; i < sieved.count; i++) {
        free_victim(step, sieved.victims[i]);
    }
}

static bool sieve_some(struct step *step)
{
    uint32_t before = step->evicted;
    uint32_t shard;
    hand_begin(step);
    for (uint32_t i = 0; i < VICTIM_HOLDS && step->evicted == before; i++) {
        if (!hand_next_shard(step, &shard)) {
            return false;
        }
        sieve_bucket(step, shard);
    }
    return step->evicted != before;
}

bool step_evict(struct step *step)
{
    bool is_sieve = (step->policy & POLICY_CLOCK) == CLOCK_SIEVE;
    return is_sieve ? sieve_some(step) : evict_worst(step);
}
