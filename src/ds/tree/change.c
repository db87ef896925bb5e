/* Changing trees, one record at a time.
 *
 *   add     own the path -> open a gap in the block -> split full nodes, upwards
 *   remove  own the path -> close -> drop or merge small nodes, upwards
 *
 * Whoever changes a node has made the whole path to it his own: a node with more than one reference
 * is replaced by a copy, whose children then have one reference more, and so on downwards. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "tree_node.h"

/* From the root to a block; every node on it is the tree's alone. */
struct path {
    struct tree_node *
        *links[TREE_DEPTH_MAX + 1];     /* where the pointer to each level's node stands */
    uint16_t slots[TREE_DEPTH_MAX + 1]; /* of the branches */
    uint32_t depth;                     /* of the block */
    uint64_t rank;                      /* of the block's first record (own_key) */
};

static struct branch *path_branch(const struct path *path, uint32_t level)
{
    return as_branch(*path->links[level]);
}

/* One level down, through the child at slot. */
static void path_step(struct path *path, uint32_t slot)
{
    struct branch *branch = path_branch(path, path->depth);
    path->slots[path->depth] = (uint16_t)slot;
    path->depth++;
    check(path->depth <= TREE_DEPTH_MAX);
    path->links[path->depth] = &branch->children[slot].node;
}

/* To the block of the rank-th record (or the end of the last one). Returns the index in it. */
static uint32_t own_rank(struct tree *tree, uint64_t rank, struct path *path)
{
    uint64_t count = tree->count;
    path->depth = 0;
    path->links[0] = &tree->root;
    for (;;) {
        struct tree_node **link = path->links[path->depth];
        tree_node_own(link, tree->is_keyed);
        if ((*link)->is_block) {
            return (uint32_t)rank;
        }
        path_step(path, branch_seek(as_branch(*link), &rank, &count));
    }
}

/* To the block where (key, item) is or belongs. */
static void own_key(struct tree *tree, uint64_t key, const struct item *item, struct path *path)
{
    path->depth = 0;
    path->rank = 0;
    path->links[0] = &tree->root;
    for (;;) {
        struct tree_node **link = path->links[path->depth];
        tree_node_own(link, /* is_keyed= */ true);
        if ((*link)->is_block) {
            return;
        }
        uint32_t slot = branch_find(as_branch(*link), key, item);
        for (uint32_t i = 0; i < slot; i++) {
            path->rank += as_branch(*link)->children[i].count;
        }
        path_step(path, slot);
    }
}

static void path_count(const struct path *path, int64_t change)
{
    for (uint32_t i = 0; i < path->depth; i++) {
        path_branch(path, i)->children[path->slots[i]].count += (uint64_t)change;
    }
}

/* ---- Splitting ---- */

/* How many of count elements stay at the left of a split. What grows at one end leaves full nodes
 * behind. */
static uint32_t split_point(uint32_t count, uint32_t changed, bool is_first, bool is_last)
{
    if (is_last && changed + 1 >= count) {
        return count - 1;
    }
    return is_first && changed == 0 ? 1 : count / 2;
}

static struct tree_node *split_block(struct tree *tree, struct tree_node **link, uint32_t left)
{
    struct block *block = as_block(*link);
    unsigned char *p = (unsigned char *)(uintptr_t)block_record(block, left, tree->is_keyed);
    size_t size = (size_t)(block_end(block) - p);
    /* What is left behind by growth at an end stays as it is; the others get room to grow. */
    bool is_left_final = left + 1 == block->head.count;
    struct block *right = block_create(left == 1 && !is_left_final ? size : size + size / 8);
    right->begin = 0;
    right->end = (uint16_t)size;
    right->head.count = (uint16_t)(block->head.count - left);
    memcpy(right->data, p, size);
    block->end = (uint16_t)(block->end - size);
    block->head.count = (uint16_t)left;
    if (block->mark.index > left) {
        block->mark = (struct block_mark){0};
    }
    tree->bytes += tree_node_size(&right->head);
    size_t used = block_used(block);
    block_fit(link, is_left_final ? used : used + used / 8, &tree->bytes);
    return &right->head;
}

static struct tree_node *split_branch(struct tree *tree, struct branch *branch, uint32_t left)
{
    struct branch *right = branch_create();
    right->head.count = (uint16_t)(branch->head.count - left);
    memcpy(right->children, branch->children + left, right->head.count * sizeof(struct child));
    branch->head.count = (uint16_t)left;
    tree->bytes += tree_node_size(&right->head);
    return &right->head;
}

/* A root above the old one. */
static void grow_root(struct tree *tree)
{
    struct branch *root = branch_create();
    branch_insert(root, 0, tree->root, tree->is_keyed);
    tree->bytes += tree_node_size(&root->head);
    tree->root = &root->head;
}

static bool is_full(const struct tree_node *node)
{
    if (!node->is_block) {
        return node->count == BRANCH_CHILDREN;
    }
    return node->count > 1 &&
           (node->count > BLOCK_RECORDS || block_used(as_block(node)) > BLOCK_BYTES);
}

/* Is the path's node at that level the first, or the last, of its level? */
static bool is_at_edge(const struct path *path, uint32_t level, bool last)
{
    for (uint32_t i = 0; i < level; i++) {
        uint32_t edge = last ? path_branch(path, i)->head.count - 1U : 0;
        if (path->slots[i] != edge) {
            return false;
        }
    }
    return true;
}

/* Splits full nodes from the block upwards. changed: index of what was added to the block. */
static void split_upwards(struct tree *tree, struct path *path, uint32_t changed)
{
    uint32_t level = path->depth;
    while (is_full(*path->links[level])) {
        struct tree_node **link = path->links[level];
        uint32_t left = split_point((*link)->count, changed, is_at_edge(path, level, false),
                                    is_at_edge(path, level, true));
        if (level == 0) {
            grow_root(tree);
            link = &as_branch(tree->root)->children[0].node;
        }
        struct branch *above = level == 0 ? as_branch(tree->root) : path_branch(path, level - 1);
        uint32_t slot = level == 0 ? 0 : path->slots[level - 1];
        struct tree_node *right = (*link)->is_block ? split_block(tree, link, left)
                                                    : split_branch(tree, as_branch(*link), left);
        branch_insert(above, slot + 1, right, tree->is_keyed);
        above->children[slot].count -= above->children[slot + 1].count;
        if (level == 0) {
            return;
        }
        changed = slot + 1 == above->head.count - 1U ? slot + 1 : slot;
        level--;
    }
}

/* ---- Adding ---- */

static void make_root(struct tree *tree)
{
    if (tree->root == NULL) {
        struct block *block = block_create(0);
        tree->root = &block->head;
        tree->bytes = tree_node_size(tree->root);
    }
}

/* Puts a record before the index-th of the path's block. */
static void insert_at(struct tree *tree, struct path *path, uint32_t index,
                      const struct tree_record *record)
{
    struct tree_node **link = path->links[path->depth];
    const unsigned char *p = block_record(as_block(*link), index, tree->is_keyed);
    size_t size = record_bytes(&record->item, tree->is_keyed);
    const struct block_mark mark = as_block(*link)->mark;
    unsigned char *out = block_open(link, p, size, &tree->bytes);
    if (index < mark.index) {
        as_block(*link)->mark =
            (struct block_mark){(uint16_t)(mark.index + 1), (uint16_t)(mark.at + size)};
    }
    if (tree->is_keyed) {
        memcpy(out, &record->key, sizeof(record->key));
        out += sizeof(record->key);
    }
    (void)item_pack(&record->item, out);
    item_acquire(&record->item);
    (*link)->count++;
    tree->count++;
    path_count(path, 1);
    split_upwards(tree, path, index);
}

uint64_t tree_add(struct tree *tree, const struct tree_record *record)
{
    struct path path;
    make_root(tree);
    own_key(tree, record->key, &record->item, &path);
    const struct block *block = as_block(*path.links[path.depth]);
    const unsigned char *p = block_begin(block);
    uint32_t index = 0;
    while (index < block->head.count && record_compare(p, record->key, &record->item) < 0) {
        p = record_next(p, /* is_keyed= */ true);
        index++;
    }
    uint64_t rank = path.rank + index;
    insert_at(tree, &path, index, record);
    return rank;
}

void tree_insert(struct tree *tree, uint64_t rank, const struct tree_record *record)
{
    struct path path;
    check(rank <= tree->count);
    if (tree->is_keyed && rank < tree->count) {
        /* Its place is where searches will look for it. */
        (void)tree_add(tree, record);
        return;
    }
    make_root(tree);
    uint32_t index = own_rank(tree, rank, &path);
    insert_at(tree, &path, index, record);
}

void tree_replace(struct tree *tree, uint64_t rank, const struct item *item)
{
    struct path path;
    struct item old;
    check(rank < tree->count);
    uint32_t index = own_rank(tree, rank, &path);
    struct tree_node **link = path.links[path.depth];
    unsigned char *p =
        (unsigned char *)(uintptr_t)block_record(as_block(*link), index, tree->is_keyed);
    p += tree->is_keyed ? sizeof(uint64_t) : 0;
    size_t at = (size_t)(p - block_begin(as_block(*link)));
    size_t old_size = item_span(p);
    size_t size = item_packed_size(item);
    (void)item_read(p, &old);
    item_acquire(item);
    item_release(&old);
    if (size < old_size) {
        block_close(as_block(*link), p, old_size - size);
    } else if (size > old_size) {
        (void)block_open(link, p, size - old_size, &tree->bytes);
    }
    (void)item_pack(item, block_begin(as_block(*link)) + at);
    split_upwards(tree, &path, index);
}

/* ---- Removing ---- */

static bool fits_together(const struct tree_node *a, const struct tree_node *b)
{
    if (a->is_block) {
        return block_used(as_block(a)) + block_used(as_block(b)) <= BLOCK_MERGE_BYTES &&
               a->count + b->count <= BLOCK_MERGE_RECORDS;
    }
    return a->count + b->count <= BRANCH_MERGE_CHILDREN;
}

/* The child at slot + 1 goes into the one at slot. */
static void merge_children(struct tree *tree, struct branch *branch, uint32_t slot)
{
    struct tree_node **left = &branch->children[slot].node;
    struct tree_node **right = &branch->children[slot + 1].node;
    tree_node_own(left, tree->is_keyed);
    tree_node_own(right, tree->is_keyed);
    if ((*left)->is_block) {
        const struct block *from = as_block(*right);
        size_t size = block_used(from);
        unsigned char *gap = block_open(left, block_end(as_block(*left)), size, &tree->bytes);
        memcpy(gap, block_begin(from), size);
    } else {
        struct child *moved = as_branch(*left)->children + (*left)->count;
        memcpy(moved, as_branch(*right)->children, (*right)->count * sizeof(struct child));
        /* The key of a first child is never looked at and may be too high. */
        moved->key = tree->is_keyed ? record_key(tree_node_first(moved->node)) : 0;
    }
    (*left)->count = (uint16_t)((*left)->count + (*right)->count);
    branch->children[slot].count += branch->children[slot + 1].count;
    tree->bytes -= tree_node_size(*right);
    tree_node_free(*right);
    branch_remove(branch, slot + 1);
}

/* Drops an empty child of the path, or merges a small one with a neighbour. */
static void tidy_child(struct tree *tree, const struct path *path, uint32_t level)
{
    struct branch *branch = path_branch(path, level);
    uint32_t slot = path->slots[level];
    struct tree_node *child = branch->children[slot].node;
    if (child->count == 0) {
        tree->bytes -= tree_node_size(child);
        tree_node_free(child);
        branch_remove(branch, slot);
    } else if (slot > 0 && fits_together(branch->children[slot - 1].node, child)) {
        merge_children(tree, branch, slot - 1);
    } else if (slot + 1U < branch->head.count &&
               fits_together(child, branch->children[slot + 1].node)) {
        merge_children(tree, branch, slot);
    }
}

/* A root of one child is none. */
static void shrink_root(struct tree *tree)
{
    while (tree->root != NULL && !tree->root->is_block && tree->root->count == 1) {
        tree_node_own(&tree->root, tree->is_keyed);
        struct tree_node *root = tree->root;
        tree->root = as_branch(root)->children[0].node;
        tree->bytes -= tree_node_size(root);
        tree_node_free(root);
    }
    if (tree->count == 0) {
        tree_clear(tree);
    }
}

static void remove_at(struct tree *tree, struct path *path, uint32_t index)
{
    struct tree_node **link = path->links[path->depth];
    struct block *block = as_block(*link);
    struct tree_record old;
    unsigned char *p = block_reach(block, index, tree->is_keyed);
    size_t size = (size_t)(record_view(p, tree->is_keyed, &old) - p);
    const struct block_mark mark = block->mark;
    item_release(&old.item);
    block_close(block, p, size);
    if (index < mark.index) {
        block->mark = (struct block_mark){(uint16_t)(mark.index - 1), (uint16_t)(mark.at - size)};
    }
    block->head.count--;
    tree->count--;
    path_count(path, -1);
    block_trim(link, &tree->bytes);
    for (uint32_t level = path->depth; level > 0; level--) {
        tidy_child(tree, path, level - 1);
    }
    shrink_root(tree);
}

void tree_remove(struct tree *tree, uint64_t rank)
{
    struct path path;
    check(rank < tree->count);
    uint32_t index = own_rank(tree, rank, &path);
    remove_at(tree, &path, index);
}

bool tree_drop(struct tree *tree, uint64_t key, const struct item *item)
{
    struct path path;
    uint64_t rank;
    /* Looked for first when it may be shared: nothing is copied in vain. */
    if (tree->root == NULL || (node_is_shared(tree->root) && !tree_find(tree, key, item, &rank))) {
        return false;
    }
    own_key(tree, key, item, &path);
    const struct block *block = as_block(*path.links[path.depth]);
    const unsigned char *p = block_begin(block);
    for (uint32_t i = 0; i < block->head.count; i++) {
        int order = record_compare(p, key, item);
        if (order == 0) {
            remove_at(tree, &path, i);
            return true;
        }
        if (order > 0) {
            return false;
        }
        p = record_next(p, /* is_keyed= */ true);
    }
    return false;
}
