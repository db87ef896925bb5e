/* Checks of every invariant of a map; for tests. */
#include "map_node.h"
#include "pollard/base/check.h"

static void verify_segment(const struct map *map, const struct segment *segment, uint64_t prefix)
{
    enum map_kind kind = (enum map_kind)map->kind;
    size_t used = 0;
    check(segment->count <= segment_columns(segment) && segment->used <= segment->room);
    for (uint32_t i = 0; i < segment->count; i++) {
        const unsigned char *p = segment_record(segment, i);
        const unsigned char *end = record_end(p, kind);
        uint64_t hash = record_hash(p, map->secret);
        check(segment->head.depth == 0 || hash >> (64 - segment->head.depth) == prefix);
        check(segment_tags(segment)[i] == hash_tag_of(hash));
        check(pack_verify(p, p + item_span(p)));
        check(kind != MAP_ITEMS || pack_verify(p + item_span(p), end));
        used += (size_t)(end - p);
        for (uint32_t k = 0; k < i; k++) {
            check(segment_offsets(segment)[k] != segment_offsets(segment)[i]);
        }
    }
    check(used == segment->used);
}

/* Returns the records below; adds up the bytes. */
static uint64_t verify_node(const struct map *map, const struct map_node *node, uint64_t prefix,
                            uint64_t *bytes)
{
    check(atomic_load(&((struct map_node *)(uintptr_t)node)->refs) > 0);
    *bytes += node_size(node);
    if (node->is_segment) {
        verify_segment(map, as_segment(node), prefix);
        return as_segment(node)->count;
    }
    const struct directory *directory = as_directory(node);
    uint64_t count = 0;
    uint32_t slot = 0;
    check(node->bits >= 1 && node->bits <= DIRECTORY_BITS);
    while (slot < 1U << node->bits) {
        const struct map_node *child = directory->slots[slot];
        uint32_t run = child_run(directory, child);
        uint32_t extra = (uint32_t)(child->depth - node->depth);
        check(child->depth > node->depth && slot % run == 0);
        check(child->is_segment || run == 1);
        for (uint32_t i = 0; i < run; i++) {
            check(directory->slots[slot + i] == child);
            check(directory_counts(directory)[slot + i] == (i == 0 ? node_count(child) : 0));
        }
        count += verify_node(map, child, prefix << extra | slot >> (node->bits - extra), bytes);
        slot += run;
    }
    check(count == directory->count);
    return count;
}

void map_verify(const struct map *map)
{
    uint64_t bytes = 0;
    uint64_t count = map->root == NULL ? 0 : verify_node(map, map->root, 0, &bytes);
    check(count == map->count && bytes == map->bytes);
    check((map->root == NULL) == (map->count == 0));
}
