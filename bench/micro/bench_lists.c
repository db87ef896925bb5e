/* What a long list costs in a tree, and in a chain of nodes of 8 KB of packed items.
 *
 *   bench_lists [--quick]      (1 million elements; quick: 10 thousand)
 *
 * Bytes an element, as the allocator counts them, nanoseconds an append, and nanoseconds a look at
 * an element between 0.4 and 0.5 of the length. One thread, one structure after the other. */
#include "micro.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/ds/tree.h"

#define ELEMENTS 1000000
#define ELEMENTS_QUICK 10000
#define FINDS 500000
#define MIDDLES 3000
#define NAME_SIZE 19
#define CHAIN_ROOM 8192

enum figure { FIGURE_BYTES, FIGURE_ADD, FIGURE_RANK, FIGURES };

struct sizes {
    uint64_t elements;
    uint64_t finds;
    uint64_t middles; /* finds in the chain, which take longer */
};

struct chain_node {
    struct chain_node *next;
    struct chain_node *previous;
    uint32_t count;
    uint32_t used;
    unsigned char data[CHAIN_ROOM];
};

struct chain {
    struct chain_node *first;
    struct chain_node *last;
    uint64_t count;
};

/* ---- Chains ---- */

static void chain_append(struct chain *chain, const struct item *item)
{
    struct chain_node *node = chain->last;
    if (node == NULL || node->used + item_packed_size(item) > CHAIN_ROOM) {
        node = mem_alloc(sizeof(*node));
        node->next = NULL;
        node->previous = chain->last;
        node->count = 0;
        node->used = 0;
        *(chain->last != NULL ? &chain->last->next : &chain->first) = node;
        chain->last = node;
    }
    node->used = (uint32_t)(item_pack(item, node->data + node->used) - node->data);
    node->count++;
    chain->count++;
}

/* From the nearer end. */
static void chain_get(const struct chain *chain, uint64_t rank, struct item *ret_item)
{
    const struct chain_node *node = chain->first;
    if (rank < chain->count / 2) {
        for (; rank >= node->count; node = node->next) {
            rank -= node->count;
        }
    } else {
        uint64_t behind = chain->count - rank;
        for (node = chain->last; behind > node->count; node = node->previous) {
            behind -= node->count;
        }
        rank = node->count - behind;
    }
    (void)item_read(pack_seek(node->data, rank), ret_item);
}

static void chain_clear(struct chain *chain)
{
    while (chain->first != NULL) {
        struct chain_node *next = chain->first->next;
        mem_free(chain->first);
        chain->first = next;
    }
}

/* ---- Measures ---- */

/* A bijection, so that elements come in no order and each once. */
static uint64_t scramble(uint64_t number)
{
    number *= UINT64_C(0x9e3779b97f4a7c15);
    return number ^ number >> 32;
}

static struct bytes name_of(unsigned char *out, uint64_t number)
{
    memcpy(out, "mem", 3);
    uint64_t word = scramble(number);
    for (int i = 3; i < NAME_SIZE; i++) {
        out[i] = (unsigned char)"0123456789abcdef"[word & 15];
        word >>= 4;
    }
    return bytes_make(out, NAME_SIZE);
}

static double each_ns(uint64_t begin, uint64_t rounds)
{
    return (double)clock_ticks_to_ns(clock_ticks() - begin) / (double)rounds;
}

static uint64_t middle_of(const struct sizes *sizes, uint64_t number)
{
    return sizes->elements / 2 - scramble(number) % (sizes->elements / 10);
}

static void measure_list(const struct sizes *sizes, double *ret_figures)
{
    unsigned char name[NAME_SIZE];
    struct tree tree;
    struct tree_record record = {0};
    tree_init(&tree, false);
    size_t used = mem_used();
    uint64_t begin = clock_ticks();
    for (uint64_t i = 0; i < sizes->elements; i++) {
        record.item = item_of(name_of(name, i));
        tree_insert(&tree, tree.count, &record);
    }
    ret_figures[FIGURE_ADD] = each_ns(begin, sizes->elements);
    ret_figures[FIGURE_BYTES] = (double)(mem_used() - used) / (double)sizes->elements;
    begin = clock_ticks();
    for (uint64_t i = 0; i < sizes->finds; i++) {
        tree_get(&tree, middle_of(sizes, i), &record);
        check(record.item.size == NAME_SIZE);
    }
    ret_figures[FIGURE_RANK] = each_ns(begin, sizes->finds);
    tree_clear(&tree);
}

static void measure_chain(const struct sizes *sizes, double *ret_figures)
{
    unsigned char name[NAME_SIZE];
    struct chain chain = {0};
    struct item item;
    size_t used = mem_used();
    uint64_t begin = clock_ticks();
    for (uint64_t i = 0; i < sizes->elements; i++) {
        item = item_of(name_of(name, i));
        chain_append(&chain, &item);
    }
    ret_figures[FIGURE_ADD] = each_ns(begin, sizes->elements);
    ret_figures[FIGURE_BYTES] = (double)(mem_used() - used) / (double)sizes->elements;
    begin = clock_ticks();
    for (uint64_t i = 0; i < sizes->middles; i++) {
        chain_get(&chain, middle_of(sizes, i), &item);
        check(item.size == NAME_SIZE);
    }
    ret_figures[FIGURE_RANK] = each_ns(begin, sizes->middles);
    chain_clear(&chain);
}

static void print_row(const char *name, double ours, double theirs)
{
    printf("%-28s %12.1f %12.1f %8.2f\n", name, ours, theirs, ours / theirs);
}

int main(int argc, char **argv)
{
    struct sizes sizes = {ELEMENTS, FINDS, MIDDLES};
    double ours[FIGURES];
    double theirs[FIGURES];
    bool quick;
    if (!micro_arguments(argc, argv, &quick)) {
        return 2;
    }
    if (quick) {
        sizes = (struct sizes){ELEMENTS_QUICK, 1000, 100};
    }
    thread_adopt();
    clock_setup();
    measure_list(&sizes, ours);
    measure_chain(&sizes, theirs);
    printf("%7llu elements of %d bytes           tree        chain    ratio\n",
           (unsigned long long)sizes.elements, NAME_SIZE);
    print_row("bytes each", ours[FIGURE_BYTES], theirs[FIGURE_BYTES]);
    print_row("append, ns", ours[FIGURE_ADD], theirs[FIGURE_ADD]);
    print_row("look near the middle, ns", ours[FIGURE_RANK], theirs[FIGURE_RANK]);
    return 0;
}
