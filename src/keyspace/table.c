/* The table: linear hashing over cache-line buckets. See table.h for the picture and the rules. */
#include "table.h"
#include "bucket.h"
#include "database.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "wheel.h"

/* A split for every 35/5 = 7 keys a bucket: load 0.875. A merge below 4: load 0.5.
 * docs/decisions/0006. */
#define GROW_NUMERATOR 35
#define GROW_DENOMINATOR 5
#define SHRINK_LOAD 4
/* Longest chain a split can take apart at once; longer ones stay for a later split. With a keyed
 * hash nobody can make one. */
#define CHAIN_MAX 192

static uint64_t slot_make(const struct entry *entry, uint32_t hash)
{
    uint64_t pointer = (uint64_t)(uintptr_t)entry;
    debug_check((pointer & ~POINTER_MASK) == 0 && (pointer & 7) == 0);
    return pointer | (uint64_t)hash_tag(hash) << TAG_SHIFT;
}

static void slot_set(_Atomic uint64_t *slot, uint64_t value)
{
    /* Release: pairs with the looks of key_hint_entry. */
    atomic_store_explicit(slot, value, memory_order_release);
}

static uint32_t count_get(const struct table *table)
{
    return atomic_load_explicit(&((struct table *)table)->bucket_count, memory_order_relaxed);
}

static uint32_t first_size(const struct table *table)
{
    return UINT32_C(1) << table->first_level;
}

static void key_count_add(struct table *table, uint32_t change)
{
    /* A plain addition: writers are alone, the atomic is for those who peek. */
    uint32_t count = atomic_load_explicit(&table->key_count, memory_order_relaxed);
    atomic_store_explicit(&table->key_count, count + change, memory_order_relaxed);
}

/* ---- Life ---- */

static struct directory *directory_create(uint32_t capacity)
{
    struct directory *directory =
        mem_alloc_zero(sizeof(*directory) + capacity * sizeof(directory->segments[0]));
    directory->capacity = capacity;
    return directory;
}

void table_init(struct table *table, struct database *database)
{
    struct directory *directory = directory_create(1);
    atomic_init(&directory->segments[0], mem_alloc_zero(sizeof(struct bucket)));
    /* Release: who sees it sees no count of a table that was here before. */
    atomic_store_explicit(&table->directory, directory, memory_order_release);
    atomic_store_explicit(&table->bucket_count, 1, memory_order_relaxed);
    /* Release: pairs with the acquire in table_database. */
    atomic_store_explicit(&table->database, database, memory_order_release);
}

static bool free_visited(void *argument, struct entry *entry)
{
    entry_free(entry);
    return true;
}

/* gate: NULL when nobody can be looking into them. */
static void free_nodes(uint64_t slot, struct gate *gate)
{
    while ((slot & LINK_BIT) != 0) {
        struct node *node = slot_node(slot);
        slot = slot_get(&node->slots[NODE_SLOTS - 1]);
        if (gate == NULL) {
            mem_free_sized(node, sizeof(*node));
        } else {
            gate_retire(gate, node);
        }
    }
}

static void free_entries(struct table *table)
{
    uint32_t count = count_get(table);
    for (uint32_t i = 0; i < count; i++) {
        (void)table_visit_bucket(table, i, free_visited, NULL);
        free_nodes(slot_get(&bucket_at(table, i)->slots[BUCKET_SLOTS - 1]), /* gate= */ NULL);
    }
}

void table_retire(struct table *table, struct gate *gate)
{
    struct directory *directory = atomic_load_explicit(&table->directory, memory_order_relaxed);
    free_entries(table);
    wheel_destroy(&table->wheel);
    for (uint32_t i = 0; i < directory->capacity; i++) {
        gate_retire(gate, atomic_load_explicit(&directory->segments[i], memory_order_relaxed));
    }
    gate_retire(gate, directory);
    gate_retire(gate, table);
}

void table_deinit(struct table *table)
{
    struct directory *directory = atomic_load_explicit(&table->directory, memory_order_relaxed);
    free_entries(table);
    for (uint32_t i = 0; i < directory->capacity; i++) {
        mem_free(atomic_load_explicit(&directory->segments[i], memory_order_relaxed));
    }
    mem_free(directory);
    wheel_destroy(&table->wheel);
}

/* ---- Lookup ---- */

struct position table_find_in_nodes(uint64_t link, struct bytes key, uint32_t tag)
{
    _Atomic uint64_t *slots = slot_node(link)->slots;
    for (uint32_t i = 0; i < NODE_SLOTS; i++) {
        uint64_t slot = slot_get(&slots[i]);
        if (slot == 0) {
            break;
        }
        if ((slot & LINK_BIT) != 0) {
            slots = slot_node(slot)->slots;
            i = UINT32_MAX; /* begins anew at 0 */
            continue;
        }
        if (slot >> TAG_SHIFT == tag && entry_has_key(slot_entry(slot), key)) {
            return (struct position){.slot = &slots[i], .entry = slot_entry(slot)};
        }
    }
    return (struct position){0};
}

size_t table_find_tagged(const struct table *table, uint32_t hash, struct entry **entries,
                         size_t count)
{
    _Atomic uint64_t *slots = bucket_of(table, hash)->slots;
    uint64_t tag = hash_tag(hash);
    size_t found = 0;
    uint32_t left = BUCKET_SLOTS;
    while (left > 0 && found < count) {
        uint64_t slot = slot_get(slots);
        if (slot == 0) {
            break;
        }
        if ((slot & LINK_BIT) != 0) {
            slots = slot_node(slot)->slots;
            left = NODE_SLOTS;
            continue;
        }
        if (slot >> TAG_SHIFT == tag) {
            entries[found++] = slot_entry(slot);
        }
        slots++;
        left--;
    }
    return found;
}

/* ---- Chains ---- */

static void chain_add(struct table *table, struct bucket *bucket, uint64_t value)
{
    _Atomic uint64_t *slots = bucket->slots;
    uint32_t size = BUCKET_SLOTS;
    for (uint32_t i = 0; i < size; i++) {
        uint64_t slot = slot_get(&slots[i]);
        if (slot == 0) {
            slot_set(&slots[i], value);
            return;
        }
        if ((slot & LINK_BIT) != 0) {
            slots = slot_node(slot)->slots;
            size = NODE_SLOTS;
            i = UINT32_MAX; /* begins anew at 0 */
        }
    }
    struct node *node = mem_alloc_zero(sizeof(*node));
    slot_set(&node->slots[0], slot_get(&slots[size - 1]));
    slot_set(&node->slots[1], value);
    slot_set(&slots[size - 1], (uint64_t)(uintptr_t)node | LINK_BIT);
    table->node_count++;
}

/* The last used slot of a chain, and the slot that links to its node (NULL in the bucket). */
static _Atomic uint64_t *chain_last(struct bucket *bucket, _Atomic uint64_t **ret_link)
{
    _Atomic uint64_t *slots = bucket->slots;
    _Atomic uint64_t *last = slots;
    uint32_t size = BUCKET_SLOTS;
    *ret_link = NULL;
    for (uint32_t i = 0; i < size; i++) {
        uint64_t slot = slot_get(&slots[i]);
        if (slot == 0) {
            break;
        }
        if ((slot & LINK_BIT) != 0) {
            *ret_link = &slots[i];
            slots = slot_node(slot)->slots;
            size = NODE_SLOTS;
            last = slots;
            i = 0;
            continue;
        }
        last = &slots[i];
    }
    return last;
}

/* Takes one slot out: the chain's last entry fills the hole. A node that is left with one entry is
 * dissolved into the slot that linked to it. */
static void chain_take(struct table *table, struct bucket *bucket, _Atomic uint64_t *hole,
                       struct gate *gate)
{
    _Atomic uint64_t *link;
    _Atomic uint64_t *last = chain_last(bucket, &link);
    slot_set(hole, slot_get(last));
    slot_set(last, 0);
    if (link == NULL) {
        return;
    }
    struct node *node = slot_node(slot_get(link));
    if (slot_get(&node->slots[1]) == 0) {
        slot_set(link, slot_get(&node->slots[0]));
        gate_retire(gate, node);
        table->node_count--;
    }
}

/* Empties a chain into values; returns the count, or 0 with nothing changed when it is too long. */
static uint32_t chain_drain(struct table *table, struct bucket *bucket, uint64_t *values,
                            struct gate *gate)
{
    _Atomic uint64_t *slots = bucket->slots;
    uint32_t size = BUCKET_SLOTS;
    uint32_t count = 0;
    for (uint32_t i = 0; i < size && count < CHAIN_MAX; i++) {
        uint64_t slot = slot_get(&slots[i]);
        if (slot == 0) {
            break;
        }
        if ((slot & LINK_BIT) != 0) {
            slots = slot_node(slot)->slots;
            size = NODE_SLOTS;
            i = UINT32_MAX;
            continue;
        }
        values[count++] = slot;
    }
    if (count == CHAIN_MAX) {
        return 0;
    }
    uint64_t link = slot_get(&bucket->slots[BUCKET_SLOTS - 1]);
    for (uint64_t at = link; (at & LINK_BIT) != 0;
         at = slot_get(&slot_node(at)->slots[NODE_SLOTS - 1])) {
        table->node_count--;
    }
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        slot_set(&bucket->slots[i], 0);
    }
    free_nodes(link, gate);
    return count;
}

/* ---- Growth ---- */

static void publish_count(struct table *table, uint32_t count)
{
    /* Release: pairs with the acquire in key_hint_start. */
    atomic_store_explicit(&table->bucket_count, count, memory_order_release);
}

/* The first segment doubles up to a full one. */
static void grow_first(struct table *table, struct directory *directory, struct gate *gate)
{
    struct bucket *old = atomic_load_explicit(&directory->segments[0], memory_order_relaxed);
    uint32_t old_size = first_size(table);
    uint32_t size = old_size * 2;
    struct bucket *new = mem_alloc_zero(size * sizeof(*new));
    for (uint32_t i = 0; i < old_size; i++) {
        for (uint32_t j = 0; j < BUCKET_SLOTS; j++) {
            atomic_init(&new[i].slots[j], slot_get(&old[i].slots[j]));
        }
    }
    table->first_level++;
    atomic_store_explicit(&directory->segments[0], new, memory_order_release);
    gate_retire(gate, old);
}

static struct directory *grow_directory(struct table *table, struct gate *gate)
{
    struct directory *old = atomic_load_explicit(&table->directory, memory_order_relaxed);
    struct directory *new = directory_create(old->capacity * 2);
    for (uint32_t i = 0; i < old->capacity; i++) {
        atomic_init(&new->segments[i],
                    atomic_load_explicit(&old->segments[i], memory_order_relaxed));
    }
    atomic_store_explicit(&table->directory, new, memory_order_release);
    gate_retire(gate, old);
    return new;
}

/* Makes the memory of one bucket more. */
static void make_room(struct table *table, uint32_t index, struct gate *gate)
{
    struct directory *directory = atomic_load_explicit(&table->directory, memory_order_relaxed);
    uint32_t segment = index >> SEGMENT_BITS;
    if (segment == 0) {
        if (index == first_size(table)) {
            grow_first(table, directory, gate);
        }
        return;
    }
    if (segment == directory->capacity) {
        directory = grow_directory(table, gate);
    }
    if (atomic_load_explicit(&directory->segments[segment], memory_order_relaxed) == NULL) {
        atomic_store_explicit(&directory->segments[segment],
                              mem_alloc_zero(SEGMENT_BUCKETS * sizeof(struct bucket)),
                              memory_order_release);
    }
}

/* Does an entry belong into the upper half of a split at this level? */
static bool is_upper(uint64_t slot, uint32_t level, const struct rehash *rehash)
{
    if (level >= TAG_LOW && level < TAG_LOW + TAG_BITS) {
        return (slot >> (TAG_SHIFT + level - TAG_LOW) & 1) != 0;
    }
    return (rehash->hash(rehash->context, slot_entry(slot)) >> level & 1) != 0;
}

static void split(struct table *table, const struct rehash *rehash)
{
    uint32_t count = count_get(table);
    uint32_t level = 31 - (uint32_t)__builtin_clz(count);
    uint64_t values[CHAIN_MAX];
    make_room(table, count, rehash->gate);
    struct bucket *low = bucket_at(table, count - (UINT32_C(1) << level));
    struct bucket *high = bucket_at(table, count);
    uint32_t found = chain_drain(table, low, values, rehash->gate);
    if (found == 0 && slot_get(&low->slots[0]) != 0) {
        return;
    }
    for (uint32_t i = 0; i < found; i++) {
        chain_add(table, is_upper(values[i], level, rehash) ? high : low, values[i]);
    }
    publish_count(table, count + 1);
}

/* The last bucket goes back into the one it was split from. */
static void merge(struct table *table, const struct rehash *rehash)
{
    uint32_t last = count_get(table) - 1;
    uint32_t level = 31 - (uint32_t)__builtin_clz(last);
    uint64_t values[CHAIN_MAX];
    struct bucket *high = bucket_at(table, last);
    struct bucket *low = bucket_at(table, last - (UINT32_C(1) << level));
    uint32_t found = chain_drain(table, high, values, rehash->gate);
    if (found == 0 && slot_get(&high->slots[0]) != 0) {
        return;
    }
    publish_count(table, last);
    for (uint32_t i = 0; i < found; i++) {
        chain_add(table, low, values[i]);
    }
    if (last % SEGMENT_BUCKETS == 0 && last > 0) {
        struct directory *directory = atomic_load_explicit(&table->directory, memory_order_relaxed);
        uint32_t segment = last >> SEGMENT_BITS;
        struct bucket *gone =
            atomic_load_explicit(&directory->segments[segment], memory_order_relaxed);
        atomic_store_explicit(&directory->segments[segment], NULL, memory_order_release);
        gate_retire(rehash->gate, gone);
    }
}

void table_insert(struct table *table, struct entry *entry, uint32_t hash,
                  const struct rehash *rehash)
{
    if (UNLIKELY((uint64_t)atomic_load_explicit(&table->key_count, memory_order_relaxed) *
                     GROW_DENOMINATOR >=
                 (uint64_t)count_get(table) * GROW_NUMERATOR)) {
        split(table, rehash);
    }
    chain_add(table, bucket_of(table, hash), slot_make(entry, hash));
    key_count_add(table, 1);
}

void table_remove(struct table *table, struct position position, uint32_t hash,
                  const struct rehash *rehash)
{
    chain_take(table, bucket_of(table, hash), position.slot, rehash->gate);
    key_count_add(table, UINT32_MAX);
    uint32_t count = count_get(table);
    if (count > SEGMENT_BUCKETS &&
        atomic_load_explicit(&table->key_count, memory_order_relaxed) < count * SHRINK_LOAD) {
        merge(table, rehash);
    }
}

void table_replace(struct position position, struct entry *entry)
{
    uint64_t tag = slot_get(position.slot) & ~POINTER_MASK;
    slot_set(position.slot, (uint64_t)(uintptr_t)entry | tag);
}

/* ---- Walks ---- */

bool table_visit_bucket(const struct table *table, uint32_t index, table_visitor *visit,
                        void *argument)
{
    _Atomic uint64_t *slots = bucket_at(table, index)->slots;
    uint32_t size = BUCKET_SLOTS;
    for (uint32_t i = 0; i < size; i++) {
        uint64_t slot = slot_get(&slots[i]);
        if (slot == 0) {
            return true;
        }
        if ((slot & LINK_BIT) != 0) {
            slots = slot_node(slot)->slots;
            size = NODE_SLOTS;
            i = UINT32_MAX;
            continue;
        }
        if (!visit(argument, slot_entry(slot))) {
            return false;
        }
    }
    return true;
}

static uint32_t reverse_bits(uint32_t v)
{
    v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
    v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(v);
}

/* The scan walks groups: the keys whose hash ends in the same bits of the lower level. A group is
 * one bucket, or two once it has been split. Counting with the bits reversed visits the halves of a
 * group that splits later one after the other, so that no group is missed at any size. */
uint32_t table_scan(const struct table *table, uint32_t cursor, table_visitor *visit,
                    void *argument)
{
    uint32_t count = count_get(table);
    uint32_t level = 31 - (uint32_t)__builtin_clz(count);
    uint32_t low = (UINT32_C(1) << level) - 1;
    uint32_t index = cursor & low;
    (void)table_visit_bucket(table, index, visit, argument);
    if (index + low + 1 < count) {
        (void)table_visit_bucket(table, index + low + 1, visit, argument);
    }
    cursor |= ~low;
    return reverse_bits(reverse_bits(cursor) + 1);
}

size_t table_bytes(const struct table *table)
{
    struct directory *directory =
        atomic_load_explicit(&((struct table *)table)->directory, memory_order_relaxed);
    size_t size = sizeof(*table) + sizeof(*directory) + directory->capacity * sizeof(void *);
    size += first_size(table) * sizeof(struct bucket);
    for (uint32_t i = 1; i < directory->capacity; i++) {
        if (atomic_load_explicit(&directory->segments[i], memory_order_relaxed) != NULL) {
            size += SEGMENT_BUCKETS * sizeof(struct bucket);
        }
    }
    return size + table->node_count * sizeof(struct node);
}

struct verify {
    const struct table *table;
    const struct rehash *rehash;
    uint32_t index;
    uint32_t keys;
    uint32_t ttls;
};

static bool verify_entry(void *argument, struct entry *entry)
{
    struct verify *verify = argument;
    uint32_t hash = verify->rehash->hash(verify->rehash->context, entry);
    check(bucket_index(count_get(verify->table), hash) == verify->index);
    check(table_find(verify->table, entry_key(entry), hash).entry == entry);
    verify->keys++;
    verify->ttls += (entry->flags & ENTRY_TTL) != 0;
    return true;
}

void table_verify(const struct table *table, const struct rehash *rehash)
{
    struct verify verify = {.table = table, .rehash = rehash};
    for (; verify.index < count_get(table); verify.index++) {
        (void)table_visit_bucket(table, verify.index, verify_entry, &verify);
    }
    check(verify.keys == table->key_count);
    check(verify.ttls == table->ttl_count);
}
