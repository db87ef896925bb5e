/* Moving what lies in sparse slabs: the walk over the shards, and what is moved how. See trim.c for
 * when and why.
 *
 * Threads: any, several at a time, in short exclusive holds of a shard. Invariants: 1. An entry is
 * moved under its shard's exclusive lock, a value only while the key has the only reference. 2.
 * Bytes and sizes stay, only addresses change. 3. What readers without a lock may look into is
 * retired, not freed. */
#include "bucket.h"
#include "key.h"
#include "pollard/base/mem.h"

/* Blocks moved in one hold of a shard at most: some microseconds. */
#define HOLD_BLOCKS 64
/* Buckets of a table that are looked at in one hold: some hundred entries, of which a pass moves
 * few. */
#define HOLD_BUCKETS 16

static uint32_t get(_Atomic uint32_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* What is looked at in one hold. A slot's entry, or what an entry points to. */
struct looked {
    void *blocks[HOLD_BLOCKS];
    _Atomic uint64_t *slots[HOLD_BLOCKS]; /* of the entry */
    bool is_value[HOLD_BLOCKS];           /* the block is the entry's value */
    uint8_t places[HOLD_BLOCKS];          /* as mem_find_sparse says */
    uint32_t count;
};

static void look_at(struct looked *looked, void *block, _Atomic uint64_t *slot, bool is_value)
{
    if (looked->count < HOLD_BLOCKS) {
        looked->blocks[looked->count] = block;
        looked->slots[looked->count] = slot;
        looked->is_value[looked->count] = is_value;
        looked->count++;
    }
}

static bool is_in_window(struct trim *trim, const void *block)
{
    uint32_t window = (uint32_t)((uintptr_t)block >> TRIM_WINDOW_SHIFT) - get(&trim->window);
    return window % TRIM_WINDOWS < get(&trim->span);
}

/* The block of the value if it lies in the window and may be moved, else NULL. */
static void *movable_value(struct trim *trim, struct entry *entry)
{
    if ((entry->flags & ENTRY_BLOB) != 0) {
        struct blob *blob = entry_blob(entry);
        return is_in_window(trim, blob) && blob_is_unique(blob) ? blob : NULL;
    }
    if ((entry->flags & ENTRY_COLLECTION) != 0) {
        struct collection *collection = *entry_collection(entry);
        return is_in_window(trim, collection) && !collection->is_large &&
                       collection_is_unique(collection)
                   ? collection
                   : NULL;
    }
    return NULL;
}

static void set_flag(_Atomic bool *flag)
{
    if (!atomic_load_explicit(flag, memory_order_relaxed)) {
        atomic_store_explicit(flag, true, memory_order_relaxed);
    }
}

static void look_at_slot(struct trim *trim, struct looked *looked, _Atomic uint64_t *slot)
{
    struct entry *entry = slot_entry(slot_get(slot));
    if (is_in_window(trim, entry)) {
        look_at(looked, entry, slot, /* is_value= */ false);
    }
    if (get(&trim->window) > 0 && !atomic_load_explicit(&trim->has_values, memory_order_relaxed)) {
        return; /* The entry itself need not be looked at: its address was enough. */
    }
    if ((entry->flags & ENTRY_POINTER) != 0) {
        set_flag(&trim->has_values);
        set_flag(&trim->saw_values);
    }
    void *block = movable_value(trim, entry);
    if (block != NULL) {
        look_at(looked, block, slot, /* is_value= */ true);
    }
}

static void count_moved(struct trim *trim, uint8_t place)
{
    atomic_fetch_add_explicit(&trim->moved_by_class[place - 1], 1, memory_order_relaxed);
}

/* A copy of a part of a table, slot by slot, if it lies in a sparse slab of the window; NULL: it
 * stays. Readers without a lock may look into the old one for a while (gate.h). */
static void *copy_slots(struct trim *trim, void *old, uint32_t count)
{
    uint8_t place = 0;
    if (!is_in_window(trim, old)) {
        return NULL;
    }
    atomic_fetch_add_explicit(&trim->looked_blocks, 1, memory_order_relaxed);
    mem_find_sparse(&old, 1, trim->fills, &place);
    _Atomic uint64_t *copy = place == 0 ? NULL : mem_alloc_dense(mem_block_size(old));
    for (uint32_t i = 0; copy != NULL && i < count; i++) {
        atomic_init(&copy[i], slot_get((_Atomic uint64_t *)old + i));
    }
    if (copy != NULL) {
        count_moved(trim, place);
    }
    return copy;
}

static void move_segment(struct keyspace *keyspace, struct table *table, uint32_t index)
{
    struct directory *directory = atomic_load_explicit(&table->directory, memory_order_relaxed);
    struct bucket *old = atomic_load_explicit(&directory->segments[index], memory_order_relaxed);
    uint32_t buckets = index == 0 ? UINT32_C(1) << table->first_level : SEGMENT_BUCKETS;
    struct bucket *copy = copy_slots(&keyspace->trim, old, buckets * BUCKET_SLOTS);
    if (copy != NULL) {
        /* Release: pairs with the looks of key_hint_bucket. */
        atomic_store_explicit(&directory->segments[index], copy, memory_order_release);
        gate_retire(&keyspace->gate, old);
    }
}

/* The node that the slot links to. */
static void move_node(struct keyspace *keyspace, _Atomic uint64_t *link)
{
    struct node *old = slot_node(slot_get(link));
    struct node *copy = copy_slots(&keyspace->trim, old, NODE_SLOTS);
    if (copy != NULL) {
        /* Release: pairs with the looks of key_hint_entry. */
        atomic_store_explicit(link, (uint64_t)(uintptr_t)copy | LINK_BIT, memory_order_release);
        gate_retire(&keyspace->gate, old);
    }
}

static void look_at_chain(struct keyspace *keyspace, struct looked *looked, struct bucket *bucket)
{
    _Atomic uint64_t *slots = bucket->slots;
    uint32_t left = BUCKET_SLOTS;
    while (left > 0) {
        uint64_t value = slot_get(slots);
        if (value == 0) {
            return;
        }
        if ((value & LINK_BIT) != 0) {
            move_node(keyspace, slots);
            slots = slot_node(slot_get(slots))->slots;
            left = NODE_SLOTS;
            continue;
        }
        look_at_slot(&keyspace->trim, looked, slots);
        slots++;
        left--;
    }
}

/* A copy in a dense slab; the old block is freed. */
static void *move_block(void *block)
{
    size_t size = mem_block_size(block);
    void *copy = mem_alloc_dense(size);
    if (copy != NULL) {
        memcpy(copy, block, size);
        mem_free_dense(block);
    }
    return copy;
}

/* Values first: an entry that moves as well takes the new pointer along. */
static void move_value(struct looked *looked, uint32_t i)
{
    struct entry *entry = slot_entry(slot_get(looked->slots[i]));
    void *copy = move_block(looked->blocks[i]);
    if (copy != NULL) {
        entry_set_pointer(entry, copy);
    }
}

static void move_entry(struct looked *looked, uint32_t i)
{
    struct entry *copy = move_block(looked->blocks[i]);
    if (copy != NULL) {
        struct position position = {.slot = looked->slots[i]};
        table_replace(position, copy);
    }
}

/* A key's blocks follow one another: its entry, its value. */
static void count_keys(struct trim *trim, const struct looked *looked)
{
    uint64_t keys = 0;
    uint64_t moved = 0;
    bool is_counted = false;
    for (uint32_t i = 0; i < looked->count; i++) {
        if (i == 0 || looked->slots[i] != looked->slots[i - 1]) {
            keys++;
            is_counted = false;
        }
        if (looked->places[i] != 0 && !is_counted) {
            moved++;
            is_counted = true;
        }
    }
    atomic_fetch_add_explicit(&trim->looked_keys, keys, memory_order_relaxed);
    atomic_fetch_add_explicit(&trim->moved_keys, moved, memory_order_relaxed);
}

static void move_sparse(struct trim *trim, struct looked *looked)
{
    mem_find_sparse(looked->blocks, looked->count, trim->fills, looked->places);
    count_keys(trim, looked);
    for (uint32_t i = 0; i < looked->count; i++) {
        if (looked->places[i] != 0 && looked->is_value[i]) {
            move_value(looked, i);
            count_moved(trim, looked->places[i]);
        }
    }
    for (uint32_t i = 0; i < looked->count; i++) {
        if (looked->places[i] != 0 && !looked->is_value[i]) {
            move_entry(looked, i);
            count_moved(trim, looked->places[i]);
        }
    }
}

static void look_at_table(struct keyspace *keyspace, struct table *table, uint32_t first,
                          struct looked *looked)
{
    uint32_t count = atomic_load_explicit(&table->bucket_count, memory_order_relaxed);
    uint32_t end = first + HOLD_BUCKETS;
    for (uint32_t i = first; i < end && i < count; i++) {
        if (i % SEGMENT_BUCKETS == 0) {
            move_segment(keyspace, table, i / SEGMENT_BUCKETS);
        }
        look_at_chain(keyspace, looked, bucket_at(table, i));
    }
}

static void move_in_shard(struct keyspace *keyspace, struct shard *shard, uint32_t first)
{
    struct trim *trim = &keyspace->trim;
    struct looked looked;
    looked.count = 0;
    gate_enter(&keyspace->gate);
    shard_lock_patiently(shard, /* exclusive= */ true, 0);
    struct table *table = shard_first_table(shard);
    for (; table != NULL; table = table_next(table)) {
        look_at_table(keyspace, table, first, &looked);
    }
    move_sparse(trim, &looked);
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    gate_leave(&keyspace->gate);
    atomic_fetch_add_explicit(&trim->looked_blocks, looked.count, memory_order_relaxed);
}

static uint32_t most_buckets(struct keyspace *keyspace)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct shard *shard = &keyspace->shards[i];
        shard_lock_patiently(shard, /* exclusive= */ false, 0);
        struct table *table = shard_first_table(shard);
        for (; table != NULL; table = table_next(table)) {
            uint32_t count = atomic_load_explicit(&table->bucket_count, memory_order_relaxed);
            most = count > most ? count : most;
        }
        shard_unlock(keyspace, shard, /* exclusive= */ false, 0);
    }
    return most;
}

void trim_begin(struct keyspace *keyspace)
{
    struct trim *trim = &keyspace->trim;
    gate_enter(&keyspace->gate);
    uint32_t levels = (most_buckets(keyspace) + HOLD_BUCKETS - 1) / HOLD_BUCKETS;
    gate_leave(&keyspace->gate);
    atomic_store_explicit(&trim->levels, levels, memory_order_relaxed);
    /* Release: who takes a step sees the plan. */
    atomic_store_explicit(&trim->step, 0, memory_order_release);
}

bool trim_step(struct keyspace *keyspace)
{
    struct trim *trim = &keyspace->trim;
    uint32_t levels = get(&trim->levels);
    uint64_t step = atomic_fetch_add_explicit(&trim->step, 1, memory_order_acquire);
    uint64_t level = step / keyspace->shard_count;
    if (level >= levels) {
        return false;
    }
    move_in_shard(keyspace, &keyspace->shards[step & keyspace->shard_mask],
                  (uint32_t)(levels - 1 - level) * HOLD_BUCKETS);
    return true;
}
