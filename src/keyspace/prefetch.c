/* Hints: the memory of many lookups, fetched side by side before the first of them runs.
 *
 * On the hot path: a lookup among many keys reads four lines one after the other, each where the
 * one before says, and none is likely to be cached. Each step here reads what the step before has
 * asked for. Any thread, between keyspace_enter and keyspace_leave, without a lock: what is read
 * may be changing, so it is only ever used as a place to prefetch. */
#include "bucket.h"
#include "key.h"

/* Keys whose lines are asked for together. */
#define PREFETCH_GROUP 64

void key_hint_start(const struct keyspace *keyspace, uint32_t db, uint64_t hash,
                    struct key_hint *hint)
{
    hint->at = NULL;
    hint->hash = table_hash(hash);
    struct table *table = shard_table(shard_of(keyspace, hash), database_of(keyspace, db));
    if (UNLIKELY(table == NULL)) {
        return;
    }
    /* Acquire, and the directory first: its segments fit any count read after it. Pairs with the
     * release stores in table_init, grow_directory and publish_count. */
    struct directory *directory = atomic_load_explicit(&table->directory, memory_order_acquire);
    uint32_t count = atomic_load_explicit(&table->bucket_count, memory_order_acquire);
    if (UNLIKELY(directory == NULL || count == 0)) {
        return;
    }
    uint32_t index = bucket_index(count, hint->hash);
    if (LIKELY(index >> SEGMENT_BITS < directory->capacity)) {
        hint->at = &directory->segments[index >> SEGMENT_BITS];
        hint->offset = index & (SEGMENT_BUCKETS - 1);
        __builtin_prefetch(hint->at);
    }
}

void key_hint_bucket(struct key_hint *hint)
{
    if (UNLIKELY(hint->at == NULL)) {
        return;
    }
    _Atomic(struct bucket *) *slot = hint->at;
    struct bucket *segment = atomic_load_explicit(slot, memory_order_acquire);
    hint->at = segment == NULL ? NULL : &segment[hint->offset];
    __builtin_prefetch(hint->at);
}

bool key_hint_entry(struct key_hint *hint)
{
    struct bucket *bucket = hint->at;
    if (UNLIKELY(bucket == NULL)) {
        return false;
    }
    uint32_t fits = bucket_match(bucket, hash_tag(hint->hash));
    if (LIKELY(fits != 0)) {
        __builtin_prefetch(slot_entry(slot_get(bucket_first(bucket, fits)) & ~LINK_BIT));
        return false;
    }
    /* Acquire: pairs with the release in slot_set, so that the node is filled. */
    uint64_t last = atomic_load_explicit(&bucket->slots[BUCKET_SLOTS - 1], memory_order_acquire);
    hint->at = slot_node(last);
    __builtin_prefetch(hint->at);
    return (last & LINK_BIT) != 0;
}

void key_hint_node(const struct key_hint *hint)
{
    struct node *node = hint->at;
    for (uint32_t i = 0; i < NODE_SLOTS; i++) {
        uint64_t slot = slot_get(&node->slots[i]);
        if (slot >> TAG_SHIFT == hash_tag(hint->hash)) {
            __builtin_prefetch(slot_entry(slot & ~LINK_BIT));
        }
    }
}

void key_hints_finish(struct key_hint *hints, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        key_hint_bucket(&hints[i]);
    }
    uint32_t deeper = 0;
    for (uint32_t i = 0; i < count; i++) {
        hints[deeper] = hints[i];
        deeper += key_hint_entry(&hints[deeper]);
    }
    for (uint32_t i = 0; i < deeper; i++) {
        key_hint_node(&hints[i]);
    }
}

static void prefetch_group(const struct keyspace *keyspace, const struct access_key *keys,
                           uint32_t count)
{
    struct key_hint hints[PREFETCH_GROUP];
    for (uint32_t i = 0; i < count; i++) {
        key_hint_start(keyspace, keys[i].db, keys[i].hash, &hints[i]);
    }
    key_hints_finish(hints, count);
}

void keyspace_prefetch(const struct keyspace *keyspace, const struct access_key *keys,
                       uint32_t count)
{
    while (count > 0) {
        uint32_t group = count < PREFETCH_GROUP ? count : PREFETCH_GROUP;
        prefetch_group(keyspace, keys, group);
        keys += group;
        count -= group;
    }
}
