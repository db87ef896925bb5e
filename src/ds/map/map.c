/* Maps: making, copying, finding. The lookups of all large sets, hashes and sorted sets. */
#include "map_node.h"
#include "pollard/base/check.h"

void map_init(struct map *map, enum map_kind kind, const struct hash_secret *secret)
{
    *map = (struct map){.secret = secret, .kind = (uint8_t)kind};
}

void map_copy(const struct map *map, struct map *ret_copy)
{
    *ret_copy = *map;
    if (map->root != NULL) {
        node_acquire(map->root);
    }
}

void map_clear(struct map *map)
{
    if (map->root != NULL) {
        (void)node_release(map->root, (enum map_kind)map->kind);
    }
    map->root = NULL;
    map->count = 0;
    map->bytes = 0;
}

uint64_t map_hash(const struct map *map, const struct item *name)
{
    unsigned char scratch[ITEM_SCRATCH];
    return hash_keyed(map->secret, item_text(name, scratch));
}

const struct segment *find_segment(const struct map *map, uint64_t hash)
{
    const struct map_node *node = map->root;
    while (!node->is_segment) {
        const struct directory *directory = as_directory(node);
        node = directory->slots[directory_slot(directory, hash)];
        /* If it is a segment, its tags and offsets are in these lines: they come together. */
        __builtin_prefetch((const unsigned char *)node + CACHE_LINE);
        __builtin_prefetch((const unsigned char *)node + 2 * CACHE_LINE);
        __builtin_prefetch((const unsigned char *)node + 3 * CACHE_LINE);
    }
    return as_segment(node);
}

bool map_find(const struct map *map, const struct item_needle *name, struct map_record *ret_record)
{
    if (map->root == NULL) {
        return false;
    }
    uint64_t hash = map_hash(map, &name->item);
    const struct segment *segment = find_segment(map, hash);
    int index = segment_find(segment, hash_tag_of(hash), name);
    if (index >= 0 && ret_record != NULL) {
        record_read(segment_record(segment, (uint32_t)index), (enum map_kind)map->kind, ret_record);
    }
    return index >= 0;
}

bool map_has(const struct map *map, const struct item *name)
{
    struct item_needle needle;
    item_needle_of(&needle, name);
    return map_find(map, &needle, NULL);
}

bool map_remove_item(struct map *map, const struct item *name)
{
    struct item_needle needle;
    item_needle_of(&needle, name);
    return map_remove(map, &needle);
}

/* The slot of the record at *rank, which becomes its rank below that slot. */
static uint32_t find_rank(const struct directory *directory, uint64_t *rank)
{
    const uint32_t *counts = directory_counts(directory);
    uint32_t slots = 1U << directory->head.bits;
    uint32_t slot = 0;
    for (; slot + 8 <= slots; slot += 8) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < 8; i++) {
            sum += counts[slot + i];
        }
        if (*rank < sum) {
            break;
        }
        *rank -= sum;
    }
    while (*rank >= counts[slot]) {
        *rank -= counts[slot++];
    }
    return slot;
}

void map_at(const struct map *map, uint64_t rank, struct map_record *ret_record)
{
    check(rank < map->count);
    const struct map_node *node = map->root;
    while (!node->is_segment) {
        const struct directory *directory = as_directory(node);
        uint32_t slot = find_rank(directory, &rank);
        node = directory->slots[slot];
    }
    record_read(segment_record(as_segment(node), (uint32_t)rank), (enum map_kind)map->kind,
                ret_record);
}
