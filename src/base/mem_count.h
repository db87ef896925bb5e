/* Per-thread byte counters, for allocators that keep none of their own: private to base. */
#ifndef POLLARD_BASE_MEM_COUNT_H
#define POLLARD_BASE_MEM_COUNT_H

#include <stddef.h>

void mem_count_alloc(size_t size);
void mem_count_free(size_t size);

#endif
