/* The tree by hand: what is empty, full, one record, at the bounds; shapes after growth at the ends
 * and in random order; versions. The model test does the rest. */
#include "pollard/base/mem.h"
#include "pollard/ds/tree.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#define MANY 20000
#define TEXT_SIZE 15

static struct item text_item(char *out, uint64_t number)
{
    return item_of(bytes_make(out, (size_t)sprintf(out, "text:%010" PRIu64, number)));
}

/* Every number below MANY once, in no order. */
static uint64_t scramble(uint64_t number)
{
    return number * 7919 % MANY;
}

static void append(struct tree *tree, uint64_t key, uint64_t number)
{
    char text[32];
    struct tree_record record = {.key = key, .item = text_item(text, number)};
    tree_insert(tree, tree->count, &record);
}

static void expect_number(const struct tree *tree, uint64_t rank, uint64_t number)
{
    char text[32];
    struct tree_record record;
    struct item item = text_item(text, number);
    tree_get(tree, rank, &record);
    cr_assert(item_equal(&record.item, &item));
}

static double fill_of(const struct tree *tree)
{
    size_t record = TEXT_SIZE + 1 + (tree->is_keyed ? sizeof(uint64_t) : 0);
    return (double)(tree->count * record) / (double)tree->bytes;
}

Test(tree, empty_is_empty)
{
    struct tree tree;
    struct tree cut;
    struct tree_cursor cursor;
    struct tree_record record;
    struct item item = item_of_integer(1);
    uint64_t rank = 9;
    tree_init(&tree, true);
    tree_verify(&tree);
    cr_assert_eq(tree.count, 0);
    cr_assert_eq(tree.bytes, 0);
    cr_assert(!tree_find(&tree, 1, &item, &rank));
    cr_assert_eq(rank, 0);
    cr_assert_eq(tree_rank(&tree, 1, &item, true), 0);
    cr_assert_eq(tree_rank_key(&tree, 1, true), 0);
    cr_assert(!tree_drop(&tree, 1, &item));
    tree_cursor_at(&tree, 0, &cursor);
    cr_assert(!tree_next(&cursor, &record));
    cr_assert(!tree_previous(&cursor, &record));
    tree_cut(&tree, 0, 0, &cut);
    cr_assert_eq(cut.count, 0);
    tree_clear(&cut);
    tree_clear(&tree);
}

Test(tree, one_record_comes_and_goes)
{
    struct tree tree;
    struct tree_record record = {.key = 7, .item = item_of_integer(42)};
    mem_thread_begin();
    size_t used = mem_used();
    tree_init(&tree, true);
    cr_assert_eq(tree_add(&tree, &record), 0);
    tree_verify(&tree);
    cr_assert_gt(tree.bytes, 0);
    cr_assert(!tree_drop(&tree, 8, &record.item));
    cr_assert(tree_drop(&tree, 7, &record.item));
    tree_verify(&tree);
    cr_assert_eq(tree.bytes, 0);
    cr_assert_leq(mem_used(), used);
    mem_thread_end();
}

Test(tree, appended_records_fill_blocks)
{
    for (int is_keyed = 0; is_keyed < 2; is_keyed++) {
        struct tree tree;
        tree_init(&tree, is_keyed != 0);
        for (uint64_t i = 0; i < MANY; i++) {
            append(&tree, is_keyed ? i / 10 : 0, i);
        }
        tree_verify(&tree);
        cr_assert_gt(fill_of(&tree), 0.9, "%f", fill_of(&tree));
        for (uint64_t i = 0; i < MANY; i += 37) {
            expect_number(&tree, i, i);
        }
        tree_clear(&tree);
    }
}

Test(tree, prepended_records_fill_blocks)
{
    struct tree tree;
    tree_init(&tree, false);
    for (uint64_t i = 0; i < MANY; i++) {
        char text[32];
        struct tree_record record = {.item = text_item(text, i)};
        tree_insert(&tree, 0, &record);
    }
    tree_verify(&tree);
    cr_assert_gt(fill_of(&tree), 0.9, "%f", fill_of(&tree));
    for (uint64_t i = 0; i < MANY; i += 37) {
        expect_number(&tree, i, MANY - 1 - i);
    }
    tree_clear(&tree);
}

Test(tree, random_order_wastes_little)
{
    struct tree tree;
    tree_init(&tree, true);
    for (uint64_t i = 0; i < MANY; i++) {
        char text[32];
        struct tree_record record = {.key = scramble(i), .item = text_item(text, scramble(i))};
        (void)tree_add(&tree, &record);
    }
    tree_verify(&tree);
    cr_assert_gt(fill_of(&tree), 0.75, "%f", fill_of(&tree));
    for (uint64_t i = 0; i < MANY; i += 37) {
        expect_number(&tree, i, i);
        cr_assert_eq(tree_rank_key(&tree, i, false), i);
        cr_assert_eq(tree_rank_key(&tree, i, true), i + 1);
    }
    tree_clear(&tree);
}

Test(tree, bytes_are_what_is_held)
{
    struct tree tree;
    mem_thread_begin();
    size_t used = mem_used();
    tree_init(&tree, true);
    for (uint64_t i = 0; i < MANY; i++) {
        char text[32];
        struct tree_record record = {.key = scramble(i), .item = text_item(text, i)};
        (void)tree_add(&tree, &record);
    }
    /* Branches count as asked for; the allocator gives them a little more. */
    size_t held = mem_used() - used;
    cr_assert_leq(tree.bytes, held);
    cr_assert_gt(tree.bytes, held - held / 50);
    for (uint64_t i = 0; i < MANY; i++) {
        tree_remove(&tree, scramble(i) % tree.count);
    }
    tree_verify(&tree);
    cr_assert_eq(tree.bytes, 0);
    mem_thread_end();
}

Test(tree, both_zeroes_are_one_key)
{
    struct tree tree;
    struct tree_record low = {.key = INT64_MAX, .item = item_of_integer(2)};
    struct tree_record high = {.key = (uint64_t)INT64_MAX + 1, .item = item_of_integer(1)};
    uint64_t rank;
    tree_init(&tree, true);
    cr_assert_eq(tree_add(&tree, &low), 0);
    cr_assert_eq(tree_add(&tree, &high), 0);
    tree_verify(&tree);
    cr_assert_eq(tree_rank_key(&tree, INT64_MAX, false), 0);
    cr_assert_eq(tree_rank_key(&tree, INT64_MAX, true), 2);
    cr_assert(tree_find(&tree, (uint64_t)INT64_MAX + 1, &low.item, &rank));
    cr_assert_eq(rank, 1);
    cr_assert(tree_drop(&tree, INT64_MAX, &high.item));
    cr_assert_eq(tree.count, 1);
    tree_clear(&tree);
}

/* The largest items, and the smallest, in the same blocks. */
Test(tree, sizes_mix)
{
    static unsigned char text[ITEM_EMBED_MAX + 1];
    static const size_t sizes[] = {0, 1, 127, 128, ITEM_EMBED_MAX, ITEM_EMBED_MAX + 1};
    struct tree tree;
    memset(text, 'x', sizeof(text));
    tree_init(&tree, false);
    for (uint64_t i = 0; i < 3000; i++) {
        struct tree_record record;
        size_t size = sizes[i * i % 6];
        cr_assert_eq(item_make(bytes_make(text, size), NULL, &record.item), STATUS_OK);
        record.key = 0;
        tree_insert(&tree, i * 31 % (tree.count + 1), &record);
        if (i % 3 == 0) {
            tree_replace(&tree, i * 17 % tree.count, &record.item);
        }
        item_unmake(&record.item);
    }
    tree_verify(&tree);
    cr_assert_eq(tree.count, 3000);
    while (tree.count > 0) {
        tree_remove(&tree, tree.count / 2);
    }
    tree_verify(&tree);
}

Test(tree, a_version_stays_as_it_was)
{
    struct tree tree;
    struct tree version;
    struct tree cut;
    tree_init(&tree, false);
    for (uint64_t i = 0; i < MANY; i++) {
        append(&tree, 0, i);
    }
    tree_copy(&tree, &version);
    tree_cut(&tree, 100, MANY - 200, &cut);
    tree_verify(&tree);
    tree_verify(&cut);
    cr_assert_eq(tree.count, 200);
    expect_number(&tree, 99, 99);
    expect_number(&tree, 100, MANY - 100);
    expect_number(&cut, 0, 100);
    tree_clear(&cut);
    while (tree.count > 0) {
        tree_remove(&tree, 0);
    }
    tree_verify(&version);
    cr_assert_eq(version.count, MANY);
    for (uint64_t i = 0; i < MANY; i += 41) {
        expect_number(&version, i, i);
    }
    tree_clear(&version);
}
