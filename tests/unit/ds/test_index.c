/* Tests of the index of embedded nodes: found, told apart, walked, and no memory left behind. */
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/ds/index.h"
#include <criterion/criterion.h>

#define NODES 5000

struct number {
    struct index_node node; /* first */
    uint32_t value;
    bool is_in;
    uint32_t visits;
};

static struct number numbers[NODES];
static struct index set;

static void begin(void)
{
    thread_adopt();
    memset(numbers, 0, sizeof(numbers));
    for (uint32_t i = 0; i < NODES; i++) {
        numbers[i].value = i;
        /* Three of each hash. */
        uint32_t like = i / 3;
        numbers[i].node.hash = hash_digest(bytes_make(&like, sizeof(like)));
    }
    set = (struct index){0};
}

static void end(void)
{
    thread_release();
}

TestSuite(index, .init = begin, .fini = end);

static struct number *find(uint32_t value)
{
    struct index_node *node = index_find(&set, numbers[value].node.hash);
    while (node != NULL && ((struct number *)node)->value != value) {
        node = index_find_next(node);
    }
    return (struct number *)node;
}

static bool count_visit(struct index_node *node, void *argument)
{
    struct number *number = (struct number *)node;
    number->visits++;
    ++*(size_t *)argument;
    return true;
}

static void expect_all_visited_once(void)
{
    size_t count = 0;
    index_each(&set, count_visit, &count);
    cr_assert_eq(count, set.count);
    for (uint32_t i = 0; i < NODES; i++) {
        cr_assert_eq(numbers[i].visits, numbers[i].is_in ? 1 : 0);
        numbers[i].visits = 0;
    }
}

static void flip(uint32_t value)
{
    struct number *number = &numbers[value];
    if (number->is_in) {
        index_remove(&set, &number->node);
    } else {
        index_insert(&set, &number->node);
    }
    number->is_in = !number->is_in;
    cr_assert_eq(find(value), number->is_in ? number : NULL);
}

Test(index, is_nothing_when_empty)
{
    size_t position = 0;
    cr_assert_null(index_find(&set, 1));
    cr_assert_null(index_any(&set, &position));
    cr_assert_eq(index_memory(&set), 0);
    expect_all_visited_once();
}

Test(index, finds_at_every_size)
{
    size_t used = mem_used();
    for (uint32_t i = 0; i < NODES; i++) {
        flip(i);
        cr_assert_eq(find(i / 2), &numbers[i / 2]);
        if (i % 97 == 0) {
            expect_all_visited_once();
        }
    }
    cr_assert_eq(set.count, NODES);
    for (uint32_t i = 0; i < NODES; i++) {
        cr_assert_eq(find(i), &numbers[i]);
    }
    size_t position = 0;
    struct index_node *node;
    while ((node = index_any(&set, &position)) != NULL) {
        flip(((struct number *)node)->value);
    }
    cr_assert_eq(set.count, 0);
    cr_assert_eq(index_memory(&set), 0);
    cr_assert_eq(mem_used(), used);
}

Test(index, agrees_with_a_model)
{
    uint64_t seed = random_u64();
    uint64_t state = seed | 1;
    for (int i = 0; i < 60000; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        /* In waves, so that it grows and empties again. */
        uint32_t reach = i / 10000 % 2 == 0 ? NODES : 20;
        flip((uint32_t)(state >> 33) % reach);
        if (i % 1009 == 0) {
            expect_all_visited_once();
        }
    }
    cr_assert_leq(set.count, NODES, "seed %llu", (unsigned long long)seed);
}

static bool take_out_one(struct index_node *node, void *argument)
{
    size_t *left = argument;
    flip(((struct number *)node)->value);
    --*left;
    return *left > 0;
}

Test(index, may_lose_what_is_visited)
{
    for (uint32_t i = 0; i < 100; i++) {
        flip(i);
    }
    size_t left = 30;
    index_each(&set, take_out_one, &left);
    cr_assert_eq(set.count, 70);
    left = 70;
    index_each(&set, take_out_one, &left);
    cr_assert_eq(set.count, 0);
}
