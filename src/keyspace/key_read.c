/* Reading keys through an access. The end of the hot path of GET. */
#include "bucket.h"
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include "prefix.h"
#include "wheel.h"

/* Finds the live entry; an expired one is unlinked in a write access. NULL when absent. */
struct entry *key_lookup(struct access *access, uint32_t index, struct place *place)
{
    debug_check(access->granted && index < access->key_count);
    const struct access_key *key = &access->keys[index];
    place_find(access->keyspace, shard_of(access->keyspace, key->hash), key, place);
    struct entry *entry = place->position.entry;
    if (LIKELY(entry == NULL || !entry_is_expired(entry, access->now_ms))) {
        return entry;
    }
    prefixes_expired(access->keyspace, place->hash);
    if (access->mode == ACCESS_WRITE) {
        (void)place_unlink(place); /* It is the entry. */
        if (UNLIKELY(access->interest != 0)) {
            key_tell(access, index, EVENT_expired);
        }
        key_discard(access, entry);
        stat_add(STAT_expired_keys, 1);
        access->changed = true;
    } else if (!access->is_borrowed) {
        access->lapsed = *key;
        access->has_lapsed = true;
        access->has_extras = true;
    }
    return NULL;
}

bool key_find(struct access *access, uint32_t index, uint32_t flags, struct value *ret_value)
{
    debug_check(access->granted && index < access->key_count);
    const struct access_key *key = &access->keys[index];
    const struct keyspace *keyspace = access->keyspace;
    const struct table *table =
        shard_table(shard_of(keyspace, key->hash), database_of(keyspace, key->db));
    struct entry *entry =
        table == NULL ? NULL : table_find(table, key->name, table_hash(key->hash)).entry;
    if (UNLIKELY(entry != NULL && entry_is_expired(entry, access->now_ms))) {
        struct place place;
        entry = key_lookup(access, index, &place);
    }
    if (LIKELY((flags & KEY_QUIET) == 0)) {
        stat_add(entry != NULL ? STAT_keyspace_hits : STAT_keyspace_misses, 1);
    }
    if (entry == NULL) {
        if (UNLIKELY((access->interest & EVENT_CLASS_MISS) != 0) &&
            (flags & (KEY_QUIET | KEY_NO_MISS)) == 0) {
            key_tell(access, index, EVENT_keymiss);
        }
        return (flags & KEY_QUIET) == 0 && prefixes_see(access, index, PREFIX_MISS, 0) != 0;
    }
    if (LIKELY((flags & (KEY_QUIET | KEY_NO_CLOCK)) == 0 &&
               (access->flags & ACCESS_NO_TOUCH) == 0)) {
        clock_touch(access, entry);
    }
    entry_value(entry, ret_value);
    return UNLIKELY((flags & KEY_QUIET) != 0) || prefixes_see(access, index, PREFIX_HIT, 1) != 0;
}

int64_t key_expiry(struct access *access, uint32_t index)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    return entry == NULL ? -2 : entry_expiry(entry);
}

int64_t key_soft_time(struct access *access, uint32_t index)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    return entry == NULL ? 0 : entry_soft(entry);
}

int64_t key_idle_s(struct access *access, uint32_t index)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    if (entry == NULL) {
        return -1;
    }
    uint32_t policy = policy_of(&access->keyspace->options->maxmemory_policy);
    return clock_idle_s(policy, clock_get(entry), access->now_ms);
}

int64_t key_uses(struct access *access, uint32_t index)
{
    struct place place;
    const struct entry *entry = key_lookup(access, index, &place);
    if (entry == NULL) {
        return -1;
    }
    return clock_uses(access->keyspace, clock_get(entry), access->now_ms);
}

size_t key_memory(struct access *access, uint32_t index)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    if (entry == NULL) {
        return 0;
    }
    size_t share = table_bytes(place.table) / place.table->key_count;
    size_t blob = (entry->flags & ENTRY_BLOB) != 0 ? mem_block_size(entry_blob(entry)) : 0;
    size_t expiry = (entry->flags & ENTRY_TTL) != 0 ? sizeof(uint32_t) : 0;
    return mem_block_size(entry) + share + blob + expiry;
}
