/* Nodes of trees: their memory, their counts, copies for who changes what others share. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "tree_node.h"

/* The mark is left so many records before the one that is reached. */
#define MARK_BEFORE 15

size_t tree_node_size(const struct tree_node *node)
{
    return node->is_block ? sizeof(struct block) + as_block(node)->room : sizeof(struct branch);
}

void tree_node_free(struct tree_node *node)
{
    mem_free_sized(node, tree_node_size(node));
}

/* Takes (or gives up) the references of a block to long items. */
static void block_blobs(const struct block *block, bool is_keyed, bool is_acquire)
{
    const unsigned char *p = block_begin(block);
    while (p < block_end(block)) {
        struct tree_record record;
        p = record_view(p, is_keyed, &record);
        if (is_acquire) {
            item_acquire(&record.item);
        } else {
            item_release(&record.item);
        }
    }
}

void tree_node_release(struct tree_node *node, bool is_keyed)
{
    /* Release: what this holder has read it has read before the count falls; acquire: who frees
     * sees what all others have done. */
    if (atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (node->is_block) {
        block_blobs(as_block(node), is_keyed, /* is_acquire= */ false);
    } else {
        for (uint32_t i = 0; i < node->count; i++) {
            tree_node_release(as_branch(node)->children[i].node, is_keyed);
        }
    }
    tree_node_free(node);
}

void tree_node_own(struct tree_node **node, bool is_keyed)
{
    struct tree_node *old = *node;
    if (LIKELY(!node_is_shared(old))) {
        return;
    }
    size_t size = tree_node_size(old);
    struct tree_node *copy = mem_alloc(size);
    memcpy((unsigned char *)copy + sizeof(copy->refs),
           (const unsigned char *)old + sizeof(copy->refs), size - sizeof(copy->refs));
    atomic_init(&copy->refs, 1);
    if (copy->is_block) {
        block_blobs(as_block(copy), is_keyed, /* is_acquire= */ true);
    } else {
        for (uint32_t i = 0; i < copy->count; i++) {
            tree_node_acquire(as_branch(copy)->children[i].node);
        }
    }
    tree_node_release(old, is_keyed);
    *node = copy;
}

struct block *block_create(size_t room)
{
    /* All of the block that the allocator gives is room. */
    size_t size = mem_good_size(sizeof(struct block) + room);
    struct block *block = mem_alloc(size);
    atomic_init(&block->head.refs, 1);
    block->head.count = 0;
    block->head.is_block = 1;
    block->head.unused = 0;
    block->begin = 0;
    block->end = 0;
    block->room = (uint16_t)(size - sizeof(struct block));
    block->mark = (struct block_mark){0};
    return block;
}

struct branch *branch_create(void)
{
    struct branch *branch = mem_alloc(sizeof(*branch));
    atomic_init(&branch->head.refs, 1);
    branch->head.count = 0;
    branch->head.is_block = 0;
    branch->head.unused = 0;
    return branch;
}

uint64_t tree_node_count(const struct tree_node *node)
{
    if (node->is_block) {
        return node->count;
    }
    uint64_t count = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        count += as_branch(node)->children[i].count;
    }
    return count;
}

const unsigned char *tree_node_first(const struct tree_node *node)
{
    while (!node->is_block) {
        node = as_branch(node)->children[0].node;
    }
    return block_begin(as_block(node));
}

void branch_insert(struct branch *branch, uint32_t slot, struct tree_node *node, bool is_keyed)
{
    debug_check(branch->head.count < BRANCH_CHILDREN);
    struct child *child = &branch->children[slot];
    memmove(child + 1, child, (branch->head.count - slot) * sizeof(*child));
    child->count = tree_node_count(node);
    child->key = is_keyed ? record_key(tree_node_first(node)) : 0;
    child->node = node;
    branch->head.count++;
}

void branch_remove(struct branch *branch, uint32_t slot)
{
    struct child *child = &branch->children[slot];
    branch->head.count--;
    memmove(child, child + 1, (branch->head.count - slot) * sizeof(*child));
}

/* The same records in a block with other room, the gap shared out to both sides. */
static struct block *block_rebuild(struct tree_node **node, size_t room, uint64_t *bytes)
{
    struct block *old = as_block(*node);
    struct block *fresh = block_create(room);
    size_t used = block_used(old);
    fresh->head.count = old->head.count;
    fresh->mark = old->mark;
    fresh->begin = (uint16_t)((fresh->room - used) / 2);
    fresh->end = (uint16_t)(fresh->begin + used);
    memcpy(block_begin(fresh), block_begin(old), used);
    *bytes += tree_node_size(&fresh->head) - tree_node_size(&old->head);
    tree_node_free(&old->head);
    *node = &fresh->head;
    return fresh;
}

unsigned char *block_reach(struct block *block, uint32_t index, bool is_keyed)
{
    /* Not for what is near the front: what is added and removed there keeps a mark at the end. */
    if (index > MARK_BEFORE && index - block->mark.index > MARK_BEFORE) {
        const unsigned char *p = block_record(block, index - MARK_BEFORE, is_keyed);
        block->mark = (struct block_mark){(uint16_t)(index - MARK_BEFORE),
                                          (uint16_t)(p - block_begin(block))};
    }
    return (unsigned char *)(uintptr_t)block_record(block, index, is_keyed);
}

/* Something changes at so many bytes behind the first record. */
static void check_mark(struct block *block, size_t at)
{
    if (at < block->mark.at) {
        block->mark = (struct block_mark){0};
    }
}

unsigned char *block_open(struct tree_node **node, const unsigned char *p, size_t size,
                          uint64_t *bytes)
{
    struct block *block = as_block(*node);
    size_t at = (size_t)(p - block_begin(block));
    size_t used = block_used(block);
    if (UNLIKELY(used + size > block->room)) {
        block = block_rebuild(node, used + size + (used + size) / 8, bytes);
    }
    check_mark(block, at);
    /* The shorter side moves, if it has the room. */
    size_t front = block->begin;
    size_t back = (size_t)block->room - block->end;
    bool moves_front = back < size || (at < used / 2 && front >= size);
    if (moves_front && front < size) {
        /* Neither side has it alone. */
        memmove(block->data, block_begin(block), used);
        block->begin = 0;
        block->end = (uint16_t)used;
        moves_front = false;
    }
    if (moves_front) {
        block->begin = (uint16_t)(block->begin - size);
        memmove(block_begin(block), block_begin(block) + size, at);
    } else {
        unsigned char *gap = block_begin(block) + at;
        memmove(gap + size, gap, used - at);
        block->end = (uint16_t)(block->end + size);
    }
    return block_begin(block) + at;
}

void block_close(struct block *block, unsigned char *p, size_t size)
{
    size_t at = (size_t)(p - block_begin(block));
    size_t behind = block_used(block) - at - size;
    check_mark(block, at);
    if (at < behind) {
        memmove(block_begin(block) + size, block_begin(block), at);
        block->begin = (uint16_t)(block->begin + size);
    } else {
        memmove(p, p + size, behind);
        block->end = (uint16_t)(block->end - size);
    }
}

void block_fit(struct tree_node **node, size_t room, uint64_t *bytes)
{
    if (mem_good_size(sizeof(struct block) + room) < tree_node_size(*node)) {
        (void)block_rebuild(node, room, bytes);
    }
}

void block_trim(struct tree_node **node, uint64_t *bytes)
{
    struct block *block = as_block(*node);
    size_t used = block_used(block);
    if (block->room > 128 && used * 2 + used / 4 < block->room) {
        (void)block_rebuild(node, used + used / 8, bytes);
    }
}
