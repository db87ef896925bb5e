/* Shards: tables of databases, the lock's slow half, the queue of jobs. */
#include "shard.h"
#include "bucket.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "prefix.h"
#include "wheel.h"
#include <sched.h>

/* Tries before a patient locker lets other threads run. */
#define PATIENT_SPINS 200

struct table *shard_make_table(struct keyspace *keyspace, struct shard *shard, uint32_t db)
{
    struct database *database = database_of(keyspace, db);
    struct table *table = shard_table(shard, database);
    if (table != NULL) {
        return table;
    }
    if (table_database(&shard->table) == NULL) {
        table_init(&shard->table, database);
        return &shard->table;
    }
    table = mem_alloc_zero(sizeof(*table));
    table_init(table, database);
    atomic_init(&table->next, table_next(&shard->table));
    /* Release: pairs with the acquire in table_next. */
    atomic_store_explicit(&shard->table.next, table, memory_order_release);
    return table;
}

/* Moves what the table in place holds to the heap. Who meets the place meanwhile finds nothing
 * there, or the next database's table: it only prefetches. */
static struct table *move_out(struct table *table)
{
    struct table *moved = mem_alloc_zero(sizeof(*moved));
    atomic_init(&moved->database, table_database(table));
    atomic_init(&moved->directory, atomic_load_explicit(&table->directory, memory_order_relaxed));
    atomic_init(&moved->bucket_count,
                atomic_load_explicit(&table->bucket_count, memory_order_relaxed));
    atomic_init(&moved->key_count, atomic_load_explicit(&table->key_count, memory_order_relaxed));
    moved->wheel = table->wheel;
    moved->ttl_count = table->ttl_count;
    moved->first_level = table->first_level;
    moved->node_count = table->node_count;
    atomic_store_explicit(&table->database, NULL, memory_order_relaxed);
    atomic_store_explicit(&table->bucket_count, 0, memory_order_relaxed);
    atomic_store_explicit(&table->directory, NULL, memory_order_relaxed);
    atomic_store_explicit(&table->key_count, 0, memory_order_relaxed);
    table->wheel = NULL;
    table->ttl_count = 0;
    table->first_level = 0;
    table->node_count = 0;
    return moved;
}

struct table *shard_unlink_table(struct shard *shard, struct table *table)
{
    if (table == &shard->table) {
        return move_out(table);
    }
    _Atomic(struct table *) *link = &shard->table.next;
    struct table *at;
    while ((at = atomic_load_explicit(link, memory_order_relaxed)) != table) {
        check(at != NULL);
        link = &at->next;
    }
    atomic_store_explicit(link, table_next(table), memory_order_release);
    return table;
}

void shard_publish_due(struct keyspace *keyspace, struct shard *shard)
{
    int64_t due_ms = INT64_MAX;
    struct table *table = shard_first_table(shard);
    for (; table != NULL; table = table_next(table)) {
        if (!atomic_load_explicit(&table_database(table)->is_dead, memory_order_relaxed)) {
            int64_t table_due_ms = wheel_due(table->wheel);
            due_ms = table_due_ms < due_ms ? table_due_ms : due_ms;
        }
    }
    uint32_t word = atomic_load_explicit(&shard->word, memory_order_relaxed);
    const struct note_table *notes = &keyspace->notes[shard_index(keyspace, shard)];
    if (UNLIKELY((word & SHARD_NOTED) != 0) && notes->lease_count > 0) {
        due_ms = notes->sweep_ms < due_ms ? notes->sweep_ms : due_ms;
    }
    _Atomic int64_t *due = &keyspace->due_ms[shard_index(keyspace, shard)];
    if (atomic_load_explicit(due, memory_order_relaxed) != due_ms) {
        atomic_store_explicit(due, due_ms, memory_order_relaxed);
    }
}

void shard_lock_patiently(struct shard *shard, bool exclusive, uint32_t extra)
{
    uint32_t tries = 0;
    lock_rank_enter(LOCK_RANK_SHARD);
    /* No ticket is respected: its owner may wait for a thread of the pool, which is what the caller
     * takes up. */
    while (!shard_try_lock(&shard->word, exclusive, /* respects= */ 0, extra)) {
        if (++tries < PATIENT_SPINS) {
            thread_pause();
        } else {
            sched_yield();
        }
    }
}

void shard_unlock(struct keyspace *keyspace, struct shard *shard, bool exclusive, uint32_t extra)
{
    if (exclusive) {
        shard->version++;
    }
    bool wakes = shard_unlock_word(&shard->word, exclusive, extra);
    lock_rank_leave(LOCK_RANK_SHARD);
    if (UNLIKELY(wakes)) {
        shard_wake_queue(keyspace, shard);
    }
}

void shard_wake_queue(struct keyspace *keyspace, struct shard *shard)
{
    struct shard_queue *queue = &keyspace->queues[shard_index(keyspace, shard)];
    lock_acquire(&queue->lock);
    struct access_waiter *waiter = queue->head;
    queue->head = NULL;
    queue->tail = &queue->head;
    atomic_store_explicit(&queue->since_us, 0, memory_order_relaxed);
    atomic_fetch_and_explicit(&shard->word, ~SHARD_QUEUED, memory_order_relaxed);
    lock_release(&queue->lock);
    while (waiter != NULL) {
        /* wake may free or reuse it. */
        struct access_waiter *next = waiter->next;
        waiter->wake(waiter);
        waiter = next;
    }
}

/* ---- Entries with their books ---- */

void place_find(struct keyspace *keyspace, struct shard *shard, const struct access_key *key,
                struct place *place)
{
    place->keyspace = keyspace;
    place->shard = shard;
    place->hash = table_hash(key->hash);
    place->table = shard_table(shard, database_of(keyspace, key->db));
    place->position = place->table == NULL ? (struct position){0}
                                           : table_find(place->table, key->name, place->hash);
}

/* Books of an entry with the flag TTL that comes (1) or goes (-1). */
static void count_ttl(struct table *table, const struct entry *entry, int change)
{
    table->ttl_count += (uint32_t)change;
    if (entry_expiry(entry) >= 0) {
        database_count_ttl(table_database(table), change);
    }
    if ((entry->flags & ENTRY_FIELD_TTL) != 0) {
        database_count_field_ttl(table_database(table), change);
    }
}

struct entry *place_unlink(struct place *place)
{
    struct entry *entry = place->position.entry;
    struct table *table = place->table;
    const struct rehash rehash = keyspace_rehash(place->keyspace);
    if (place->keyspace->prefixes != NULL) {
        prefixes_move(place, entry, /* fresh= */ NULL);
    }
    if ((entry->flags & ENTRY_TTL) != 0) {
        wheel_forget(table->wheel, entry, place->hash);
        count_ttl(table, entry, -1);
        shard_publish_due(place->keyspace, place->shard);
    }
    table_remove(table, place->position, place->hash, &rehash);
    database_count_key(table_database(table), -1);
    place->position = (struct position){0};
    if (UNLIKELY(table_wants_end(table))) {
        table_retire(shard_unlink_table(place->shard, table), rehash.gate);
        place->table = NULL;
    }
    return entry;
}

struct entry *place_put(struct place *place, uint32_t db, struct entry *entry, int64_t now_ms)
{
    struct entry *old = place->position.entry;
    bool has_ttl = (entry->flags & ENTRY_TTL) != 0;
    bool had_ttl = old != NULL && (old->flags & ENTRY_TTL) != 0;
    if (place->table == NULL) {
        place->table = shard_make_table(place->keyspace, place->shard, db);
    }
    struct table *table = place->table;
    if (place->keyspace->prefixes != NULL) {
        prefixes_move(place, old, entry);
    }
    if (had_ttl && has_ttl) {
        /* Stays where it is filed if that is early enough. */
        entry_set_slot(entry, entry_slot(old));
    } else if (had_ttl) {
        wheel_forget(table->wheel, old, place->hash);
    }
    if (had_ttl) {
        count_ttl(table, old, -1);
    }
    if (old != NULL) {
        table_replace(place->position, entry);
    } else {
        const struct rehash rehash = keyspace_rehash(place->keyspace);
        table_insert(table, entry, place->hash, &rehash);
        database_count_key(table_database(table), 1);
    }
    if (has_ttl) {
        count_ttl(table, entry, 1);
        wheel_file(&table->wheel, entry, place->hash, now_ms);
    }
    if (has_ttl || had_ttl) {
        shard_publish_due(place->keyspace, place->shard);
    }
    return old;
}

void place_remake(struct place *place, int64_t now_ms)
{
    struct entry *old = place->position.entry;
    struct entry_parts parts = {
        .key = entry_key(old), .expires_at_ms = entry_expiry(old), .soft_at_ms = entry_soft(old)};
    entry_value(old, &parts.value);
    struct entry *entry =
        entry_make(&parts, atomic_load_explicit(&old->clock, memory_order_relaxed));
    check(entry != NULL);
    (void)place_put(place, /* db= */ 0, entry, now_ms); /* It returns the old one. */
    entry_free(old);
}

void keyspace_free_entry(struct keyspace *keyspace, struct entry *entry)
{
    if ((entry->flags & ENTRY_BLOB) != 0) {
        keyspace_discard_blob(keyspace, blob_acquire(entry_blob(entry)));
    } else if ((entry->flags & ENTRY_COLLECTION) != 0 && (*entry_collection(entry))->is_large) {
        struct collection *collection = *entry_collection(entry);
        /* The entry's reference goes first, so that the other one is the last. */
        (void)collection_acquire(collection);
        entry_free(entry);
        keyspace_discard_collection(keyspace, collection);
        return;
    }
    entry_free(entry);
}
