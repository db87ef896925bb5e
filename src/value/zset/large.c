/* Large sorted sets: a tree for order and ranks, a map from members to scores. */
#include "forms.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

static struct collection *large_create(const struct hash_secret *secret)
{
    struct collection *zset = mem_alloc(sizeof(*zset) + sizeof(struct zset_large));
    *zset = (struct collection){.type = VALUE_ZSET, .encoding = ENCODING_SKIPLIST, .is_large = 1};
    atomic_init(&zset->refs, 1);
    tree_init(&zset_large_of(zset)->tree, /* is_keyed= */ true);
    map_init(&zset_large_of(zset)->scores, MAP_WORDS, secret);
    return zset;
}

void zset_to_large(struct collection **zset, const struct value_limits *limits)
{
    struct collection *old = *zset;
    struct collection *fresh = large_create(limits->secret);
    struct zset_large *large = zset_large_of(fresh);
    const unsigned char *p = old->pack;
    while (p < small_end(old)) {
        struct element element;
        p = pair_read(p, &element);
        uint64_t key = score_key(element.score);
        tree_insert(&large->tree, large->tree.count,
                    &(struct tree_record){.key = key, .item = element.member});
        (void)map_put(&large->scores, &(struct map_record){.name = element.member, .word = key});
    }
    collection_release(old);
    *zset = fresh;
}

enum zset_change large_put(struct collection *zset, const struct item *member, double score)
{
    struct zset_large *large = zset_large_of(zset);
    struct item_needle needle;
    struct map_record old;
    uint64_t key = score_key(score);
    item_needle_of(&needle, member);
    if (!map_find(&large->scores, &needle, &old)) {
        (void)map_put(&large->scores, &(struct map_record){.name = *member, .word = key});
        (void)tree_add(&large->tree, &(struct tree_record){.key = key, .item = *member});
        return ZSET_ADDED;
    }
    if (score_of_key(old.word) == score) {
        return ZSET_SAME;
    }
    /* What is stored is kept: it has its blob. */
    struct item stored = old.name;
    item_acquire(&stored);
    check(tree_drop(&large->tree, old.word, &needle.item));
    check(map_set_word(&large->scores, &needle, key));
    if (stored.blob != NULL) {
        needle.item = stored;
    }
    (void)tree_add(&large->tree, &(struct tree_record){.key = key, .item = needle.item});
    if (stored.blob != NULL) {
        item_release(&stored);
    }
    return ZSET_MOVED;
}

bool large_remove(struct collection *zset, const struct item_needle *member)
{
    struct zset_large *large = zset_large_of(zset);
    struct map_record old;
    if (!map_find(&large->scores, member, &old)) {
        return false;
    }
    uint64_t key = old.word;
    check(tree_drop(&large->tree, key, &member->item));
    check(map_remove(&large->scores, member));
    return true;
}

/* ---- For collection.c ---- */

static struct collection *copy(const struct collection *zset)
{
    const struct zset_large *from = zset_large_of(zset);
    struct collection *fresh = large_create(from->scores.secret);
    tree_copy(&from->tree, &zset_large_of(fresh)->tree);
    map_copy(&from->scores, &zset_large_of(fresh)->scores);
    return fresh;
}

static void release(struct collection *zset)
{
    tree_clear(&zset_large_of(zset)->tree);
    map_clear(&zset_large_of(zset)->scores);
    mem_free(zset);
}

static uint64_t count(const struct collection *zset)
{
    return zset_large_of(zset)->tree.count;
}

static size_t memory(const struct collection *zset)
{
    return zset_large_of(zset)->tree.bytes + zset_large_of(zset)->scores.bytes;
}

/* Pairs whose places are noted at a time, on the way back through a small one. */
#define WINDOW TREE_BLOCK_RECORDS

static void cursor_begin(struct collection_cursor *cursor, const struct cursor_start *start)
{
    const struct collection *zset = cursor->collection;
    if (zset->is_large) {
        const struct tree *tree = &zset_large_of(zset)->tree;
        tree_cursor_at(tree, start->is_reverse ? tree->count - start->rank : start->rank,
                       &cursor->in.tree);
        return;
    }
    cursor->left = zset->count - start->rank;
    if (start->is_reverse) {
        cursor->in.tree.is_indexed = false;
    } else {
        cursor->at = pack_seek(zset->pack, start->rank * 2);
    }
}

/* The pair before those that are done: found from places that are noted, a window at a time. */
static const unsigned char *pair_back(struct collection_cursor *cursor)
{
    const struct collection *zset = cursor->collection;
    struct tree_cursor *window = &cursor->in.tree;
    uint32_t rank = (uint32_t)cursor->left - 1;
    if (!window->is_indexed || rank < window->record) {
        window->record = (uint16_t)(rank - rank % WINDOW);
        window->is_indexed = true;
        const unsigned char *p = pack_seek(zset->pack, (uint64_t)window->record * 2);
        for (uint32_t i = window->record; i <= rank; i++) {
            window->offsets[i - window->record] = (uint16_t)(p - zset->pack);
            p = pack_seek(p, 2);
        }
    }
    return zset->pack + window->offsets[rank - window->record];
}

static bool cursor_next(struct collection_cursor *cursor, struct element *ret_element)
{
    if (cursor->collection->is_large) {
        struct tree_record record;
        bool is_there = cursor->is_reverse ? tree_previous(&cursor->in.tree, &record)
                                           : tree_next(&cursor->in.tree, &record);
        if (is_there) {
            ret_element->member = record.item;
            ret_element->value = (struct item){0};
            ret_element->score = score_of_key(record.key);
        }
        return is_there;
    }
    if (cursor->left == 0) {
        return false;
    }
    if (cursor->is_reverse) {
        (void)pair_read(pair_back(cursor), ret_element);
    } else {
        cursor->at = pair_read(cursor->at, ret_element);
    }
    cursor->left--;
    return true;
}

const struct collection_methods zset_methods = {
    .copy = copy,
    .free = release,
    .count = count,
    .memory = memory,
    .cursor_begin = cursor_begin,
    .cursor_next = cursor_next,
};
