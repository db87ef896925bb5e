/* Nodes of maps: their memory, their counts, copies for who changes what others share. */
#include "map_node.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

size_t node_size(const struct map_node *node)
{
    if (node->is_segment) {
        const struct segment *segment = as_segment(node);
        return sizeof(*segment) + (size_t)segment_columns(segment) * 3 + segment->room;
    }
    size_t slot_size = sizeof(struct map_node *) + sizeof(uint32_t);
    return sizeof(struct directory) + (slot_size << node->bits);
}

static void records_acquire(const struct segment *segment, enum map_kind kind, bool is_acquire)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        struct map_record record;
        record_read(segment_record(segment, i), kind, &record);
        if (is_acquire) {
            item_acquire(&record.name);
            item_acquire(&record.value);
        } else {
            item_release(&record.name);
            item_release(&record.value);
        }
    }
}

size_t node_release(struct map_node *node, enum map_kind kind)
{
    /* Release: what this holder has read it has read before the count falls; acquire: who frees
     * sees what all others have done. */
    if (atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1) {
        return 0;
    }
    size_t freed = node_size(node);
    if (node->is_segment) {
        records_acquire(as_segment(node), kind, /* is_acquire= */ false);
    } else {
        struct directory *directory = as_directory(node);
        uint32_t slot = 0;
        while (slot < 1U << node->bits) {
            struct map_node *child = directory->slots[slot];
            slot += child_run(directory, child);
            freed += node_release(child, kind);
        }
    }
    mem_free_sized(node, node_size(node));
    return freed;
}

struct map_node *node_copy(const struct map_node *node, enum map_kind kind)
{
    size_t size = node_size(node);
    struct map_node *copy = mem_alloc(size);
    memcpy((unsigned char *)copy + sizeof(copy->refs),
           (const unsigned char *)node + sizeof(copy->refs), size - sizeof(copy->refs));
    atomic_init(&copy->refs, 1);
    if (copy->is_segment) {
        records_acquire(as_segment(copy), kind, /* is_acquire= */ true);
        return copy;
    }
    struct directory *directory = as_directory(copy);
    uint32_t slot = 0;
    while (slot < 1U << copy->bits) {
        node_acquire(directory->slots[slot]);
        slot += child_run(directory, directory->slots[slot]);
    }
    return copy;
}
