/* Active expiry: keys go from memory soon after they expired, in short exclusive holds of the
 * shards that have something due. One thread at a time. */
#include "bucket.h"
#include "key.h"
#include "note.h"
#include "pollard/base/clock.h"
#include "pollard/stats/stats.h"
#include "pollard/value/hash.h"
#include "prefix.h"
#include "wheel.h"

/* Keys handled in one hold of a shard: some tens of microseconds. */
#define HOLD_KEYS 64
/* Fields of hashes that count as much as a key. */
#define HOLD_FIELDS_PER_KEY 4
/* Entries of one bucket with the same tag that are looked at for one index item. In a shard of a
 * million buckets the bucket decides the whole tag, so that this must hold a whole chain: 256 is
 * forty times its mean. */
#define SAME_TAG_MAX 256

/* One hold of a shard: the time it judges by, and what may still be done in it, in fields. */
struct hold {
    int64_t now_ms;
    uint64_t left;
    bool has_told;
};

/* Removes fields that are over, at most about most of them, and the key with its last field.
 * Returns how many. */
static uint64_t settle_fields(struct place *place, struct entry *entry, const struct hold *hold,
                              bool *has_told)
{
    int64_t now_ms = hold->now_ms;
    struct collection **hash = entry_collection(entry);
    place->position = table_find(place->table, entry_key(entry), place->hash);
    if (place->keyspace->prefixes != NULL) {
        prefixes_edit(place);
    }
    collection_own(hash);
    uint64_t removed = hash_reap(hash, now_ms, hold->left);
    stat_add(STAT_expired_subkeys, removed);
    if (removed > 0) {
        *has_told |= place_tell(place, entry_key(entry), EVENT_hexpired);
    }
    if (collection_count(*hash) == 0) {
        (void)place_unlink(place);
        *has_told |= place_tell(place, entry_key(entry), EVENT_del);
        keyspace_free_entry(place->keyspace, entry);
    } else if (!hash_has_expiry(*hash)) {
        /* It is an entry as any other again. */
        place_remake(place, now_ms);
    } else if (hash_next_expiry(*hash) <= now_ms) {
        wheel_file_due(&place->table->wheel, entry, place->hash);
    } else {
        wheel_file(&place->table->wheel, entry, place->hash, now_ms);
    }
    return removed;
}

/* Deletes what is due of the entries that an index item may mean, and files the others again. */
static void settle_item(struct place *place, uint16_t slot, struct hold *hold)
{
    int64_t now_ms = hold->now_ms;
    struct entry *entries[SAME_TAG_MAX];
    size_t count = table_find_tagged(place->table, place->hash, entries, SAME_TAG_MAX);
    const struct rehash rehash = keyspace_rehash(place->keyspace);
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = entries[i];
        if ((entry->flags & ENTRY_TTL) == 0 || entry_slot(entry) != slot ||
            rehash.hash(rehash.context, entry) != place->hash) {
            continue;
        }
        entry_set_slot(entry, ENTRY_NO_SLOT);
        if (entry_is_expired(entry, now_ms)) {
            place->position = table_find(place->table, entry_key(entry), place->hash);
            prefixes_expired(place->keyspace, place->hash);
            (void)place_unlink(place); /* It is the entry. */
            hold->has_told |= place_tell(place, entry_key(entry), EVENT_expired);
            keyspace_free_entry(place->keyspace, entry);
            stat_add(STAT_expired_keys, 1);
        } else if ((entry->flags & ENTRY_FIELD_TTL) != 0) {
            uint64_t removed = settle_fields(place, entry, hold, &hold->has_told);
            hold->left -= removed < hold->left ? removed : hold->left;
        } else {
            wheel_file(&place->table->wheel, entry, place->hash, now_ms);
        }
        return;
    }
}

/* Handles up to HOLD_KEYS items of a shard, fewer if many fields are due. */
static void expire_hold(struct keyspace *keyspace, struct shard *shard, int64_t now_ms)
{
    struct place place = {.keyspace = keyspace, .shard = shard};
    struct hold hold = {.left = HOLD_KEYS * HOLD_FIELDS_PER_KEY};
    gate_enter(&keyspace->gate);
    shard_lock_patiently(shard, /* exclusive= */ true, 0);
    int64_t latest = atomic_load_explicit(&shard->latest_now_ms, memory_order_relaxed);
    hold.now_ms = latest > now_ms ? latest : now_ms;
    struct table *next = shard_first_table(shard);
    while (next != NULL) {
        uint16_t slot;
        place.table = next;
        next = table_next(next);
        if (atomic_load_explicit(&table_database(place.table)->is_dead, memory_order_relaxed)) {
            continue;
        }
        place.db = atomic_load_explicit(&table_database(place.table)->index, memory_order_relaxed);
        /* Its last key may take the table with it. */
        while (hold.left > 0 && place.table != NULL &&
               wheel_take(place.table->wheel, hold.now_ms, &place.hash, &slot)) {
            settle_item(&place, slot, &hold);
            hold.left -= hold.left < HOLD_FIELDS_PER_KEY ? hold.left : HOLD_FIELDS_PER_KEY;
        }
        if (place.table != NULL && place.table->ttl_count == 0) {
            wheel_destroy(&place.table->wheel);
        }
    }
    shard_sweep_leases(keyspace, shard, hold.now_ms);
    shard_publish_due(keyspace, shard);
    prefixes_settle(keyspace);
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    gate_leave(&keyspace->gate);
    if (hold.has_told) {
        keyspace_settle(keyspace);
    }
    keyspace_tell_turns(keyspace);
}

bool expire_key(struct keyspace *keyspace, const struct access_key *key, int64_t now_ms)
{
    struct shard *shard = shard_of(keyspace, key->hash);
    struct place place = {.db = key->db};
    bool has_told = false;
    if (!shard_try_lock(&shard->word, /* exclusive= */ true, SHARD_TICKET | SHARD_QUEUED, 0)) {
        return false;
    }
    lock_rank_enter(LOCK_RANK_SHARD);
    place_find(keyspace, shard, key, &place);
    struct entry *entry = place.position.entry;
    if (entry != NULL && entry_is_expired(entry, now_ms)) {
        prefixes_expired(keyspace, place.hash);
        (void)place_unlink(&place); /* It is the entry. */
        has_told = place_tell(&place, entry_key(entry), EVENT_expired);
        keyspace_free_entry(keyspace, entry);
        stat_add(STAT_expired_keys, 1);
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    return has_told;
}

/* Shard by shard until the time is over: INT64_MIN then, else when the next expiry is due. */
static int64_t expire_due(struct keyspace *keyspace, int64_t now_ms, int64_t end_us)
{
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        _Atomic int64_t *due = &keyspace->due_ms[i];
        while (atomic_load_explicit(due, memory_order_relaxed) <= now_ms) {
            if (clock_monotonic_us() > end_us) {
                return INT64_MIN;
            }
            expire_hold(keyspace, &keyspace->shards[i], now_ms);
        }
        int64_t due_ms = atomic_load_explicit(due, memory_order_relaxed);
        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    return next_ms;
}

int64_t keyspace_expire(struct keyspace *keyspace, int64_t now_ms, int64_t budget_us)
{
    int64_t began_us = clock_monotonic_us();
    if (!atomic_load_explicit(&keyspace->expires_actively, memory_order_relaxed)) {
        return INT64_MAX;
    }
    /* Whoever files something earlier from here on tells it again. */
    atomic_store_explicit(&keyspace->told_due_ms, INT64_MAX, memory_order_relaxed);
    /* Pairs with the fence in keyspace_tell_due. */
    atomic_thread_fence(memory_order_seq_cst);
    int64_t next_ms = expire_due(keyspace, now_ms, began_us + budget_us);
    stat_add(STAT_expire_cycle_us, (uint64_t)(clock_monotonic_us() - began_us));
    if (next_ms == INT64_MIN) {
        stat_add(STAT_expire_time_caps, 1);
        return now_ms;
    }
    return next_ms;
}

void keyspace_set_active_expire(struct keyspace *keyspace, bool on)
{
    atomic_store_explicit(&keyspace->expires_actively, on, memory_order_relaxed);
    atomic_store_explicit(&keyspace->told_due_ms, INT64_MAX, memory_order_relaxed);
    if (on) {
        keyspace_tell_due(keyspace, 0);
    }
}
