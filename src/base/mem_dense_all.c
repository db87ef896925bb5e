/* Compaction in sanitizer builds: all blocks pass for sparse, so that sanitizers see every way of
 * moving them. Nothing is gained by it. */
#include "pollard/base/mem.h"

size_t mem_classes(struct mem_class *ret_classes)
{
    /* Half in use, whatever is moved. */
    size_t used = mem_used();
    ret_classes[0] =
        (struct mem_class){.block_size = 1, .used_bytes = used, .slab_bytes = 2 * used};
    return 1;
}

bool mem_tells_slabs(void)
{
    return false;
}

void mem_find_sparse(void *const *blocks, size_t count, const _Atomic uint8_t *fills,
                     uint8_t *ret_places)
{
    (void)blocks;
    uint8_t fill = atomic_load_explicit((_Atomic uint8_t *)&fills[0], memory_order_relaxed);
    for (size_t i = 0; i < count; i++) {
        ret_places[i] = fill != 0;
    }
}

void *mem_alloc_dense(size_t size)
{
    return mem_try_alloc(size);
}

void mem_free_dense(void *block)
{
    mem_free(block);
}
