/* The hand that goes round all keys, and what it leaves of those it meets. See evict.h.
 *
 * Shards are only tried: a busy one is passed by. */
#include "bucket.h"
#include "evict_step.h"
#include "wheel.h"

/* Buckets visited in one hold. */
#define HOLD_BUCKETS 4
/* Below this share of keys with an expiry they are looked for in the expiry index. */
#define SPARSE_SHARE 4
/* s3fifo: how slowly the known share of the small part follows what is met. */
#define SHARE_SHIFT 8

/* A shard that the hand holds, and the bucket where it is. */
struct visit {
    struct step *step;
    struct candidate at;
    uint32_t met; /* keys that may be evicted */
};

bool step_try_shard(struct step *step, struct shard *shard, bool exclusive)
{
    if (!shard_try_lock(&shard->word, exclusive, SHARD_TICKET | SHARD_QUEUED, 0)) {
        return false;
    }
    lock_rank_enter(LOCK_RANK_SHARD);
    int64_t latest = atomic_load_explicit(&shard->latest_now_ms, memory_order_relaxed);
    step->now_ms = latest > step->now_ms ? latest : step->now_ms;
    return true;
}

bool step_may_evict(const struct step *step, const struct entry *entry)
{
    return (step->policy & POLICY_VOLATILE) == 0 || entry_expiry(entry) >= 0;
}

static bool meet(void *argument, struct entry *entry)
{
    struct visit *visit = argument;
    struct step *step = visit->step;
    struct evictor *evictor = step->evictor;
    if (!step_may_evict(step, entry)) {
        return true;
    }
    struct pool *pool = &evictor->pool;
    visit->met++;
    visit->at.entry = entry;
    visit->at.clock = clock_get(entry);
    if ((step->policy & POLICY_CLOCK) == CLOCK_S3FIFO) {
        bool is_main = (visit->at.clock & S3_MAIN) != 0;
        uint32_t share = evictor->small_share;
        evictor->small_share =
            share - (share >> SHARE_SHIFT) + (is_main ? 0 : 65536 >> SHARE_SHIFT);
        pool = is_main ? &evictor->main : pool;
    }
    pool_offer(pool, evict_score(step->keyspace, step->policy, entry, step->now_ms), &visit->at);
    return true;
}

/* All entries of a bucket are asked for before the first is looked at. */
static bool prefetch(void *argument, struct entry *entry)
{
    (void)argument;
    __builtin_prefetch(entry);
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

uint32_t hand_buckets(const struct table *table)
{
    bool is_dead = atomic_load_explicit(&table_database(table)->is_dead, memory_order_relaxed);
    return is_dead ? 0 : table->bucket_count;
}

/* The table at a position among the buckets of all tables of the shard, which becomes that in the
 * table. NULL when the shard is empty. */
struct table *hand_table(const struct shard *shard, uint32_t *position)
{
    struct table *table;
    uint32_t total = 0;
    for (table = shard_first_table(shard); table != NULL; table = table_next(table)) {
        total += hand_buckets(table);
    }
    if (total == 0) {
        return NULL;
    }
    *position %= total;
    table = shard_first_table(shard);
    while (*position >= hand_buckets(table)) {
        *position -= hand_buckets(table);
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
        struct table *table = hand_table(shard, &position);
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
        (void)table_visit_bucket(table, position, prefetch, NULL);
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

bool hand_next_shard(struct step *step, uint32_t *ret_shard)
{
    const struct keyspace *keyspace = step->keyspace;
    /* No addition in one: that two threads visit the same shard does no harm. */
    _Atomic uint32_t *hand = &step->keyspace->evict.hand_shard;
    uint32_t shard = atomic_load_explicit(hand, memory_order_relaxed);
    while (step->shards_left > 0) {
        step->shards_left--;
        shard = (shard + 1) & keyspace->shard_mask;
        if (is_worth_a_visit(keyspace, step->policy, shard)) {
            atomic_store_explicit(hand, shard, memory_order_relaxed);
            *ret_shard = shard;
            return true;
        }
    }
    return false;
}

/* Meets at least count keys, if there are any that can be met. */
void hand_meet(struct step *step, uint32_t count)
{
    struct visit visit = {.step = step};
    uint32_t met = 0;
    hand_begin(step);
    for (uint32_t holds = 0; holds < VICTIM_HOLDS && met < count; holds++) {
        if (!hand_next_shard(step, &visit.at.shard)) {
            return;
        }
        struct shard *shard = &step->keyspace->shards[visit.at.shard];
        if (!step_try_shard(step, shard, /* exclusive= */ false)) {
            continue;
        }
        visit.met = 0;
        visit_shard(&visit, shard);
        met += visit.met;
        shard_unlock(step->keyspace, shard, /* exclusive= */ false, 0);
    }
}
