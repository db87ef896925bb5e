/* Compaction with allocators that do not tell where their blocks lie: nothing is ever moved. */
#include "pollard/base/mem.h"

size_t mem_classes(struct mem_class *ret_classes)
{
    (void)ret_classes;
    return 0;
}

bool mem_tells_slabs(void)
{
    return false;
}

void mem_find_sparse(void *const *blocks, size_t count, const _Atomic uint8_t *fills,
                     uint8_t *ret_places)
{
    (void)blocks;
    (void)fills;
    for (size_t i = 0; i < count; i++) {
        ret_places[i] = 0;
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
