/* Evicting: the hand that meets keys, the victims, the steps. See evict.h for the idea.
 *
 * Off the data path until the budget is reached. Then a step of some keys stands before a command
 * that may need memory, and longer ones run on the pool. Shards are only tried: a busy one is
 * passed by, so that no step waits for anybody. */
#include "bucket.h"
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include "wheel.h"

/* Entries of a bucket's chain that are looked at; a chain has six in the mean. */
#define CHAIN_MAX 24
/* Buckets visited in one hold, and in search of one victim at most. */
#define HOLD_BUCKETS 4
#define VICTIM_HOLDS 64
/* Keys that are met before the first victim of a pool is chosen. */
#define FIRST_KEYS POOL_SIZE
/* Below this share of keys with an expiry they are looked for in the expiry index. */
#define SPARSE_SHARE 4
/* s3fifo: the small part's share of all keys, of 2^16; uses in it from which a key goes to the main
 * part. Source: S3-FIFO. How slowly the share that is met follows. */
#define SMALL_SHARE 6554
#define SMALL_USES 2
#define SHARE_SHIFT 8
/* Keys of the main part that get another round before a victim is found at last. */
#define SPARED_MAX 16

/* One step: by which policy, and what it has done. */
struct step {
    struct keyspace *keyspace;
    struct evictor *evictor;
    uint32_t policy;
    uint32_t samples; /* keys to be met for a victim */
    uint32_t evicted;
    uint32_t most;
    int64_t now_ms;
    bool has_told;
};

/* A shard that the hand holds, and the bucket where it is. */
struct visit {
    struct step *step;
    struct candidate at;
    uint32_t met; /* keys that may be evicted */
};

void evict_init(struct keyspace *keyspace)
{
    struct evict *evict = &keyspace->evict;
    evict->hands = mem_alloc_zero(keyspace->shard_count * sizeof(*evict->hands));
    evict->evictors = mem_alloc_zero(EVICTORS * sizeof(*evict->evictors));
    for (uint32_t i = 0; i < EVICTORS; i++) {
        evict->evictors[i].shard = i * (keyspace->shard_count / EVICTORS);
    }
}

void evict_deinit(struct keyspace *keyspace)
{
    mem_free(atomic_load_explicit(&keyspace->evict.past, memory_order_relaxed));
    mem_free(keyspace->evict.evictors);
    mem_free(keyspace->evict.hands);
}

uint64_t evict_key_count(const struct keyspace *keyspace)
{
    uint64_t keys = 0;
    for (uint32_t db = 0; db < keyspace->database_count; db++) {
        keys += keyspace_size(keyspace, db);
    }
    return keys;
}

/* Is there any key that the policy may evict? */
static bool has_candidates(const struct keyspace *keyspace, uint32_t policy)
{
    uint64_t keys = 0;
    for (uint32_t db = 0; db < keyspace->database_count && keys == 0; db++) {
        keys += (policy & POLICY_VOLATILE) != 0 ? keyspace_expires(keyspace, db)
                                                : keyspace_size(keyspace, db);
    }
    return keys > 0 && (policy & POLICY_NONE) == 0;
}

/* ---- The hand ---- */

static bool try_shard(struct shard *shard, bool exclusive)
{
    if (!shard_try_lock(&shard->word, exclusive, SHARD_TICKET | SHARD_QUEUED, 0)) {
        return false;
    }
    lock_rank_enter(LOCK_RANK_SHARD);
    return true;
}

/* A shard is judged by no earlier time than it was. */
static void note_time(struct step *step, struct shard *shard)
{
    int64_t latest = atomic_load_explicit(&shard->latest_now_ms, memory_order_relaxed);
    step->now_ms = latest > step->now_ms ? latest : step->now_ms;
}

static bool is_eligible(const struct step *step, const struct entry *entry)
{
    return (step->policy & POLICY_VOLATILE) == 0 || entry_expiry(entry) >= 0;
}

static bool meet(void *argument, struct entry *entry)
{
    struct visit *visit = argument;
    struct step *step = visit->step;
    struct evictor *evictor = step->evictor;
    if (!is_eligible(step, entry)) {
        return true;
    }
    struct pool *pool = &evictor->pool;
    visit->met++;
    visit->at.entry = entry;
    visit->at.clock = clock_get(entry);
    if ((step->policy & POLICY_CLOCK) == CLOCK_S3FIFO) {
        bool is_main = (visit->at.clock & S3_MAIN) != 0;
        uint32_t share = evictor->small_share;
        evictor->small_share = share - (share >> SHARE_SHIFT) + (is_main ? 0 : 65536 >> SHARE_SHIFT);
        pool = is_main ? &evictor->main : pool;
    }
    pool_offer(pool, evict_score(step->keyspace, step->policy, entry, step->now_ms), &visit->at);
    return true;
}

/* Keys with an expiry are few: some of the index, beginning anywhere. */
static void meet_filed(struct visit *visit, const struct table *table)
{
    uint32_t start = (uint32_t)random_u64();
    for (uint32_t i = 0; i < visit->step->samples; i++) {
        struct entry *entries[CHAIN_MAX];
        uint32_t hash;
        if (!wheel_peek(table->wheel, start + i, &hash)) {
            return;
        }
        visit->at.bucket = bucket_index(table->bucket_count, hash);
        size_t count = table_find_tagged(table, hash, entries, CHAIN_MAX);
        for (size_t j = 0; j < count; j++) {
            (void)meet(visit, entries[j]);
        }
    }
}

static uint32_t buckets_of(const struct table *table)
{
    bool is_dead = atomic_load_explicit(&table_database(table)->is_dead, memory_order_relaxed);
    return is_dead ? 0 : table->bucket_count;
}

/* The table at a position among the buckets of all tables of the shard, which becomes that in the
 * table. NULL when the shard is empty. */
static struct table *table_at(const struct shard *shard, uint32_t *position)
{
    struct table *table;
    uint32_t total = 0;
    for (table = shard_first_table(shard); table != NULL; table = table_next(table)) {
        total += buckets_of(table);
    }
    if (total == 0) {
        return NULL;
    }
    *position %= total;
    table = shard_first_table(shard);
    while (*position >= buckets_of(table)) {
        *position -= buckets_of(table);
        table = table_next(table);
    }
    return table;
}

/* Meets some keys of a shard. */
static void visit_shard(struct visit *visit, struct shard *shard)
{
    struct step *step = visit->step;
    _Atomic uint32_t *hand = &step->keyspace->evict.hands[visit->at.shard];
    for (uint32_t i = 0; i < HOLD_BUCKETS && visit->met < step->samples; i++) {
        uint32_t position = atomic_fetch_add_explicit(hand, 1, memory_order_relaxed);
        struct table *table = table_at(shard, &position);
        if (table == NULL) {
            return;
        }
        visit->at.database = table_database(table);
        if ((step->policy & POLICY_VOLATILE) != 0 &&
            table->ttl_count < table->key_count / SPARSE_SHARE) {
            meet_filed(visit, table);
            continue;
        }
        visit->at.bucket = position;
        (void)table_visit_bucket(table, position, meet, visit);
    }
}

/* Can the shard have a candidate? A look without the lock. */
static bool is_worth_a_visit(const struct keyspace *keyspace, uint32_t policy, uint32_t shard)
{
    if ((policy & POLICY_VOLATILE) != 0) {
        return atomic_load_explicit(&keyspace->due_ms[shard], memory_order_relaxed) != INT64_MAX;
    }
    return shard_first_table(&keyspace->shards[shard]) != NULL;
}

/* The next shard that may have candidates; false when there is none. */
static bool next_shard(struct step *step, uint32_t *ret_shard)
{
    const struct keyspace *keyspace = step->keyspace;
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        step->evictor->shard = (step->evictor->shard + 1) & keyspace->shard_mask;
        if (is_worth_a_visit(keyspace, step->policy, step->evictor->shard)) {
            *ret_shard = step->evictor->shard;
            return true;
        }
    }
    return false;
}

/* Meets at least count keys, if there are any that can be met. */
static void meet_keys(struct step *step, uint32_t count)
{
    struct visit visit = {.step = step};
    uint32_t met = 0;
    for (uint32_t holds = 0; holds < VICTIM_HOLDS && met < count; holds++) {
        if (!next_shard(step, &visit.at.shard)) {
            return;
        }
        struct shard *shard = &step->keyspace->shards[visit.at.shard];
        if (!try_shard(shard, /* exclusive= */ false)) {
            continue;
        }
        visit.met = 0;
        note_time(step, shard);
        visit_shard(&visit, shard);
        met += visit.met;
        shard_unlock(step->keyspace, shard, /* exclusive= */ false, 0);
    }
}

/* ---- Victims ---- */

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
static void pay(struct keyspace *keyspace, uint64_t bytes)
{
    uint64_t over = atomic_load_explicit(&keyspace->over_bytes, memory_order_relaxed);
    while (over > 0 && !atomic_compare_exchange_weak_explicit(
                           &keyspace->over_bytes, &over, over > bytes ? over - bytes : 0,
                           memory_order_relaxed, memory_order_relaxed)) {
    }
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
    if (table == NULL || candidate->bucket >= buckets_of(table)) {
        return NULL;
    }
    (void)table_visit_bucket(table, candidate->bucket, compare, &search);
    if (search.found == NULL || clock_get(search.found) != candidate->clock ||
        !is_eligible(step, search.found)) {
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
    if (!try_shard(shard, /* exclusive= */ true)) {
        return false;
    }
    note_time(step, shard);
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
    pay(keyspace, weight_of(entry));
    keyspace_free_entry(keyspace, entry);
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
    bool from_small = evictor->small_share > SMALL_SHARE ? evictor->pool.count > 0
                                                         : evictor->main.count == 0;
    return from_small ? &evictor->pool : &evictor->main;
}

/* Evicts the worst key there is. False when none was found. */
static bool evict_worst(struct step *step)
{
    struct candidate candidate;
    uint32_t spared = 0;
    uint32_t known = step->evictor->pool.count + step->evictor->main.count;
    meet_keys(step, known == 0 ? FIRST_KEYS : step->samples);
    for (uint32_t tries = 0; tries < POOL_SIZE && pool_take(choose_pool(step), &candidate);
         tries++) {
        if (evict_candidate(step, &candidate, &spared)) {
            return true;
        }
        if (spared > 0) {
            meet_keys(step, step->samples);
        }
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
    if (!is_eligible(sieved->step, entry)) {
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
    if (!try_shard(shard, /* exclusive= */ true)) {
        return;
    }
    note_time(step, shard);
    uint32_t position =
        atomic_fetch_add_explicit(&keyspace->evict.hands[index], 1, memory_order_relaxed);
    place.table = table_at(shard, &position);
    if (place.table != NULL) {
        (void)table_visit_bucket(place.table, position, sieve_entry, &sieved);
        for (uint32_t i = 0; i < sieved.count; i++) {
            evict_entry(step, &place, sieved.victims[i]);
        }
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    for (uint32_t i = 0; i < sieved.count; i++) {
        pay(keyspace, weight_of(sieved.victims[i]));
        keyspace_free_entry(keyspace, sieved.victims[i]);
    }
}

static bool sieve_some(struct step *step)
{
    uint32_t before = step->evicted;
    uint32_t shard;
    for (uint32_t i = 0; i < VICTIM_HOLDS && step->evicted == before; i++) {
        if (!next_shard(step, &shard)) {
            return false;
        }
        sieve_bucket(step, shard);
    }
    return step->evicted != before;
}

/* ---- Steps ---- */

/* Memory of evicted keys as large as the number of keys asks for, or none. No lock held. */
static void keep_history(struct keyspace *keyspace, uint32_t policy)
{
    struct evict *evict = &keyspace->evict;
    uint32_t kind = policy & POLICY_CLOCK;
    bool is_wanted = kind == CLOCK_TINYLFU || kind == CLOCK_S3FIFO;
    struct history *old = atomic_load_explicit(&evict->past, memory_order_acquire);
    uint64_t keys = is_wanted ? evict_key_count(keyspace) : 0;
    if (is_wanted ? old != NULL && history_fits(old, keys) : old == NULL) {
        return;
    }
    struct history *made = is_wanted ? history_create(old, keys) : NULL;
    /* Release: pairs with the acquires of those who look. */
    if (atomic_compare_exchange_strong_explicit(&evict->past, &old, made, memory_order_acq_rel,
                                                memory_order_relaxed)) {
        gate_retire(&keyspace->gate, old);
    } else {
        mem_free(made);
    }
}

/* One of the evictors, for this thread; NULL when others have it. */
static struct evictor *take_evictor(struct keyspace *keyspace, uint32_t policy)
{
    struct evictor *evictor = &keyspace->evict.evictors[thread_index() % EVICTORS];
    /* Acquire: pairs with the release when it is given back. */
    if (atomic_exchange_explicit(&evictor->is_busy, true, memory_order_acquire)) {
        return NULL;
    }
    if (evictor->policy != policy) {
        evictor->policy = policy;
        evictor->pool.count = 0;
        evictor->main.count = 0;
        evictor->small_share = 65536;
    }
    return evictor;
}

static uint32_t samples_of(const struct keyspace *keyspace)
{
    int64_t samples = option_get(&keyspace->options->maxmemory_samples);
    return samples < POOL_SIZE ? (uint32_t)samples : POOL_SIZE;
}

static void note_over(struct keyspace *keyspace, bool is_over)
{
    struct evict *evict = &keyspace->evict;
    int64_t since_us = atomic_load_explicit(&evict->over_since_us, memory_order_relaxed);
    if (is_over == (since_us != 0)) {
        return;
    }
    int64_t now_us = clock_monotonic_us();
    if (atomic_compare_exchange_strong_explicit(&evict->over_since_us, &since_us,
                                                is_over ? now_us : 0, memory_order_relaxed,
                                                memory_order_relaxed) &&
        !is_over) {
        atomic_fetch_add_explicit(&evict->over_us, (uint64_t)(now_us - since_us),
                                  memory_order_relaxed);
    }
}

uint32_t keyspace_evict(struct keyspace *keyspace, uint32_t max_keys, bool *ret_none)
{
    uint32_t policy = policy_of(&keyspace->options->maxmemory_policy);
    struct evictor *evictor = NULL;
    *ret_none = !has_candidates(keyspace, policy);
    if (*ret_none || (evictor = take_evictor(keyspace, policy)) == NULL) {
        return 0;
    }
    struct step step = {.keyspace = keyspace,
                        .evictor = evictor,
                        .policy = policy,
                        .samples = samples_of(keyspace),
                        .most = max_keys,
                        .now_ms = clock_ms()};
    bool is_sieve = (policy & POLICY_CLOCK) == CLOCK_SIEVE;
    evict_tick(keyspace);
    keep_history(keyspace, policy);
    while (step.evicted < max_keys &&
           atomic_load_explicit(&keyspace->over_bytes, memory_order_relaxed) > 0 &&
           (is_sieve ? sieve_some(&step) : evict_worst(&step))) {
    }
    atomic_store_explicit(&evictor->is_busy, false, memory_order_release);
    if (step.has_told) {
        keyspace_settle(keyspace);
    }
    return step.evicted;
}

void keyspace_look_again(struct keyspace *keyspace)
{
    atomic_store_explicit(&keyspace->used_looked_ticks, 0, memory_order_relaxed);
}

bool keyspace_make_room(struct keyspace *keyspace, uint32_t max_keys)
{
    bool has_none = false;
    if (LIKELY(keyspace_over_budget(keyspace) == 0)) {
        note_over(keyspace, false);
        return true;
    }
    note_over(keyspace, true);
    (void)keyspace_evict(keyspace, max_keys, &has_none);
    return !has_none;
}

void keyspace_over_times(const struct keyspace *keyspace, int64_t *ret_total_ms,
                         int64_t *ret_current_ms)
{
    struct evict *evict = (struct evict *)&keyspace->evict;
    int64_t since_us = atomic_load_explicit(&evict->over_since_us, memory_order_relaxed);
    int64_t current_us = since_us == 0 ? 0 : clock_monotonic_us() - since_us;
    uint64_t before_us = atomic_load_explicit(&evict->over_us, memory_order_relaxed);
    *ret_total_ms = ((int64_t)before_us + current_us) / 1000;
    *ret_current_ms = current_us / 1000;
}
