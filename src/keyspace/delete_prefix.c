/* Deletion by prefix: walks the shards in holds so short that nobody waits for long. What goes is
 * unlinked under the lock and freed after it, big values on the pool.
 *
 * A hold looks at the next buckets in the order of SCAN, which no growth and no shrinking disturbs,
 * collects what matches, and then unlinks it. */
#include "key.h"
#include "note.h"
#include "pollard/base/clock.h"
#include "pollard/stats/stats.h"

/* Keys deleted in one hold, keys looked at, and groups of buckets: some tens of microseconds. */
#define HOLD_DELETES 64
#define HOLD_KEYS 256
#define HOLD_GROUPS 128

/* What one hold of a shard finds. */
struct found {
    const struct key_prefix_walk *walk;
    uint32_t looked;
    uint32_t count;
    bool is_full; /* something more matches than there is room for */
    struct entry *entries[HOLD_DELETES];
};

static bool collect(void *argument, struct entry *entry)
{
    struct found *found = argument;
    struct bytes prefix = found->walk->prefix;
    struct bytes name = entry_key(entry);
    found->looked++;
    if (name.size < prefix.size || !bytes_same(name.data, prefix.data, prefix.size)) {
        return true;
    }
    if (found->count == HOLD_DELETES) {
        found->is_full = true;
        return false;
    }
    found->entries[found->count++] = entry;
    return true;
}

/* Collects from the walk's position on, and moves it behind what was looked at; 0: the end. */
static void collect_some(const struct table *table, struct key_prefix_walk *walk,
                         struct found *found)
{
    uint32_t groups = 0;
    do {
        uint32_t next = table_scan(table, walk->position, collect, found);
        if (found->is_full) {
            /* The rest of the group is for the next hold. */
            return;
        }
        walk->position = next;
    } while (walk->position != 0 && found->looked < HOLD_KEYS && ++groups < HOLD_GROUPS);
    walk->is_in_shard = walk->position != 0;
}

/* Takes what was found out of the shard, and tells of it. True when a sink was called. */
static bool unlink_found(struct keyspace *keyspace, struct shard *shard,
                         struct key_prefix_walk *walk, const struct found *found)
{
    int64_t now_ms = clock_ms();
    int64_t latest_ms = atomic_load_explicit(&shard->latest_now_ms, memory_order_relaxed);
    bool has_told = false;
    now_ms = latest_ms > now_ms ? latest_ms : now_ms;
    for (uint32_t i = 0; i < found->count; i++) {
        struct entry *entry = found->entries[i];
        struct bytes name = entry_key(entry);
        const struct access_key key = {
            .name = name, .hash = keyspace_hash(keyspace, name), .db = walk->db};
        struct place place = {.db = walk->db}; /* place_tell wants it */
        place_find(keyspace, shard, &key, &place);
        (void)place_unlink(&place); /* It is the entry. */
        if (entry_is_expired(entry, now_ms)) {
            has_told |= place_tell(&place, name, EVENT_expired);
            stat_add(STAT_expired_keys, 1);
        } else {
            has_told |= place_tell_of(&place, name, EVENT_del, walk->client_id);
            stat_add(STAT_changes, 1);
            walk->deleted++;
        }
    }
    return has_told;
}

/* One hold. */
static void delete_some(struct keyspace *keyspace, struct shard *shard,
                        struct key_prefix_walk *walk)
{
    struct found found = {.walk = walk};
    bool has_told = false;
    shard_lock_patiently(shard, /* exclusive= */ true, 0);
    if (!walk->is_in_shard) {
        shard_end_leases(keyspace, shard, walk->db, walk->prefix);
        walk->is_in_shard = true;
    }
    const struct table *table = shard_table(shard, database_of(keyspace, walk->db));
    if (table == NULL || table->key_count == 0) {
        walk->is_in_shard = false;
    } else {
        collect_some(table, walk, &found);
        has_told = unlink_found(keyspace, shard, walk, &found);
    }
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    for (uint32_t i = 0; i < found.count; i++) {
        keyspace_free_entry(keyspace, found.entries[i]);
    }
    if (has_told) {
        keyspace_settle(keyspace);
    }
    keyspace_tell_turns(keyspace);
}

/* Has the shard neither keys nor leases? */
static bool is_empty(const struct shard *shard)
{
    uint32_t word = atomic_load_explicit(&((struct shard *)shard)->word, memory_order_relaxed);
    return shard_first_table(shard) == NULL && (word & SHARD_NOTED) == 0;
}

bool keyspace_delete_prefix(struct keyspace *keyspace, struct key_prefix_walk *walk)
{
    keyspace_enter(keyspace);
    while (walk->shard < keyspace->shard_count && is_empty(&keyspace->shards[walk->shard])) {
        walk->shard++;
        walk->position = 0;
        walk->is_in_shard = false;
    }
    if (walk->shard < keyspace->shard_count) {
        delete_some(keyspace, &keyspace->shards[walk->shard], walk);
        if (!walk->is_in_shard) {
            walk->shard++;
            walk->position = 0;
        }
    }
    keyspace_leave(keyspace);
    return walk->shard < keyspace->shard_count;
}
