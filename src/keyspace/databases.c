/* Databases: the map from logical to physical ones, switched under the gate; what was flushed is
 * garbage from then on, and is freed shard by shard on the pool. */
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

/* How long one reclaim step may take before the pool does something else. */
#define RECLAIM_US 2000

uint32_t keyspace_databases(const struct keyspace *keyspace)
{
    return keyspace->database_count;
}

uint32_t keyspace_shard_count(const struct keyspace *keyspace)
{
    return keyspace->shard_count;
}

static uint64_t not_negative(int64_t count)
{
    return count < 0 ? 0 : (uint64_t)count;
}

uint64_t keyspace_size(const struct keyspace *keyspace, uint32_t db)
{
    return not_negative(
        atomic_load_explicit(&database_of(keyspace, db)->keys, memory_order_relaxed));
}

uint64_t keyspace_expires(const struct keyspace *keyspace, uint32_t db)
{
    return not_negative(
        atomic_load_explicit(&database_of(keyspace, db)->expires, memory_order_relaxed));
}

/* Replaces the physical database behind a logical one. The gate is closed. */
static uint64_t retire_database(struct keyspace *keyspace, uint32_t db)
{
    struct database *old = database_of(keyspace, db);
    uint64_t keys = keyspace_size(keyspace, db);
    if (keys == 0) {
        return 0;
    }
    atomic_store_explicit(&keyspace->databases[db], mem_alloc_zero(sizeof(struct database)),
                          memory_order_relaxed);
    atomic_store_explicit(&old->is_dead, true, memory_order_relaxed);
    lock_acquire(&keyspace->dead_lock);
    old->next_dead = keyspace->dead_databases;
    keyspace->dead_databases = old;
    keyspace->dead_shard = 0;
    lock_release(&keyspace->dead_lock);
    return keys;
}

static void ask_reclaim(struct keyspace *keyspace)
{
    if (keyspace->hooks.want_reclaim != NULL) {
        keyspace->hooks.want_reclaim(keyspace->hooks.context);
    }
}

uint64_t keyspace_flush(struct keyspace *keyspace, uint32_t db)
{
    gate_close(&keyspace->gate);
    uint64_t keys = retire_database(keyspace, db);
    gate_open(&keyspace->gate);
    ask_reclaim(keyspace);
    return keys;
}

uint64_t keyspace_flush_all(struct keyspace *keyspace)
{
    uint64_t keys = 0;
    gate_close(&keyspace->gate);
    for (uint32_t i = 0; i < keyspace->database_count; i++) {
        keys += retire_database(keyspace, i);
    }
    gate_open(&keyspace->gate);
    ask_reclaim(keyspace);
    return keys;
}

void keyspace_swap(struct keyspace *keyspace, uint32_t a, uint32_t b)
{
    gate_close(&keyspace->gate);
    struct database *first = database_of(keyspace, a);
    atomic_store_explicit(&keyspace->databases[a], database_of(keyspace, b), memory_order_relaxed);
    atomic_store_explicit(&keyspace->databases[b], first, memory_order_relaxed);
    gate_open(&keyspace->gate);
}

/* ---- Reclaiming ---- */

static bool reclaim_blob(struct keyspace *keyspace)
{
    lock_acquire(&keyspace->dead_lock);
    struct dead_blob *dead = keyspace->dead_blobs;
    if (dead != NULL) {
        keyspace->dead_blobs = dead->next;
    }
    lock_release(&keyspace->dead_lock);
    if (dead == NULL) {
        return false;
    }
    blob_release(dead->blob);
    mem_free(dead);
    return true;
}

/* The entries of a table that nobody can reach any more: no lock is needed but for the unlinking.
 */
static void reclaim_table(struct keyspace *keyspace, struct shard *shard, struct database *database)
{
    shard_lock_patiently(shard, /* exclusive= */ true, 0);
    struct table *table = shard_table(shard, database);
    if (table != NULL) {
        shard_unlink_table(shard, table);
        shard_publish_due(keyspace, shard);
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    if (table == NULL) {
        return;
    }
    /* Who prefetches may have found it before; that look ends with its cycle. */
    gate_wait(&keyspace->gate);
    table_destroy(table);
}

static struct database *next_dead(struct keyspace *keyspace, uint32_t *ret_shard)
{
    lock_acquire(&keyspace->dead_lock);
    struct database *database = keyspace->dead_databases;
    *ret_shard = keyspace->dead_shard;
    if (database != NULL && keyspace->dead_shard == keyspace->shard_count) {
        keyspace->dead_databases = database->next_dead;
        keyspace->dead_shard = 0;
    } else {
        keyspace->dead_shard++;
    }
    lock_release(&keyspace->dead_lock);
    return database;
}

bool keyspace_reclaim(struct keyspace *keyspace)
{
    int64_t end_us = clock_monotonic_us() + RECLAIM_US;
    do {
        uint32_t shard;
        if (reclaim_blob(keyspace)) {
            continue;
        }
        struct database *database = next_dead(keyspace, &shard);
        if (database == NULL) {
            return false;
        }
        if (shard < keyspace->shard_count) {
            reclaim_table(keyspace, &keyspace->shards[shard], database);
        } else {
            gate_wait(&keyspace->gate);
            mem_free(database);
        }
    } while (clock_monotonic_us() < end_us);
    return true;
}
