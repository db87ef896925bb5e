/* Checks of every invariant of a tree; for tests. */
#include "pollard/base/check.h"
#include "tree_node.h"

struct verified {
    const struct tree *tree;
    uint32_t block_depth;      /* of all blocks; UINT32_MAX: none seen yet */
    const unsigned char *last; /* record, keyed trees */
};

static void verify_order(struct verified *verified, const unsigned char *p)
{
    if (verified->tree->is_keyed && verified->last != NULL) {
        struct item item;
        (void)item_read(p + sizeof(uint64_t), &item);
        check(record_compare(verified->last, record_key(p), &item) < 0);
    }
    verified->last = p;
}

static void verify_block(struct verified *verified, const struct block *block)
{
    bool is_keyed = verified->tree->is_keyed;
    const unsigned char *p = block_begin(block);
    uint32_t count = 0;
    check(block->begin <= block->end && block->end <= block->room);
    check(block->head.count <= BLOCK_RECORDS);
    while (p < block_end(block)) {
        check(count != block->mark.index || p == block_begin(block) + block->mark.at);
        const unsigned char *item = p + (is_keyed ? sizeof(uint64_t) : 0);
        verify_order(verified, p);
        p = record_next(p, is_keyed);
        check(pack_verify(item, p));
        count++;
    }
    check(p == block_end(block) && count == block->head.count && count > 0);
    check(block->mark.index < count || block->mark.at == block_used(block));
    check(block->mark.index <= count);
}

static uint64_t verify_node(struct verified *verified, const struct tree_node *node, uint32_t depth)
{
    check(atomic_load(&((struct tree_node *)(uintptr_t)node)->refs) > 0);
    if (node->is_block) {
        check(verified->block_depth == UINT32_MAX || verified->block_depth == depth);
        verified->block_depth = depth;
        verify_block(verified, as_block(node));
        return node->count;
    }
    const struct branch *branch = as_branch(node);
    uint64_t count = 0;
    check(node->count > 0 && node->count < BRANCH_CHILDREN);
    for (uint32_t i = 0; i < node->count; i++) {
        const struct child *child = &branch->children[i];
        if (verified->tree->is_keyed && i > 0) {
            uint64_t key = key_order(child->key);
            check(key >= key_order(record_key(verified->last)));
            check(key <= key_order(record_key(tree_node_first(child->node))));
        }
        check(verify_node(verified, child->node, depth + 1) == child->count);
        count += child->count;
    }
    return count;
}

void tree_verify(const struct tree *tree)
{
    struct verified verified = {.tree = tree, .block_depth = UINT32_MAX};
    if (tree->root == NULL) {
        check(tree->count == 0 && tree->bytes == 0);
        return;
    }
    check(verify_node(&verified, tree->root, 0) == tree->count && tree->count > 0);
}
