/* Walks over maps: cursors, and SCAN, whose position is a hash. Both go in the order of hashes. */
#include "map_node.h"
#include "pollard/base/check.h"

/* Cursors of SCAN are the top bits of a hash. */
#define CURSOR_SHIFT 12

/* From the node down to its first segment. */
static void descend(struct map_cursor *cursor, const struct map_node *node)
{
    while (!node->is_segment) {
        debug_check(cursor->depth < MAP_DEPTH_MAX);
        cursor->nodes[cursor->depth] = node;
        cursor->slots[cursor->depth] = 0;
        cursor->depth++;
        node = as_directory(node)->slots[0];
    }
    cursor->nodes[cursor->depth] = node;
    cursor->record = 0;
}

void map_cursor_begin(const struct map *map, struct map_cursor *ret_cursor)
{
    ret_cursor->map = map;
    ret_cursor->depth = 0;
    ret_cursor->record = 0;
    ret_cursor->nodes[0] = NULL;
    if (map->root != NULL) {
        descend(ret_cursor, map->root);
    }
}

/* To the first segment behind the present one; false when it was the last. */
static bool next_segment(struct map_cursor *cursor)
{
    while (cursor->depth > 0) {
        cursor->depth--;
        const struct directory *directory = as_directory(cursor->nodes[cursor->depth]);
        uint32_t slot = cursor->slots[cursor->depth];
        slot += child_run(directory, directory->slots[slot]);
        if (slot < 1U << directory->head.bits) {
            cursor->slots[cursor->depth] = (uint16_t)slot;
            cursor->depth++;
            descend(cursor, directory->slots[slot]);
            return true;
        }
    }
    cursor->nodes[0] = NULL;
    return false;
}

bool map_next(struct map_cursor *cursor, struct map_record *ret_record)
{
    if (UNLIKELY(cursor->nodes[cursor->depth] == NULL)) {
        return false;
    }
    while (UNLIKELY(cursor->record >= as_segment(cursor->nodes[cursor->depth])->count)) {
        if (!next_segment(cursor)) {
            return false;
        }
    }
    const struct segment *segment = as_segment(cursor->nodes[cursor->depth]);
    record_read(segment_record(segment, cursor->record), (enum map_kind)cursor->map->kind,
                ret_record);
    cursor->record++;
    return true;
}

/* The segment of a hash, and the first hash behind its part (0: there is none). */
static const struct segment *segment_at(const struct map *map, uint64_t hash, uint64_t *ret_end)
{
    const struct map_node *node = map->root;
    while (!node->is_segment) {
        const struct directory *directory = as_directory(node);
        node = directory->slots[directory_slot(directory, hash)];
    }
    if (node->depth == 0) {
        *ret_end = 0;
    } else {
        uint32_t shift = 64U - node->depth;
        *ret_end = ((hash >> shift) + 1) << shift;
    }
    return as_segment(node);
}

uint64_t map_scan(const struct map *map, uint64_t cursor, uint64_t count, map_visitor *visit,
                  void *argument)
{
    enum map_kind kind = (enum map_kind)map->kind;
    uint64_t seen = 0;
    uint64_t hash = cursor << CURSOR_SHIFT;
    if (map->root == NULL || cursor > UINT64_MAX >> CURSOR_SHIFT) {
        return 0;
    }
    for (;;) {
        const struct segment *segment = segment_at(map, hash, &hash);
        for (uint32_t i = 0; i < segment->count; i++) {
            const unsigned char *p = segment_record(segment, i);
            /* A segment that has grown by merging has records from before the cursor. */
            if (record_hash(p, map->secret) >> CURSOR_SHIFT >= cursor) {
                struct map_record record;
                record_read(p, kind, &record);
                visit(argument, &record);
                seen++;
            }
        }
        if (hash == 0) {
            return 0;
        }
        if (seen >= count && hash >> CURSOR_SHIFT > cursor) {
            return hash >> CURSOR_SHIFT;
        }
    }
}
