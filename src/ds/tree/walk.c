/* Cursors over trees, both ways. */
#include "pollard/base/check.h"
#include "tree_node.h"

static const struct block *cursor_block(const struct tree_cursor *cursor)
{
    return as_block(cursor->nodes[cursor->depth]);
}

/* The block under the cursor was just entered: places of its records are not known yet. */
static void enter_block(struct tree_cursor *cursor, const struct tree_node *node, uint32_t record)
{
    cursor->nodes[cursor->depth] = node;
    cursor->record = (uint16_t)record;
    cursor->is_indexed = false;
}

void tree_cursor_at(const struct tree *tree, uint64_t rank, struct tree_cursor *ret_cursor)
{
    const struct tree_node *node = tree->root;
    check(rank <= tree->count);
    ret_cursor->tree = tree;
    ret_cursor->depth = 0;
    if (node == NULL) {
        ret_cursor->nodes[0] = NULL;
        return;
    }
    uint64_t count = tree->count;
    while (!node->is_block) {
        uint32_t slot = branch_seek(as_branch(node), &rank, &count);
        ret_cursor->nodes[ret_cursor->depth] = node;
        ret_cursor->slots[ret_cursor->depth] = (uint16_t)slot;
        ret_cursor->depth++;
        node = as_branch(node)->children[slot].node;
    }
    enter_block(ret_cursor, node, (uint32_t)rank);
    ret_cursor->at = block_record(as_block(node), (uint32_t)rank, tree->is_keyed);
}

/* To the next (step 1) or previous (-1) block; false when there is none, and the cursor stays. */
static bool step_block(struct tree_cursor *cursor, int step)
{
    uint32_t level = cursor->depth;
    do {
        if (level == 0) {
            return false;
        }
        level--;
    } while (step > 0 ? cursor->slots[level] + 1U >= cursor->nodes[level]->count
                      : cursor->slots[level] == 0);
    cursor->slots[level] = (uint16_t)(cursor->slots[level] + step);
    const struct tree_node *node =
        as_branch(cursor->nodes[level])->children[cursor->slots[level]].node;
    while (!node->is_block) {
        level++;
        cursor->nodes[level] = node;
        cursor->slots[level] = (uint16_t)(step > 0 ? 0 : node->count - 1);
        node = as_branch(node)->children[cursor->slots[level]].node;
    }
    enter_block(cursor, node, step > 0 ? 0 : node->count);
    cursor->at = step > 0 ? block_begin(as_block(node)) : block_end(as_block(node));
    return true;
}

bool tree_next(struct tree_cursor *cursor, struct tree_record *ret_record)
{
    if (UNLIKELY(cursor->nodes[cursor->depth] == NULL)) {
        return false;
    }
    if (UNLIKELY(cursor->record >= cursor_block(cursor)->head.count) && !step_block(cursor, 1)) {
        return false;
    }
    cursor->at = record_view(cursor->at, cursor->tree->is_keyed, ret_record);
    cursor->record++;
    return true;
}

/* Notes where each record of the block begins: walking back needs that. */
static void index_block(struct tree_cursor *cursor)
{
    const struct block *block = cursor_block(cursor);
    const unsigned char *p = block_begin(block);
    for (uint32_t i = 0; i < block->head.count; i++) {
        cursor->offsets[i] = (uint16_t)(p - block->data);
        p = record_next(p, cursor->tree->is_keyed);
    }
    cursor->is_indexed = true;
}

bool tree_previous(struct tree_cursor *cursor, struct tree_record *ret_record)
{
    if (UNLIKELY(cursor->nodes[cursor->depth] == NULL)) {
        return false;
    }
    if (UNLIKELY(cursor->record == 0) && !step_block(cursor, -1)) {
        return false;
    }
    if (!cursor->is_indexed) {
        index_block(cursor);
    }
    cursor->record--;
    cursor->at = cursor_block(cursor)->data + cursor->offsets[cursor->record];
    (void)record_view(cursor->at, cursor->tree->is_keyed, ret_record);
    return true;
}
