/* Allocation with accounting. Every byte the server holds comes from here.
 *
 * The allocator is a build option (jemalloc, mimalloc, libc). What each thread allocated and freed
 * is counted per thread and summed on demand: no shared counter on the hot path. */
#ifndef POLLARD_BASE_MEM_H
#define POLLARD_BASE_MEM_H

#include "pollard/base/attr.h"
#include "pollard/base/bytes.h"
#include <stddef.h>
#include <stdint.h>

/* For sizes bounded by our own limits: aborts with a message when memory is out. size 0 gives a
 * valid pointer. Memory is aligned for any type; sizes that are multiples of 64 are aligned to 64.
 */
ATTR_MALLOC ATTR_MUST_USE void *mem_alloc(size_t size);
/* The same, zeroed. */
ATTR_MALLOC ATTR_MUST_USE void *mem_alloc_zero(size_t size);
/* For sizes a client chose: NULL when memory is out. */
ATTR_MALLOC ATTR_MUST_USE void *mem_try_alloc(size_t size);
ATTR_MUST_USE void *mem_realloc(void *block, size_t size);
ATTR_MUST_USE void *mem_try_realloc(void *block, size_t size);
/* NULL is allowed. */
void mem_free(void *block);
/* Frees a block whose requested size is known (cheaper). size must be the one asked for. */
void mem_free_sized(void *block, size_t size);
/* Bytes the allocator really gives for a request of size. */
size_t mem_good_size(size_t size);
/* Bytes the allocator holds for block; 0 for NULL. */
size_t mem_block_size(const void *block);
/* Copies as a NUL-terminated string; caller frees with mem_free. */
ATTR_MUST_USE char *mem_copy_text(struct bytes text);

/* Each thread that allocates calls these at its start and end (base/thread.h does). */
void mem_thread_begin(void);
void mem_thread_end(void);

/* Bytes in use now, over all threads. O(threads). Any thread; approximate while others run. */
size_t mem_used(void);

struct mem_figures {
    size_t used_bytes;
    size_t allocated_bytes; /* by the allocator's own count */
    size_t active_bytes;    /* in pages that hold at least one allocation */
    size_t resident_bytes;  /* allocator pages resident */
    size_t rss_bytes;       /* of the process, by the kernel */
    size_t muzzy_bytes;
};
/* Walks allocator statistics and reads the kernel's figure: tens of microseconds. Any thread. */
void mem_figures(struct mem_figures *ret_figures);
/* Name and version of the allocator, as INFO's mem_allocator: "jemalloc-5.3.0". */
const char *mem_allocator_name(void);
/* Gives unused pages back to the kernel. Milliseconds: pool only. */
void mem_purge(void);
/* Appends the allocator's own statistics text. */
void mem_stats_text(struct buf *ret_text);

/* Fault injection for tests: the n-th mem_try_* call from now fails; 0 turns it off. Only in debug
 * builds. */
void mem_fail_at(uint64_t nth_try);

#endif
