/* Compaction with jemalloc: which blocks lie in sparse slabs, and blocks in dense ones.
 *
 * Blocks are moved into an arena of their own: its slabs are filled one after the other, so that
 * what is moved cannot land in the sparse slabs it comes from. Thread caches are passed by for the
 * same reason: they hold blocks of those slabs, and what they keep does not empty a slab.
 * Any thread. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdio.h>

/* Blocks of one question to the allocator. */
#define ASK_MAX 32

/* The allocator's answer about a block's slab. */
struct slab_use {
    size_t free_count;
    size_t count;
    size_t size;
};

/* What never changes while the process lives. */
struct dense {
    unsigned arena; /* 0: none, as that is the first of all */
    unsigned class_count;
    size_t block_sizes[MEM_CLASSES_MAX];
    size_t slab_sizes[MEM_CLASSES_MAX];
    size_t query[4]; /* "experimental.utilization.batch_query", resolved */
    size_t query_depth;
};

static pthread_once_t dense_once = PTHREAD_ONCE_INIT;
static struct dense dense; /* written once, by dense_once */

static size_t read_number(const char *name)
{
    size_t number = 0;
    size_t size = sizeof(number);
    return mallctl(name, &number, &size, NULL, 0) == 0 ? number : 0;
}

static void dense_setup(void)
{
    char name[64];
    size_t size = sizeof(dense.arena);
    if (mallctl("arenas.create", &dense.arena, &size, NULL, 0) != 0) {
        dense.arena = 0;
    }
    dense.query_depth = sizeof(dense.query) / sizeof(dense.query[0]);
    if (mallctlnametomib("experimental.utilization.batch_query", dense.query, &dense.query_depth) !=
        0) {
        dense.query_depth = 0;
    }
    size = sizeof(dense.class_count);
    if (mallctl("arenas.nbins", &dense.class_count, &size, NULL, 0) != 0 ||
        dense.class_count > MEM_CLASSES_MAX) {
        dense.class_count = 0;
    }
    for (unsigned i = 0; i < dense.class_count; i++) {
        (void)snprintf(name, sizeof(name), "arenas.bin.%u.size", i);
        dense.block_sizes[i] = read_number(name);
        (void)snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", i);
        dense.slab_sizes[i] = read_number(name);
    }
}

static const struct dense *get_dense(void)
{
    check(pthread_once(&dense_once, dense_setup) == 0);
    return &dense;
}

size_t mem_classes(struct mem_class *ret_classes)
{
    const struct dense *self = get_dense();
    char name[64];
    for (unsigned i = 0; i < self->class_count; i++) {
        (void)snprintf(name, sizeof(name), "stats.arenas.%u.bins.%u.curregs",
                       (unsigned)MALLCTL_ARENAS_ALL, i);
        size_t blocks = read_number(name);
        (void)snprintf(name, sizeof(name), "stats.arenas.%u.bins.%u.curslabs",
                       (unsigned)MALLCTL_ARENAS_ALL, i);
        ret_classes[i] = (struct mem_class){
            .block_size = self->block_sizes[i],
            .used_bytes = blocks * self->block_sizes[i],
            .slab_bytes = read_number(name) * self->slab_sizes[i],
        };
    }
    return self->class_count;
}

bool mem_tells_slabs(void)
{
    return get_dense()->class_count > 0;
}

/* The class of a slab of count blocks in size bytes. */
static uint32_t class_of(const struct dense *self, const struct slab_use *use)
{
    uint32_t low = 0;
    uint32_t high = self->class_count;
    /* A slab's size need not be a multiple of its blocks': they fill it but for a part of one. */
    size_t block_size = use->size / use->count;
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (self->block_sizes[middle] <= block_size) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void ask(void *const *blocks, size_t count, const _Atomic uint8_t *fills,
                uint8_t *ret_places)
{
    const struct dense *self = get_dense();
    struct slab_use uses[ASK_MAX];
    size_t size = count * sizeof(uses[0]);
    void *asked[ASK_MAX];
    memcpy(asked, blocks, count * sizeof(asked[0]));
    bool has_answer = self->query_depth > 0 && self->class_count > 0 &&
                      mallctlbymib(self->query, self->query_depth, uses, &size, asked,
                                   count * sizeof(asked[0])) == 0;
    for (size_t i = 0; i < count; i++) {
        ret_places[i] = 0;
        if (!has_answer || uses[i].count <= 1) {
            continue;
        }
        uint32_t class = class_of(self, &uses[i]);
        uint8_t fill = atomic_load_explicit((_Atomic uint8_t *)&fills[class], memory_order_relaxed);
        if ((uses[i].count - uses[i].free_count) * 100 <= uses[i].count * fill) {
            ret_places[i] = (uint8_t)(class + 1);
        }
    }
}

void mem_find_sparse(void *const *blocks, size_t count, const _Atomic uint8_t *fills,
                     uint8_t *ret_places)
{
    for (size_t i = 0; i < count; i += ASK_MAX) {
        size_t part = count - i < ASK_MAX ? count - i : ASK_MAX;
        ask(blocks + i, part, fills, ret_places + i);
    }
}

void *mem_alloc_dense(size_t size)
{
    const struct dense *self = get_dense();
    return self->arena == 0 ? NULL
                            : mallocx(size, MALLOCX_ARENA(self->arena) | MALLOCX_TCACHE_NONE);
}

void mem_free_dense(void *block)
{
    dallocx(block, MALLOCX_TCACHE_NONE);
}
