/* Allocation with accounting. Every byte the server holds comes from here.
 *
 * The allocator is a build option (jemalloc, mimalloc, libc). What each thread allocated and freed
 * is counted per thread and summed on demand: no shared counter on the hot path. */
#ifndef POLLARD_BASE_MEM_H
#define POLLARD_BASE_MEM_H

#include "pollard/base/attr.h"
#include "pollard/base/bytes.h"
#include <stdatomic.h>
#include <stdbool.h>
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
/* Takes what the calling thread's cache keeps out of it: a block in a cache holds its slab. Tens of
 * microseconds. */
void mem_thread_flush(void);
/* From here on pages go back some seconds after nobody uses them, by a thread of the allocator's
 * own that sleeps while there are none. After the process has forked for the last time. */
void mem_decay_begin(void);
/* Gives unused pages back to the kernel. Milliseconds: pool only. */
void mem_purge(void);
/* Resident bytes of the process, by the kernel; 0 when it does not tell. Some microseconds. */
size_t mem_rss(void);
/* Appends the allocator's own statistics text. */
void mem_stats_text(struct buf *ret_text);

/* ---- Compaction: moving what is left in slabs of one size class that are nearly empty ---- */

/* Size classes that are kept in slabs. */
#define MEM_CLASSES_MAX 48
struct mem_class {
    size_t block_size;
    size_t used_bytes; /* in blocks */
    size_t slab_bytes; /* in slabs */
};
/* The classes, smallest first, as of the last mem_figures; returns how many, 0 if the allocator
 * does not tell. Tens of microseconds. */
size_t mem_classes(struct mem_class *ret_classes);
/* Can memory be given back by moving blocks? Else the resident size is what it is. */
bool mem_tells_slabs(void);
/* Says of each block whether it lies in a slab of which no more than some percent are in use:
 * fills has a percentage for each class. 0: it does not, else 1 + the index of its class. */
void mem_find_sparse(void *const *blocks, size_t count, const _Atomic uint8_t *fills,
                     uint8_t *ret_places);
/* A block in a slab for what is moved; NULL when there is none. Freed as any other. */
ATTR_MUST_USE void *mem_alloc_dense(size_t size);
/* Frees a block so that its slab may go at once: no cache of the thread keeps it. */
void mem_free_dense(void *block);

/* ---- How much there is ---- */

/* Bytes of the machine's memory; 0 if it does not tell. */
uint64_t mem_machine_size(void);
/* What this process may use: the machine's memory or the limit of its cgroups (version 1 or 2), if
 * that is lower. Reads files: off the data path. */
int64_t mem_system_size(void);
/* The lowest limit of the cgroups that the text of /proc/self/cgroup names, whose files are below
 * root; UINT64_MAX if there is none. */
uint64_t mem_cgroup_limit(struct bytes membership, const char *root);

/* Fault injection for tests: the n-th mem_try_* call from now fails; 0 turns it off. Only in debug
 * builds. */
void mem_fail_at(uint64_t nth_try);

#endif
