/* Space-Saving over a heap: the lightest key is at its root, a table finds keys by their hashes.
 *
 *   table: hash --open addressing--> place in the heap + 1; 0: empty
 *   heap:  items, each no lighter than its parent
 *
 * Invariants: 1. Each item is in the table once, and knows where. 2. There are at least twice as
 * many slots as items, so that searches end soon. */
#include "pollard/ds/topk.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

struct item {
    uint64_t hash;
    uint64_t weight;
    uint64_t error;
    uint32_t slot; /* in the table */
    uint32_t size; /* of the key, as kept */
    uint32_t room; /* for one */
    unsigned char *key;
};

struct topk {
    uint32_t capacity;
    uint32_t count;
    uint32_t slot_mask;
    uint64_t total;
    uint32_t *slots;
    struct item heap[];
};

struct topk *topk_create(uint32_t capacity)
{
    check(capacity > 0 && capacity <= TOPK_CAPACITY_MAX);
    struct topk *topk = mem_alloc_zero(sizeof(*topk) + capacity * sizeof(struct item));
    uint32_t slots = 8;
    while (slots < capacity * 2) {
        slots *= 2;
    }
    topk->capacity = capacity;
    topk->slot_mask = slots - 1;
    topk->slots = mem_alloc_zero(slots * sizeof(*topk->slots));
    return topk;
}

void topk_clear(struct topk *topk)
{
    for (uint32_t i = 0; i < topk->count; i++) {
        mem_free(topk->heap[i].key);
    }
    memset(topk->slots, 0, ((size_t)topk->slot_mask + 1) * sizeof(*topk->slots));
    topk->count = 0;
    topk->total = 0;
}

void topk_destroy(struct topk **topk_pointer)
{
    struct topk *topk = *topk_pointer;
    if (topk == NULL) {
        return;
    }
    topk_clear(topk);
    mem_free(topk->slots);
    mem_free(topk);
    *topk_pointer = NULL;
}

uint32_t topk_capacity(const struct topk *topk)
{
    return topk->capacity;
}

/* Puts the item into a place of the heap. */
static void place(struct topk *topk, uint32_t at, struct item item)
{
    topk->heap[at] = item;
    topk->slots[item.slot] = at + 1;
}

/* Where an item that has become heavier, or stands there by chance, belongs. */
static void sink(struct topk *topk, uint32_t at)
{
    struct item item = topk->heap[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= topk->count) {
            break;
        }
        if (child + 1 < topk->count && topk->heap[child + 1].weight < topk->heap[child].weight) {
            child++;
        }
        if (topk->heap[child].weight >= item.weight) {
            break;
        }
        place(topk, at, topk->heap[child]);
        at = child;
    }
    place(topk, at, item);
}

static void rise(struct topk *topk, uint32_t at)
{
    struct item item = topk->heap[at];
    while (at > 0 && topk->heap[(at - 1) / 2].weight > item.weight) {
        place(topk, at, topk->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(topk, at, item);
}

/* The slot of the hash, or the empty one where it would be. */
static uint32_t find_slot(const struct topk *topk, uint64_t hash)
{
    uint32_t slot = (uint32_t)(hash >> 32) & topk->slot_mask;
    while (topk->slots[slot] != 0 && topk->heap[topk->slots[slot] - 1].hash != hash) {
        slot = (slot + 1) & topk->slot_mask;
    }
    return slot;
}

/* Empties a slot and moves up what stands behind it and would not be found any more. */
static void empty_slot(struct topk *topk, uint32_t slot)
{
    uint32_t next = slot;
    topk->slots[slot] = 0;
    for (;;) {
        next = (next + 1) & topk->slot_mask;
        if (topk->slots[next] == 0) {
            return;
        }
        struct item *item = &topk->heap[topk->slots[next] - 1];
        uint32_t home = (uint32_t)(item->hash >> 32) & topk->slot_mask;
        if (((next - home) & topk->slot_mask) >= ((next - slot) & topk->slot_mask)) {
            topk->slots[slot] = topk->slots[next];
            item->slot = slot;
            topk->slots[next] = 0;
            slot = next;
        }
    }
}

static void keep_key(struct item *item, struct bytes key)
{
    item->size = (uint32_t)(key.size < TOPK_KEY_MAX ? key.size : TOPK_KEY_MAX);
    if (item->size > item->room) {
        item->key = mem_realloc(item->key, item->size);
        item->room = item->size;
    }
    if (item->size > 0) {
        memcpy(item->key, key.data, item->size);
    }
}

static void add(struct topk *topk, const struct topk_item *added)
{
    uint32_t slot = find_slot(topk, added->hash);
    if (topk->slots[slot] != 0) {
        uint32_t at = topk->slots[slot] - 1;
        topk->heap[at].weight += added->weight;
        topk->heap[at].error += added->error;
        sink(topk, at);
        return;
    }
    struct item item = {.hash = added->hash, .weight = added->weight, .error = added->error};
    if (topk->count < topk->capacity) {
        item.slot = slot;
        keep_key(&item, added->key);
        place(topk, topk->count++, item);
        rise(topk, topk->count - 1);
        return;
    }
    struct item *lightest = &topk->heap[0];
    item.weight += lightest->weight;
    item.error += lightest->weight;
    item.key = lightest->key;
    item.room = lightest->room;
    keep_key(&item, added->key);
    empty_slot(topk, lightest->slot);
    item.slot = find_slot(topk, added->hash);
    place(topk, 0, item);
    sink(topk, 0);
}

void topk_add(struct topk *topk, struct bytes key, uint64_t hash, uint64_t weight)
{
    topk->total += weight;
    add(topk, &(struct topk_item){.key = key, .hash = hash, .weight = weight});
}

void topk_offer(struct topk *topk, struct bytes key, uint64_t hash, struct topk_offer offer)
{
    if (topk->count == topk->capacity && topk->slots[find_slot(topk, hash)] == 0) {
        double needed = (double)topk->heap[0].weight + (double)offer.weight;
        if ((double)offer.random * needed >= (double)offer.weight * 4294967296.0) {
            topk->total += offer.weight;
            return;
        }
    }
    topk_add(topk, key, hash, offer.weight);
}

void topk_fade(struct topk *topk)
{
    /* Halving keeps the order of the heap. */
    for (uint32_t i = 0; i < topk->count; i++) {
        topk->heap[i].weight /= 2;
        topk->heap[i].error /= 2;
    }
    topk->total /= 2;
}

uint64_t topk_total(const struct topk *topk)
{
    return topk->total;
}

uint32_t topk_count(const struct topk *topk)
{
    return topk->count;
}

struct topk_item topk_get(const struct topk *topk, uint32_t index)
{
    const struct item *item = &topk->heap[index];
    debug_check(index < topk->count);
    return (struct topk_item){.key = bytes_make(item->key, item->size),
                              .hash = item->hash,
                              .weight = item->weight,
                              .error = item->error};
}

void topk_merge(struct topk *into, const struct topk *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct topk_item item = topk_get(from, i);
        add(into, &item);
    }
    into->total += from->total;
}

static uint64_t sure_weight(const struct topk_item *item)
{
    return item->weight - item->error;
}

uint32_t topk_best(const struct topk *topk, struct topk_item *ret_items, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < topk->count; i++) {
        struct topk_item item = topk_get(topk, i);
        uint32_t at = found < count ? found : count;
        while (at > 0 && sure_weight(&ret_items[at - 1]) < sure_weight(&item)) {
            if (at < count) {
                ret_items[at] = ret_items[at - 1];
            }
            at--;
        }
        if (at < count) {
            ret_items[at] = item;
            found += found < count;
        }
    }
    return found;
}
