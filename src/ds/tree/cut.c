/* Taking a range out of a tree as a tree of its own: only the nodes at its two edges are looked at.
 */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "tree_node.h"

/* Records below which the bytes of a part are counted, node by node: some microseconds. */
#define COUNTED_MAX 32768

struct range {
    uint64_t from;
    uint64_t to;
};

/* What is cut from a block: a block with the records from .. to - 1. */
static struct tree_node *cut_block(struct tree *tree, struct block *block,
                                   const struct range *range)
{
    unsigned char *p =
        (unsigned char *)(uintptr_t)block_record(block, (uint32_t)range->from, tree->is_keyed);
    const unsigned char *end = block_record(block, (uint32_t)range->to, tree->is_keyed);
    size_t size = (size_t)(end - p);
    struct block *cut = block_create(size);
    memcpy(cut->data, p, size);
    cut->end = (uint16_t)size;
    cut->head.count = (uint16_t)(range->to - range->from);
    tree->bytes += tree_node_size(&cut->head);
    block_close(block, p, size);
    block->head.count = (uint16_t)(block->head.count - cut->head.count);
    return &cut->head;
}

static struct tree_node *cut_node(struct tree *tree, struct tree_node **link,
                                  const struct range *range);

/* The part of range that lies in a child of count records that begin at first. */
static struct range part_of(const struct range *range, uint64_t first, uint64_t count)
{
    uint64_t from = range->from > first ? range->from - first : 0;
    uint64_t to = range->to > first ? range->to - first : 0;
    return (struct range){from < count ? from : count, to < count ? to : count};
}

static struct tree_node *cut_branch(struct tree *tree, struct branch *branch,
                                    const struct range *range)
{
    struct branch *cut = branch_create();
    tree->bytes += tree_node_size(&cut->head);
    uint64_t first = 0;
    uint32_t kept = 0;
    for (uint32_t slot = 0; slot < branch->head.count; slot++) {
        struct child child = branch->children[slot];
        struct range part = part_of(range, first, child.count);
        uint64_t size = part.to - part.from;
        first += child.count;
        if (size == child.count) {
            cut->children[cut->head.count++] = child;
            continue;
        }
        if (size > 0) {
            struct tree_node *node = cut_node(tree, &child.node, &part);
            branch_insert(cut, cut->head.count, node, tree->is_keyed);
            child.count -= size;
        }
        branch->children[kept++] = child;
    }
    branch->head.count = (uint16_t)kept;
    return &cut->head;
}

/* Takes the range, which is not empty and not all of the node, out of it. */
static struct tree_node *cut_node(struct tree *tree, struct tree_node **link,
                                  const struct range *range)
{
    tree_node_own(link, tree->is_keyed);
    return (*link)->is_block ? cut_block(tree, as_block(*link), range)
                             : cut_branch(tree, as_branch(*link), range);
}

static void collapse(struct tree *tree)
{
    while (!tree->root->is_block && tree->root->count == 1) {
        tree_node_own(&tree->root, tree->is_keyed);
        struct tree_node *old = tree->root;
        tree->root = as_branch(old)->children[0].node;
        tree->bytes -= tree_node_size(old);
        tree_node_free(old);
    }
}

static uint64_t bytes_below(const struct tree_node *node)
{
    uint64_t bytes = tree_node_size(node);
    for (uint32_t i = 0; !node->is_block && i < node->count; i++) {
        bytes += bytes_below(as_branch(node)->children[i].node);
    }
    return bytes;
}

/* Shares the bytes of both out: the smaller one is counted, unless that too is large. */
static void share_bytes(struct tree *tree, struct tree *cut)
{
    uint64_t both = tree->bytes;
    struct tree *smaller = tree->count < cut->count ? tree : cut;
    struct tree *larger = smaller == tree ? cut : tree;
    if (smaller->count <= COUNTED_MAX) {
        smaller->bytes = bytes_below(smaller->root);
    } else {
        double share = (double)smaller->count / (double)(smaller->count + larger->count);
        smaller->bytes = (uint64_t)((double)both * share);
    }
    larger->bytes = both - smaller->bytes;
}

void tree_cut(struct tree *tree, uint64_t rank, uint64_t count, struct tree *ret_cut)
{
    check(rank <= tree->count && count <= tree->count - rank);
    tree_init(ret_cut, tree->is_keyed);
    if (count == 0) {
        return;
    }
    if (count == tree->count) {
        *ret_cut = *tree;
        tree_init(tree, tree->is_keyed);
        return;
    }
    const struct range range = {rank, rank + count};
    ret_cut->root = cut_node(tree, &tree->root, &range);
    ret_cut->count = count;
    tree->count -= count;
    share_bytes(tree, ret_cut);
    collapse(ret_cut);
    collapse(tree);
}
