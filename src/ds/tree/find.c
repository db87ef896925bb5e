/* Searching trees: by position, and by key and text. */
#include "pollard/base/check.h"
#include "tree_node.h"

void tree_init(struct tree *tree, bool is_keyed)
{
    *tree = (struct tree){.is_keyed = is_keyed};
}

void tree_copy(const struct tree *tree, struct tree *ret_copy)
{
    *ret_copy = *tree;
    if (tree->root != NULL) {
        tree_node_acquire(tree->root);
    }
}

void tree_clear(struct tree *tree)
{
    if (tree->root != NULL) {
        tree_node_release(tree->root, tree->is_keyed);
    }
    tree_init(tree, tree->is_keyed);
}

int record_compare(const unsigned char *p, uint64_t key, const struct item *item)
{
    uint64_t own = key_order(record_key(p));
    key = key_order(key);
    if (own != key) {
        return own < key ? -1 : 1;
    }
    struct item view;
    (void)item_read(p + sizeof(uint64_t), &view);
    return item_compare(&view, item);
}

uint32_t branch_find(const struct branch *branch, uint64_t key, const struct item *item)
{
    /* The last child that begins at or below what is looked for. */
    uint64_t order = key_order(key);
    uint32_t low = 0;
    uint32_t high = branch->head.count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        uint64_t own = key_order(branch->children[middle].key);
        bool is_below = own < order;
        if (own == order) {
            is_below =
                record_compare(tree_node_first(branch->children[middle].node), key, item) <= 0;
        }
        if (is_below) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void tree_get(const struct tree *tree, uint64_t rank, struct tree_record *ret_record)
{
    check(rank < tree->count);
    const struct tree_node *node = tree->root;
    uint64_t count = tree->count;
    while (!node->is_block) {
        const struct branch *branch = as_branch(node);
        node = branch->children[branch_seek(branch, &rank, &count)].node;
    }
    const unsigned char *p = block_record(as_block(node), (uint32_t)rank, tree->is_keyed);
    (void)record_view(p, tree->is_keyed, ret_record);
}

static uint64_t count_before(const struct branch *branch, uint32_t slot)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < slot; i++) {
        count += branch->children[i].count;
    }
    return count;
}

/* The rank of the first record not below (key, item); with after: of the first one above.
 * ret_is_there: whether a record equal to it was met. */
static uint64_t rank_of(const struct tree *tree, uint64_t key, const struct item *item, bool after,
                        bool *ret_is_there)
{
    const struct tree_node *node = tree->root;
    uint64_t rank = 0;
    *ret_is_there = false;
    if (node == NULL) {
        return 0;
    }
    while (!node->is_block) {
        const struct branch *branch = as_branch(node);
        uint32_t slot = branch_find(branch, key, item);
        rank += count_before(branch, slot);
        node = branch->children[slot].node;
    }
    const unsigned char *p = block_begin(as_block(node));
    for (uint32_t i = 0; i < node->count; i++) {
        int order = record_compare(p, key, item);
        *ret_is_there = *ret_is_there || order == 0;
        if (order > 0 || (order == 0 && !after)) {
            return rank + i;
        }
        p = record_next(p, /* is_keyed= */ true);
    }
    return rank + node->count;
}

uint64_t tree_rank(const struct tree *tree, uint64_t key, const struct item *item, bool after)
{
    bool is_there;
    return rank_of(tree, key, item, after, &is_there);
}

bool tree_find(const struct tree *tree, uint64_t key, const struct item *item, uint64_t *ret_rank)
{
    bool is_there;
    uint64_t rank = rank_of(tree, key, item, /* after= */ false, &is_there);
    if (ret_rank != NULL) {
        *ret_rank = rank;
    }
    return is_there;
}

/* The last child whose first record is below the key (or, after, not above it). */
static uint32_t branch_find_key(const struct branch *branch, uint64_t key, bool after)
{
    uint32_t low = 0;
    uint32_t high = branch->head.count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        uint64_t own = key_order(branch->children[middle].key);
        bool is_below = own < key;
        if (own == key) {
            /* It may be too low: the first record tells. */
            own = key_order(record_key(tree_node_first(branch->children[middle].node)));
            is_below = after && own == key;
        }
        if (is_below) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t tree_rank_key(const struct tree *tree, uint64_t key, bool after)
{
    const struct tree_node *node = tree->root;
    uint64_t rank = 0;
    key = key_order(key);
    if (node == NULL) {
        return 0;
    }
    while (!node->is_block) {
        const struct branch *branch = as_branch(node);
        uint32_t slot = branch_find_key(branch, key, after);
        rank += count_before(branch, slot);
        node = branch->children[slot].node;
    }
    const unsigned char *p = block_begin(as_block(node));
    for (uint32_t i = 0; i < node->count; i++) {
        uint64_t own = key_order(record_key(p));
        if (own > key || (own == key && !after)) {
            return rank + i;
        }
        p = record_next(p, /* is_keyed= */ true);
    }
    return rank + node->count;
}
