/* Tests of the sketch of heavy keys: its bounds against exact counts, replacement, fading, merging,
 * and no memory left behind. */
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/ds/topk.h"
#include <criterion/criterion.h>

#define KEYS 2000

static size_t used_before;

static void begin(void)
{
    thread_adopt();
    used_before = mem_used();
}

static void end(void)
{
    cr_assert_eq(mem_used(), used_before, "all memory came back");
    thread_release();
}

TestSuite(topk, .init = begin, .fini = end);

static void add(struct topk *topk, uint32_t number, uint64_t weight)
{
    struct bytes key = bytes_make(&number, sizeof(number));
    topk_add(topk, key, hash_digest(key), weight);
}

static uint32_t number_of(const struct topk_item *item)
{
    uint32_t number;
    cr_assert_eq(item->key.size, sizeof(number));
    memcpy(&number, item->key.data, sizeof(number));
    return number;
}

Test(topk, few_keys_are_exact)
{
    struct topk *topk = topk_create(8);
    struct topk_item best[4];
    for (uint32_t i = 0; i < 8; i++) {
        add(topk, i, 1);
        add(topk, i, i);
    }
    cr_assert_eq(topk_count(topk), 8);
    cr_assert_eq(topk_total(topk), 8 + 28);
    cr_assert_eq(topk_best(topk, best, 4), 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(number_of(&best[i]), 7 - i);
        cr_assert_eq(best[i].weight, 8 - i);
        cr_assert_eq(best[i].error, 0);
    }
    topk_clear(topk);
    cr_assert_eq(topk_count(topk), 0);
    cr_assert_eq(topk_best(topk, best, 4), 0);
    add(topk, 5, 3);
    cr_assert_eq(topk_best(topk, best, 4), 1);
    topk_destroy(&topk);
    cr_assert_null(topk);
    topk_destroy(&topk);
}

Test(topk, one_place)
{
    struct topk *topk = topk_create(1);
    struct topk_item best[2];
    add(topk, 1, 5);
    add(topk, 2, 1);
    cr_assert_eq(topk_best(topk, best, 2), 1);
    cr_assert_eq(number_of(&best[0]), 2);
    cr_assert_eq(best[0].weight, 6);
    cr_assert_eq(best[0].error, 5);
    topk_destroy(&topk);
}

/* Key i is drawn with a chance that falls with i. */
static uint32_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    double u = (double)(*state >> 11) / (double)(UINT64_C(1) << 53);
    return (uint32_t)((double)KEYS * u * u * u * u);
}

static void check_bounds(const struct topk *topk, const uint64_t *exact, uint64_t total)
{
    bool is_held[KEYS] = {false};
    cr_assert_eq(topk_total(topk), total);
    for (uint32_t i = 0; i < topk_count(topk); i++) {
        struct topk_item item = topk_get(topk, i);
        uint32_t number = number_of(&item);
        cr_assert_not(is_held[number], "once");
        is_held[number] = true;
        cr_assert_geq(item.weight, exact[number]);
        cr_assert_leq(item.weight - item.error, exact[number]);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        cr_assert(is_held[i] || exact[i] <= total / topk_capacity(topk));
    }
}

Test(topk, bounds_hold)
{
    static uint64_t exact[KEYS];
    uint64_t random = 20261128;
    uint64_t total = 0;
    struct topk *topk = topk_create(64);
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t number = draw(&random);
        uint64_t weight = 1 + random % 3;
        add(topk, number, weight);
        exact[number] += weight;
        total += weight;
        if (i % 20000 == 0) {
            check_bounds(topk, exact, total);
        }
    }
    check_bounds(topk, exact, total);
    struct topk_item best[8];
    cr_assert_eq(topk_best(topk, best, 8), 8);
    cr_assert_eq(number_of(&best[0]), 0);
    for (uint32_t i = 1; i < 8; i++) {
        cr_assert_leq(best[i].weight - best[i].error, best[i - 1].weight - best[i - 1].error);
    }
    topk_destroy(&topk);
}

Test(topk, offers_keep_the_heavy)
{
    uint64_t random = 20261129;
    struct topk *topk = topk_create(64);
    struct topk_item best[4];
    /* Ten in a hundred are one of four keys; the others are new each time. */
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t number = i % 10 == 0 ? i / 10 % 4 : 1000 + i;
        struct bytes key = bytes_make(&number, sizeof(number));
        random = random * 6364136223846793005U + 1442695040888963407U;
        topk_offer(topk, key, hash_digest(key),
                   (struct topk_offer){.weight = 1, .random = (uint32_t)(random >> 32)});
    }
    cr_assert_eq(topk_total(topk), 200000);
    cr_assert_eq(topk_best(topk, best, 4), 4);
    for (int i = 0; i < 4; i++) {
        cr_assert_lt(number_of(&best[i]), 4);
        uint64_t sure = best[i].weight - best[i].error;
        cr_assert(sure > 4000 && sure <= 5000, "%llu", (unsigned long long)sure);
    }
    topk_destroy(&topk);
}

Test(topk, fades)
{
    struct topk *topk = topk_create(4);
    struct topk_item best[1];
    add(topk, 1, 100);
    for (int i = 0; i < 3; i++) {
        topk_fade(topk);
    }
    add(topk, 2, 20);
    cr_assert_eq(topk_best(topk, best, 1), 1);
    cr_assert_eq(number_of(&best[0]), 2);
    cr_assert_eq(topk_total(topk), 12 + 20);
    topk_destroy(&topk);
}

Test(topk, merges)
{
    struct topk *first = topk_create(16);
    struct topk *second = topk_create(16);
    struct topk *all = topk_create(32);
    struct topk_item best[1];
    for (uint32_t i = 0; i < 16; i++) {
        add(first, i, i + 1);
        add(second, i + 8, i + 1);
    }
    topk_merge(all, first);
    topk_merge(all, second);
    cr_assert_eq(topk_count(all), 24);
    cr_assert_eq(topk_total(all), 2 * 136);
    cr_assert_eq(topk_best(all, best, 1), 1);
    cr_assert_eq(number_of(&best[0]), 15);
    cr_assert_eq(best[0].weight, 16 + 8);
    topk_destroy(&first);
    topk_destroy(&second);
    topk_destroy(&all);
}

Test(topk, long_and_empty_keys)
{
    struct topk *topk = topk_create(2);
    struct topk_item best[2];
    unsigned char *text = mem_alloc_zero(TOPK_KEY_MAX + 2);
    topk_add(topk, bytes_make(text, TOPK_KEY_MAX + 1), 1, 2);
    topk_add(topk, bytes_make(text, TOPK_KEY_MAX + 2), 2, 2);
    cr_assert_eq(topk_count(topk), 2, "told apart by their hashes");
    cr_assert_eq(topk_get(topk, 0).key.size, TOPK_KEY_MAX);
    topk_clear(topk);
    topk_add(topk, bytes_make(NULL, 0), 3, 1);
    cr_assert_eq(topk_best(topk, best, 2), 1);
    cr_assert_eq(best[0].key.size, 0);
    mem_free(text);
    topk_destroy(&topk);
}
