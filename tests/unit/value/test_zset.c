/* Tests of sorted sets: random operations against a sorted array, in both forms, with versions
 * taken and dropped in between, and walks from either end of small ones of any size. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/value/zset.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMBERS 600
#define VERSIONS 4
#define STEPS 100000
#define STEPS_LONG 5000000

struct pair {
    double score;
    char member[32];
};

struct model {
    struct pair pairs[MEMBERS];
    uint64_t count;
};

static struct value_options options;
static struct hash_secret secret;
static const struct value_limits limits = {.options = &options, .secret = &secret};

static void begin(void)
{
    thread_adopt();
    hash_secret_fixed(&secret, 20261123);
    option_put(&options.zset_max_listpack_entries, 128);
    option_put(&options.zset_max_listpack_value, 64);
}

TestSuite(zset, .init = begin, .fini = thread_release);

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static int compare(const void *a, const void *b)
{
    const struct pair *left = a;
    const struct pair *right = b;
    if (left->score != right->score) {
        return left->score < right->score ? -1 : 1;
    }
    return strcmp(left->member, right->member);
}

static uint64_t find(const struct model *model, const char *member)
{
    uint64_t i = 0;
    while (i < model->count && strcmp(model->pairs[i].member, member) != 0) {
        i++;
    }
    return i;
}

static void put(struct model *model, const char *member, double score)
{
    uint64_t i = find(model, member);
    if (i == model->count) {
        snprintf(model->pairs[i].member, sizeof(model->pairs[i].member), "%s", member);
        model->count++;
    }
    model->pairs[i].score = score;
    qsort(model->pairs, model->count, sizeof(struct pair), compare);
}

static void drop(struct model *model, uint64_t first, uint64_t count)
{
    memmove(model->pairs + first, model->pairs + first + count,
            (model->count - first - count) * sizeof(struct pair));
    model->count -= count;
}

static void check_same(const struct collection *zset, const struct model *model, bool is_reverse)
{
    struct collection_cursor cursor;
    struct element element;
    unsigned char scratch[ITEM_SCRATCH];
    cr_assert_eq(collection_count(zset), model->count);
    collection_cursor_begin(&cursor, zset, &(struct cursor_start){.is_reverse = is_reverse});
    for (uint64_t i = 0; i < model->count; i++) {
        const struct pair *pair = &model->pairs[is_reverse ? model->count - 1 - i : i];
        cr_assert(collection_cursor_next(&cursor, &element));
        cr_assert(bytes_equal(item_text(&element.member, scratch), bytes_text(pair->member)));
        cr_assert_eq(element.score, pair->score);
    }
    cr_assert_not(collection_cursor_next(&cursor, &element));
}

/* Everything that is told of one member and one score. */
static void check_reads(const struct collection *zset, const struct model *model,
                        const char *member, double score)
{
    struct item_needle needle;
    uint64_t rank;
    double found;
    uint64_t at = find(model, member);
    uint64_t below = 0;
    uint64_t upto = 0;
    item_needle_init(&needle, bytes_text(member));
    cr_assert_eq(zset_rank(zset, &needle, &rank, &found), at < model->count);
    if (at < model->count) {
        cr_assert_eq(rank, at);
        cr_assert_eq(found, model->pairs[at].score);
    }
    for (uint64_t i = 0; i < model->count; i++) {
        below += model->pairs[i].score < score;
        upto += model->pairs[i].score <= score;
    }
    cr_assert_eq(zset_rank_of_score(zset, score, false), below);
    cr_assert_eq(zset_rank_of_score(zset, score, true), upto);
}

static void change(struct collection **zset, struct model *model, uint64_t *state)
{
    char member[32];
    uint64_t number = next_random(state) % (MEMBERS - 50);
    double score = (double)(next_random(state) % 40) / 4 - 3;
    snprintf(member, sizeof(member), number % 3 == 0 ? "%u" : "member:%u", (unsigned)number);
    struct item item = item_of(bytes_text(member));
    struct item_needle needle;
    item_needle_init(&needle, bytes_text(member));
    bool is_there = find(model, member) < model->count;
    uint64_t what = next_random(state) % 100;
    if (what < 55) {
        enum zset_change change = zset_put(zset, &limits, &item, score);
        cr_assert_eq(change == ZSET_ADDED, !is_there);
        put(model, member, score);
    } else if (what < 97) {
        cr_assert_eq(zset_remove(zset, &needle), is_there);
        if (is_there) {
            drop(model, find(model, member), 1);
        }
    } else if (model->count > 0) {
        uint64_t first = next_random(state) % model->count;
        uint64_t count = next_random(state) % (model->count - first + 1);
        count = what == 99 ? count : count % 10;
        zset_remove_range(zset, first, count);
        drop(model, first, count);
    }
    check_reads(*zset, model, member, score);
}

static uint64_t steps(void)
{
    const char *is_long = getenv("POLLARD_LONG");
    return is_long != NULL && strcmp(is_long, "1") == 0 ? STEPS_LONG : STEPS;
}

static void play(int64_t most, uint64_t seed)
{
    static struct model model;
    static struct model versions[VERSIONS];
    struct collection *held[VERSIONS] = {NULL};
    uint64_t used = mem_used();
    uint64_t state = seed;
    model.count = 0;
    option_put(&options.zset_max_listpack_entries, most);
    struct collection *zset = zset_create();
    for (uint64_t step = 0; step < steps(); step++) {
        collection_own(&zset);
        change(&zset, &model, &state);
        if (step % 211 != 0) {
            continue;
        }
        uint64_t slot = next_random(&state) % VERSIONS;
        if (held[slot] != NULL) {
            check_same(held[slot], &versions[slot], step % 2 == 0);
            collection_release(held[slot]);
        }
        held[slot] = collection_acquire(zset);
        versions[slot] = model;
        check_same(zset, &model, step % 2 != 0);
    }
    for (uint32_t i = 0; i < VERSIONS; i++) {
        collection_release(held[i]);
    }
    collection_release(zset);
    cr_assert_eq(mem_used(), used, "all memory came back");
}

Test(zset, small_ones_against_a_model, .timeout = 280)
{
    play(/* most= */ 8192, 1);
}

Test(zset, large_ones_against_a_model, .timeout = 280)
{
    play(/* most= */ 20, 2);
}

Test(zset, scores_and_zeroes)
{
    static const double scores[] = {
        0, 1, -1, 0.5, 1e300, -1e-300, 9007199254740993.0, __builtin_inf(), -__builtin_inf()};
    for (int64_t most = 0; most <= 128; most += 128) {
        option_put(&options.zset_max_listpack_entries, most);
        struct collection *zset = zset_create();
        for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
            struct item item = item_of_integer((int64_t)i);
            struct item_needle needle;
            double found;
            cr_assert_eq(zset_put(&zset, &limits, &item, scores[i]), ZSET_ADDED);
            cr_assert_eq(zset_put(&zset, &limits, &item, scores[i]), ZSET_SAME);
            item_needle_of(&needle, &item);
            cr_assert(zset_score(zset, &needle, &found));
            cr_assert_eq(found, scores[i]);
        }
        struct item zero = item_of_integer(0);
        cr_assert_eq(zset_put(&zset, &limits, &zero, -0.0), ZSET_SAME, "the zeroes are equal");
        cr_assert_eq(zset_rank_of_score(zset, -0.0, false), zset_rank_of_score(zset, 0, false));
        collection_release(zset);
    }
}
