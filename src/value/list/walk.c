/* Lists as collections: walks from either end, copies, figures (list_methods). */
#include "form.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

static struct collection *copy(const struct collection *list)
{
    struct collection *version = list_create_large();
    version->encoding = list->encoding;
    list_body(version)->cost = list_body(list)->cost;
    tree_copy(&list_body(list)->tree, &list_body(version)->tree);
    return version;
}

static void free_large(struct collection *list)
{
    tree_clear(&list_body(list)->tree);
    mem_free(list);
}

static uint64_t count_large(const struct collection *list)
{
    return list_body(list)->tree.count;
}

static size_t memory_large(const struct collection *list)
{
    return (size_t)list_body(list)->tree.bytes;
}

/* Where each of a small list's items begins: packs are read forwards only. */
static void note_offsets(struct collection_cursor *cursor, const struct collection *list)
{
    const unsigned char *at = list->pack;
    for (uint32_t i = 0; i < list->count; i++) {
        cursor->in.offsets[i] = (uint16_t)(at - list->pack);
        at += item_span(at);
    }
}

static void cursor_begin(struct collection_cursor *cursor, const struct cursor_start *start)
{
    const struct collection *list = cursor->collection;
    uint64_t count = collection_count(list);
    debug_check(start->rank <= count);
    cursor->left = count - start->rank;
    if (list->is_large) {
        uint64_t rank = start->is_reverse ? cursor->left : start->rank;
        tree_cursor_at(&list_body(list)->tree, rank, &cursor->in.tree);
    } else if (start->is_reverse) {
        note_offsets(cursor, list);
    } else {
        cursor->at = pack_seek(list->pack, start->rank);
    }
}

static bool cursor_next(struct collection_cursor *cursor, struct element *ret_element)
{
    if (UNLIKELY(cursor->left == 0)) {
        return false;
    }
    cursor->left--;
    const struct collection *list = cursor->collection;
    if (!list->is_large) {
        if (cursor->is_reverse) {
            cursor->at = list->pack + cursor->in.offsets[cursor->left];
        }
        cursor->at = item_read(cursor->at, &ret_element->member);
        return true;
    }
    struct tree_record record;
    bool is_there = cursor->is_reverse ? tree_previous(&cursor->in.tree, &record)
                                       : tree_next(&cursor->in.tree, &record);
    check(is_there);
    ret_element->member = record.item;
    return true;
}

const struct collection_methods list_methods = {
    .copy = copy,
    .free = free_large,
    .count = count_large,
    .memory = memory_large,
    .cursor_begin = cursor_begin,
    .cursor_next = cursor_next,
};
