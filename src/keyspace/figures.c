/* Figures and checks: walks over all shards, for INFO, DEBUG HTSTATS and tests. */
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "prefix.h"
#include "wheel.h"

/* Keys whose TTLs are averaged: a sample is enough for a mean. So many shards, and keys of each. */
#define TTL_SAMPLE_SHARDS 16
#define TTL_SAMPLE_KEYS 64
/* Keys with a TTL of which the share that has expired is taken: all, and of a shard. The shards are
 * met so many places apart: odd, so that each is met once. */
#define STALE_SAMPLE_KEYS 512
#define STALE_SHARD_KEYS 32
#define STALE_STRIDE UINT32_C(0x9e3779b1)

static void add_table(const struct table *table, struct keyspace_figures *figures)
{
    uint32_t keys = atomic_load_explicit(&table->key_count, memory_order_relaxed);
    figures->keys += keys;
    figures->expires += table->ttl_count;
    figures->buckets += atomic_load_explicit(&table->bucket_count, memory_order_relaxed);
    figures->overflow_buckets += table->node_count;
    figures->table_bytes += table_bytes(table);
    figures->expiry_bytes += wheel_bytes(table->wheel);
    if (keys > figures->largest_shard_keys) {
        figures->largest_shard_keys = keys;
    }
}

void keyspace_figures(struct keyspace *keyspace, uint32_t db, struct keyspace_figures *ret_figures)
{
    struct keyspace_figures figures = {
        .shard_count = keyspace->shard_count,
        .queued_jobs = atomic_load_explicit(&keyspace->queued_jobs, memory_order_relaxed),
        .gate_closes = atomic_load_explicit(&keyspace->gate.closes, memory_order_relaxed),
        .retired_bytes = atomic_load_explicit(&keyspace->gate.retired_bytes, memory_order_relaxed),
    };
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct shard *shard = &keyspace->shards[i];
        if (shard_first_table(shard) == NULL) {
            continue;
        }
        shard_lock_patiently(shard, /* exclusive= */ false, 0);
        const struct table *table = shard_table(shard, database_of(keyspace, db));
        if (table != NULL) {
            add_table(table, &figures);
        }
        shard_unlock(keyspace, shard, /* exclusive= */ false, 0);
    }
    *ret_figures = figures;
}

struct ttl_sample {
    int64_t now_ms;
    int64_t sum_ms;
    int64_t count;
    uint32_t left; /* keys to look at in this shard */
};

static bool sample_entry(void *argument, struct entry *entry)
{
    struct ttl_sample *sample = argument;
    int64_t at_ms = entry_expiry(entry);
    if (at_ms > sample->now_ms) {
        sample->sum_ms += at_ms - sample->now_ms;
        sample->count++;
    }
    return --sample->left > 0;
}

int64_t keyspace_average_ttl(const struct keyspace *keyspace, uint32_t db)
{
    struct keyspace *self = (struct keyspace *)keyspace;
    struct ttl_sample sample = {.now_ms = clock_ms()};
    uint32_t sampled = 0;
    for (uint32_t i = 0; i < keyspace->shard_count && sampled < TTL_SAMPLE_SHARDS; i++) {
        struct shard *shard = &self->shards[i];
        if (shard_first_table(shard) == NULL) {
            continue;
        }
        shard_lock_patiently(shard, /* exclusive= */ false, 0);
        const struct table *table = shard_table(shard, database_of(keyspace, db));
        if (table != NULL && table->ttl_count > 0) {
            uint32_t count = atomic_load_explicit(&table->bucket_count, memory_order_relaxed);
            sample.left = TTL_SAMPLE_KEYS;
            for (uint32_t bucket = 0; bucket < count && sample.left > 0; bucket++) {
                (void)table_visit_bucket(table, bucket, sample_entry, &sample);
            }
            sampled++;
        }
        shard_unlock(self, shard, /* exclusive= */ false, 0);
    }
    return sample.count == 0 ? 0 : sample.sum_ms / sample.count;
}

struct stale_sample {
    int64_t now_ms;
    uint64_t seen;
    uint64_t stale;
    uint32_t left; /* keys to look at in this shard */
};

static bool sample_stale(void *argument, struct entry *entry)
{
    struct stale_sample *sample = argument;
    if (entry_expiry(entry) > 0) {
        sample->seen++;
        sample->stale += entry_is_expired(entry, sample->now_ms);
    }
    return --sample->left > 0;
}

static void sample_table(const struct table *table, struct stale_sample *sample)
{
    uint32_t count = atomic_load_explicit(&table->bucket_count, memory_order_relaxed);
    sample->left = STALE_SHARD_KEYS;
    for (uint32_t bucket = 0; bucket < count && sample->left > 0; bucket++) {
        (void)table_visit_bucket(table, bucket, sample_stale, sample);
    }
}

double keyspace_stale_percent(const struct keyspace *keyspace)
{
    struct keyspace *self = (struct keyspace *)keyspace;
    struct stale_sample sample = {.now_ms = clock_ms()};
    for (uint32_t i = 0; i < keyspace->shard_count && sample.seen < STALE_SAMPLE_KEYS; i++) {
        /* Spread: expiry comes to the first ones first. */
        struct shard *shard = &self->shards[(i * STALE_STRIDE) & keyspace->shard_mask];
        if (shard_first_table(shard) == NULL) {
            continue;
        }
        shard_lock_patiently(shard, /* exclusive= */ false, 0);
        const struct table *table = shard_first_table(shard);
        for (; table != NULL; table = table_next(table)) {
            struct database *database = table_database(table);
            if (table->ttl_count > 0 &&
                !atomic_load_explicit(&database->is_dead, memory_order_relaxed)) {
                sample_table(table, &sample);
            }
        }
        shard_unlock(self, shard, /* exclusive= */ false, 0);
    }
    return sample.seen == 0 ? 0 : (double)sample.stale * 100.0 / (double)sample.seen;
}

static bool verify_filed(void *argument, struct entry *entry)
{
    const struct place *place = argument;
    if ((entry->flags & ENTRY_TTL) != 0) {
        const struct rehash rehash = keyspace_rehash(place->keyspace);
        check(
            wheel_has(place->table->wheel, entry_slot(entry), rehash.hash(rehash.context, entry)));
    }
    return true;
}

/* The counters of the databases against what the tables hold: exact when nobody else is at work. */
static void verify_counts(struct keyspace *keyspace)
{
    for (uint32_t db = 0; db < keyspace->database_count; db++) {
        struct keyspace_figures figures;
        keyspace_figures(keyspace, db, &figures);
        check(figures.keys == keyspace_size(keyspace, db));
        uint64_t own = keyspace_expires(keyspace, db);
        uint64_t fields = keyspace_subexpires(keyspace, db);
        check(figures.expires >= own && figures.expires >= fields);
        check(figures.expires <= own + fields);
    }
}

void keyspace_verify(struct keyspace *keyspace)
{
    verify_counts(keyspace);
    prefixes_verify(keyspace);
    const struct rehash rehash = keyspace_rehash(keyspace);
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct shard *shard = &keyspace->shards[i];
        shard_lock_patiently(shard, /* exclusive= */ true, 0);
        struct place place = {.keyspace = keyspace, .shard = shard};
        place.table = shard_first_table(shard);
        for (; place.table != NULL; place.table = table_next(place.table)) {
            table_verify(place.table, &rehash);
            check(wheel_count(place.table->wheel) == place.table->ttl_count);
            for (uint32_t bucket = 0; bucket < place.table->bucket_count; bucket++) {
                (void)table_visit_bucket(place.table, bucket, verify_filed, &place);
            }
        }
        shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    }
}
