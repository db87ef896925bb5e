/* Databases: the map from logical to physical ones, switched under the gate; what was flushed is
 * garbage from then on, and is freed shard by shard on the pool. */
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include "prefix.h"

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
    return not_negative(database_keys(database_of(keyspace, db)));
}

uint64_t keyspace_expires(const struct keyspace *keyspace, uint32_t db)
{
    return not_negative(database_expires(database_of(keyspace, db)));
}

uint64_t keyspace_subexpires(const struct keyspace *keyspace, uint32_t db)
{
    return not_negative(database_subexpires(database_of(keyspace, db)));
}

struct database_counts *database_counts_self(struct database *database)
{
    struct database_counts *counts = atomic_load_explicit(&database->counts, memory_order_acquire);
    if (UNLIKELY(counts == NULL)) {
        struct database_counts *made = mem_alloc_zero(DATABASE_STRIPES * sizeof(*made));
        /* Release: pairs with the acquire above in other threads. */
        if (atomic_compare_exchange_strong_explicit(&database->counts, &counts, made,
                                                    memory_order_acq_rel, memory_order_acquire)) {
            counts = made;
        } else {
            mem_free(made);
        }
    }
    return &counts[thread_index() % DATABASE_STRIPES];
}

void database_reset(struct database *database)
{
    struct database_counts *counts = atomic_load_explicit(&database->counts, memory_order_acquire);
    for (uint32_t i = 0; counts != NULL && i < DATABASE_STRIPES; i++) {
        atomic_store_explicit(&counts[i].keys, 0, memory_order_relaxed);
        atomic_store_explicit(&counts[i].expires, 0, memory_order_relaxed);
        atomic_store_explicit(&counts[i].subexpires, 0, memory_order_relaxed);
    }
    atomic_store_explicit(&database->is_dead, false, memory_order_relaxed);
}

int64_t database_keys(const struct database *database)
{
    struct database_counts *counts =
        atomic_load_explicit(&((struct database *)database)->counts, memory_order_acquire);
    int64_t sum = 0;
    for (uint32_t i = 0; counts != NULL && i < DATABASE_STRIPES; i++) {
        sum += atomic_load_explicit(&counts[i].keys, memory_order_relaxed);
    }
    return sum;
}

int64_t database_expires(const struct database *database)
{
    struct database_counts *counts =
        atomic_load_explicit(&((struct database *)database)->counts, memory_order_acquire);
    int64_t sum = 0;
    for (uint32_t i = 0; counts != NULL && i < DATABASE_STRIPES; i++) {
        sum += atomic_load_explicit(&counts[i].expires, memory_order_relaxed);
    }
    return sum;
}

int64_t database_subexpires(const struct database *database)
{
    struct database_counts *counts =
        atomic_load_explicit(&((struct database *)database)->counts, memory_order_acquire);
    int64_t sum = 0;
    for (uint32_t i = 0; counts != NULL && i < DATABASE_STRIPES; i++) {
        sum += atomic_load_explicit(&counts[i].subexpires, memory_order_relaxed);
    }
    return sum;
}

/* Replaces the physical database behind a logical one. The gate is closed. */
static uint64_t retire_database(struct keyspace *keyspace, uint32_t db)
{
    struct database *old = database_of(keyspace, db);
    uint64_t keys = keyspace_size(keyspace, db);
    /* Also of an empty one: keys that are not there may be leased. */
    notes_touch_databases(keyspace, db, UINT32_MAX, NULL);
    if (keys == 0) {
        return 0;
    }
    lock_acquire(&keyspace->dead_lock);
    struct database *fresh = keyspace->spare_databases;
    if (fresh != NULL) {
        keyspace->spare_databases = fresh->next_dead;
    } else {
        fresh = mem_alloc_zero(sizeof(*fresh));
    }
    atomic_store_explicit(&fresh->index, db, memory_order_relaxed);
    atomic_store_explicit(&keyspace->databases[db], fresh, memory_order_release);
    atomic_store_explicit(&old->is_dead, true, memory_order_relaxed);
    /* At the end: dead_shard is about the first one. */
    struct database **link = &keyspace->dead_databases;
    while (*link != NULL) {
        link = &(*link)->next_dead;
    }
    old->next_dead = NULL;
    old->dying_keys = keys;
    *link = old;
    lock_release(&keyspace->dead_lock);
    return keys;
}

static void ask_reclaim(struct keyspace *keyspace)
{
    if (keyspace->hooks.want_reclaim != NULL) {
        keyspace->hooks.want_reclaim(keyspace->hooks.context);
    }
}

/* Tells that a database, or all, were emptied. The gate is closed. */
static bool tell_flush(const struct keyspace *keyspace, uint32_t db)
{
    const struct keyspace_sinks *sinks = &keyspace->sinks;
    uint32_t interest =
        atomic_load_explicit(&((struct keyspace *)keyspace)->interest, memory_order_relaxed);
    if ((interest & ACCESS_CHANGES) == 0) {
        return false;
    }
    sinks->flushed(sinks->context, db);
    return true;
}

static void end_flush(struct keyspace *keyspace, bool has_told)
{
    gate_open(&keyspace->gate);
    if (has_told) {
        keyspace_settle(keyspace);
    }
    keyspace_tell_turns(keyspace);
    ask_reclaim(keyspace);
}

uint64_t keyspace_flush(struct keyspace *keyspace, uint32_t db)
{
    gate_close(&keyspace->gate);
    uint64_t keys = retire_database(keyspace, db);
    end_flush(keyspace, tell_flush(keyspace, db));
    return keys;
}

uint64_t keyspace_flush_all(struct keyspace *keyspace)
{
    uint64_t keys = 0;
    gate_close(&keyspace->gate);
    for (uint32_t i = 0; i < keyspace->database_count; i++) {
        keys += retire_database(keyspace, i);
    }
    end_flush(keyspace, tell_flush(keyspace, UINT32_MAX));
    return keys;
}

void keyspace_swap(struct access *access, uint32_t a, uint32_t b)
{
    struct keyspace *keyspace = access->keyspace;
    check(access->granted && access->has_all);
    struct database *first = database_of(keyspace, a);
    struct database *second = database_of(keyspace, b);
    if (a == b) {
        return;
    }
    notes_touch_databases(keyspace, a, b, access);
    atomic_store_explicit(&keyspace->databases[a], second, memory_order_relaxed);
    atomic_store_explicit(&keyspace->databases[b], first, memory_order_relaxed);
    atomic_store_explicit(&first->index, b, memory_order_relaxed);
    atomic_store_explicit(&second->index, a, memory_order_relaxed);
    if (tell_flush(keyspace, a) && tell_flush(keyspace, b)) {
        access->has_told = true;
        access->has_extras = true;
    }
}

/* ---- Reclaiming ---- */

static bool reclaim_value(struct keyspace *keyspace)
{
    lock_acquire(&keyspace->dead_lock);
    struct dead_value *dead = keyspace->dead_values;
    if (dead != NULL) {
        keyspace->dead_values = dead->next;
    }
    lock_release(&keyspace->dead_lock);
    if (dead == NULL) {
        return false;
    }
    blob_release(dead->blob);
    collection_release(dead->collection);
    atomic_fetch_sub_explicit(&keyspace->dying_bytes, dead->size, memory_order_relaxed);
    mem_free(dead);
    lock_acquire(&keyspace->dead_lock);
    keyspace->dead_value_count--;
    lock_release(&keyspace->dead_lock);
    stat_add(STAT_lazyfreed_objects, 1);
    return true;
}

static void count_freed(struct keyspace *keyspace, struct database *database, uint64_t keys)
{
    lock_acquire(&keyspace->dead_lock);
    database->dying_keys -= keys < database->dying_keys ? keys : database->dying_keys;
    lock_release(&keyspace->dead_lock);
    stat_add(STAT_lazyfreed_objects, keys);
}

/* Since the map was switched with every thread outside, nobody looks into the table any more; what
 * is left is to meet it in the shard's list, which ends with the cycle. So no wait is needed, and
 * no lock but for the unlinking. */
static void reclaim_table(struct keyspace *keyspace, struct shard *shard, struct database *database)
{
    gate_enter(&keyspace->gate);
    shard_lock_patiently(shard, /* exclusive= */ true, 0);
    struct table *table = shard_table(shard, database);
    if (table != NULL) {
        table = shard_unlink_table(shard, table);
        shard_publish_due(keyspace, shard);
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    gate_leave(&keyspace->gate);
    if (table != NULL) {
        uint64_t keys = atomic_load_explicit(&table->key_count, memory_order_relaxed);
        table_retire(table, &keyspace->gate);
        count_freed(keyspace, database, keys);
    }
}

/* The next step for the first dead database: a shard, or the end of it (shard_count). NULL when
 * nothing is dead. */
static struct database *next_dead(struct keyspace *keyspace, uint32_t *ret_shard)
{
    lock_acquire(&keyspace->dead_lock);
    struct database *database = keyspace->dead_databases;
    *ret_shard = keyspace->dead_shard;
    if (database != NULL) {
        keyspace->dead_shard++;
    }
    lock_release(&keyspace->dead_lock);
    return database;
}

static void end_dead(struct keyspace *keyspace, struct database *database)
{
    lock_acquire(&keyspace->dead_lock);
    if (keyspace->dead_databases != database) {
        /* Another one was flushed meanwhile and stands before it: it is met again after that. */
        lock_release(&keyspace->dead_lock);
        return;
    }
    keyspace->dead_databases = database->next_dead;
    keyspace->dead_shard = 0;
    database_reset(database);
    if (keyspace->prefixes != NULL) {
        prefix_sizes_reset(database, keyspace->prefixes->max + PREFIX_FIRST);
    }
    database->dying_keys = 0;
    database->next_dead = keyspace->spare_databases;
    keyspace->spare_databases = database;
    lock_release(&keyspace->dead_lock);
}

/* One step; false when there is nothing left to do. */
static bool reclaim_step(struct keyspace *keyspace)
{
    uint32_t shard;
    if (reclaim_value(keyspace)) {
        return true;
    }
    struct database *database = next_dead(keyspace, &shard);
    if (database == NULL) {
        return false;
    }
    if (shard < keyspace->shard_count) {
        reclaim_table(keyspace, &keyspace->shards[shard], database);
    } else {
        end_dead(keyspace, database);
    }
    return true;
}

uint64_t keyspace_dying_objects(const struct keyspace *keyspace)
{
    struct keyspace *self = (struct keyspace *)keyspace;
    lock_acquire(&self->dead_lock);
    uint64_t count = self->dead_value_count;
    for (const struct database *dead = self->dead_databases; dead; dead = dead->next_dead) {
        count += dead->dying_keys;
    }
    lock_release(&self->dead_lock);
    return count;
}

bool keyspace_reclaim(struct keyspace *keyspace)
{
    int64_t end_us = clock_monotonic_us() + RECLAIM_US;
    bool is_more = true;
    /* Acquire: pairs with the release below. Who comes too early asks again. */
    if (atomic_exchange_explicit(&keyspace->is_reclaiming, true, memory_order_acquire)) {
        return true;
    }
    while (is_more && clock_monotonic_us() < end_us) {
        is_more = reclaim_step(keyspace);
    }
    gate_collect(&keyspace->gate);
    atomic_store_explicit(&keyspace->is_reclaiming, false, memory_order_release);
    return is_more;
}
