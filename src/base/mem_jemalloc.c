/* Allocation with jemalloc, the default.
 *
 * On the data path: each function is one call into the allocator, with no counting of ours.
 * jemalloc counts the bytes every thread allocates and frees; a thread's two counters are looked up
 * once and read by mem_used() from outside. Invariants: 1. A thread is in the table from
 * mem_thread_begin() to mem_thread_end(), during which its counters exist. 2. ended_bytes holds
 * what threads that ended left allocated. Alignment: jemalloc's size classes for multiples of 64
 * are themselves multiples of 64 laid out from page starts, so that mem.h's promise needs no
 * aligned call. */
#define _GNU_SOURCE
#include "mem_backend.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Read by jemalloc at its start.
 * - No background threads: pages are returned as threads allocate, and by mem_purge().
 * - Dirty pages are given back within 5 s and at once by MADV_DONTNEED (no muzzy stage), so that
 * the resident size tells the truth about a cache whose budget is the resident size.
 * - Thread caches serve up to 32 KB (jemalloc's default): every reply chunk and entry is below
 * that.
 * - Slabs of 64 pages for small blocks, of 16 for larger ones: jemalloc keeps 128 bytes of its own
 *   for each, which for slabs of one page are 2 bytes a key (docs/decisions/0006); larger slabs
 *   would more often be held by few blocks (docs/decisions/0012).
 * - Arenas: jemalloc's default of 4 a core gives each reactor one of its own; an arena that nobody
 *   uses costs no memory. */
const char *malloc_conf = "background_thread:false,dirty_decay_ms:5000,muzzy_decay_ms:0,"
                          "lg_tcache_max:15,metadata_thp:disabled,slab_sizes:1-256:64|257-4096:16";

struct thread_counters {
    const volatile uint64_t *allocated;
    const volatile uint64_t *freed;
};

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct thread_counters table[THREADS_MAX]; /* under table_mutex */
static size_t table_limit;                        /* under table_mutex */
static uint64_t ended_bytes;                      /* under table_mutex; wraps */

static _Thread_local struct thread_counters counters_self;
/* What this thread put into ended_bytes when it last left the table: taken out if it comes back. */
static _Thread_local uint64_t ended_self;

void *mem_alloc(size_t size)
{
    void *block = malloc(size);
    if (UNLIKELY(block == NULL)) {
        mem_out(size);
    }
    return block;
}

void *mem_try_alloc(size_t size)
{
    return mem_try_fails() ? NULL : malloc(size);
}

/* realloc(block, 0) would free: a block of one byte is what mem.h means by size 0. */
static inline size_t at_least_one(size_t size)
{
    return size + (size == 0);
}

void *mem_realloc(void *block, size_t size)
{
    void *moved = realloc(block, at_least_one(size));
    if (UNLIKELY(moved == NULL)) {
        mem_out(size);
    }
    return moved;
}

void *mem_try_realloc(void *block, size_t size)
{
    return mem_try_fails() ? NULL : realloc(block, at_least_one(size));
}

void mem_free(void *block)
{
    free(block);
}

void mem_free_sized(void *block, size_t size)
{
    if (block != NULL) {
        sdallocx(block, at_least_one(size), 0);
    }
}

size_t mem_good_size(size_t size)
{
    return nallocx(at_least_one(size), 0);
}

size_t mem_block_size(const void *block)
{
    return block == NULL ? 0 : sallocx(block, 0);
}

static uint64_t *counter_address(const char *name)
{
    uint64_t *address = NULL;
    size_t size = sizeof(address);
    check(mallctl(name, &address, &size, NULL, 0) == 0);
    return address;
}

/* ---- Huge pages ----
 * Memory that went back is not to come again: the kernel makes huge pages anew of what is left of
 * them, with all that had been given back, as long as that is advised.
 * A lookup among many keys misses the TLB twice; with huge pages it does not. An arena grows by
 * ever larger extents: those from this size on are asked for as huge pages, so that small servers
 * stay small and in large ones the last, partly used huge page does not matter. No fork, so no copy
 * on write that would be dear. docs/decisions/0006. */
#define HUGE_EXTENT_MIN ((size_t)8 << 20)
#define HUGE_PAGE_SIZE ((uintptr_t)2 << 20)
/* Extents that are asked for as huge pages, at most: each is about as large as all before it. */
#define HUGE_EXTENTS_MAX 256

struct huge_extent {
    uintptr_t begin;
    _Atomic uintptr_t end; /* 0: begin is not yet written */
};

static extent_hooks_t extent_hooks;   /* written once, under table_mutex */
static extent_hooks_t *default_hooks; /* the same; NULL before the first thread */
static struct huge_extent huge_extents[HUGE_EXTENTS_MAX]; /* they are never unmapped */
static _Atomic uint32_t huge_extent_count;

static void ask_for_huge_pages(void *extent, size_t size)
{
    uint32_t index = atomic_fetch_add_explicit(&huge_extent_count, 1, memory_order_relaxed);
    if (index >= HUGE_EXTENTS_MAX) {
        atomic_fetch_sub_explicit(&huge_extent_count, 1, memory_order_relaxed);
        return;
    }
    huge_extents[index].begin = (uintptr_t)extent;
    /* Release: pairs with the load in keep_small. */
    atomic_store_explicit(&huge_extents[index].end, (uintptr_t)extent + size, memory_order_release);
    (void)madvise(extent, size, MADV_HUGEPAGE); /* A system may have none. */
}

/* No huge pages any more where some of these bytes lie. */
static void keep_small(uintptr_t begin, uintptr_t end)
{
    uint32_t count = atomic_load_explicit(&huge_extent_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count && i < HUGE_EXTENTS_MAX; i++) {
        uintptr_t extent_end = atomic_load_explicit(&huge_extents[i].end, memory_order_acquire);
        if (extent_end == 0 || end <= huge_extents[i].begin || begin >= extent_end) {
            continue;
        }
        uintptr_t from = begin & ~(HUGE_PAGE_SIZE - 1);
        uintptr_t to = (end + HUGE_PAGE_SIZE - 1) & ~(HUGE_PAGE_SIZE - 1);
        from = from > huge_extents[i].begin ? from : huge_extents[i].begin;
        to = to < extent_end ? to : extent_end;
        (void)madvise((void *)from, to - from, MADV_NOHUGEPAGE);
    }
}

static bool extent_purge(extent_hooks_t *hooks, void *address, size_t size, size_t offset,
                         size_t length, unsigned arena)
{
    uintptr_t begin = (uintptr_t)address + offset;
    bool failed = default_hooks->purge_forced(default_hooks, address, size, offset, length, arena);
    keep_small(begin, begin + length);
    return failed;
}

static void *extent_alloc(extent_hooks_t *hooks, void *address, size_t size, size_t alignment,
                          bool *zero, bool *commit, unsigned arena)
{
    void *extent =
        default_hooks->alloc(default_hooks, address, size, alignment, zero, commit, arena);
    if (extent != NULL && size >= HUGE_EXTENT_MIN) {
        ask_for_huge_pages(extent, size);
    }
    return extent;
}

/* Makes the calling thread's arena grow through extent_alloc. */
static void use_extent_hooks(void)
{
    unsigned arena;
    size_t size = sizeof(arena);
    char name[64];
    check(mallctl("thread.arena", &arena, &size, NULL, 0) == 0);
    (void)snprintf(name, sizeof(name), "arena.%u.extent_hooks", arena);
    check(pthread_mutex_lock(&table_mutex) == 0);
    if (default_hooks == NULL) {
        size = sizeof(default_hooks);
        check(mallctl(name, &default_hooks, &size, NULL, 0) == 0);
        extent_hooks = *default_hooks;
        extent_hooks.alloc = extent_alloc;
        extent_hooks.purge_forced = extent_purge;
        extent_hooks.purge_lazy = NULL; /* What is left to the kernel still counts as resident. */
    }
    check(pthread_mutex_unlock(&table_mutex) == 0);
    extent_hooks_t *mine = &extent_hooks;
    check(mallctl(name, NULL, NULL, &mine, sizeof(mine)) == 0);
}

void mem_thread_begin(void)
{
    use_extent_hooks();
    check(counters_self.allocated == NULL);
    counters_self.allocated = counter_address("thread.allocatedp");
    counters_self.freed = counter_address("thread.deallocatedp");
    check(pthread_mutex_lock(&table_mutex) == 0);
    size_t index = 0;
    while (index < THREADS_MAX && table[index].allocated != NULL) {
        index++;
    }
    check(index < THREADS_MAX);
    table[index] = counters_self;
    if (index >= table_limit) {
        table_limit = index + 1;
    }
    ended_bytes -= ended_self;
    ended_self = 0;
    check(pthread_mutex_unlock(&table_mutex) == 0);
}

void mem_thread_end(void)
{
    check(counters_self.allocated != NULL);
    check(pthread_mutex_lock(&table_mutex) == 0);
    for (size_t i = 0; i < table_limit; i++) {
        if (table[i].allocated == counters_self.allocated) {
            table[i] = (struct thread_counters){0};
        }
    }
    ended_self = *counters_self.allocated - *counters_self.freed;
    ended_bytes += ended_self;
    check(pthread_mutex_unlock(&table_mutex) == 0);
    counters_self = (struct thread_counters){0};
}

size_t mem_used(void)
{
    /* The mutex keeps the counters of a thread that is about to end from going away meanwhile. The
     * counters themselves are words that their thread writes whole. */
    check(pthread_mutex_lock(&table_mutex) == 0);
    uint64_t sum = ended_bytes;
    for (size_t i = 0; i < table_limit; i++) {
        if (table[i].allocated != NULL) {
            /* Freed first: a block allocated and freed between the reads must not count below 0. */
            uint64_t freed = *table[i].freed;
            sum += *table[i].allocated - freed;
        }
    }
    check(pthread_mutex_unlock(&table_mutex) == 0);
    return (int64_t)sum > 0 ? (size_t)sum : 0;
}

/* One of jemalloc's figures, or 0 where the build has none. */
static size_t figure(const char *name)
{
    size_t value = 0;
    size_t size = sizeof(value);
    return mallctl(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

/* The name of a control of all arenas together, written into out. */
static const char *all_arenas(char *out, size_t size, const char *format)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out, size, format, (unsigned)MALLCTL_ARENAS_ALL);
#pragma GCC diagnostic pop
    return out;
}

void mem_figures(struct mem_figures *ret_figures)
{
    /* Writing the epoch makes jemalloc gather its figures anew. */
    uint64_t epoch = 1;
    (void)mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    char name[64];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *ret_figures = (struct mem_figures){
        .used_bytes = mem_used(),
        .allocated_bytes = figure("stats.allocated"),
        .active_bytes = figure("stats.active"),
        .resident_bytes = figure("stats.resident"),
        .rss_bytes = mem_rss(),
        .muzzy_bytes = figure(all_arenas(name, sizeof(name), "stats.arenas.%u.pmuzzy")) * page,
    };
}

const char *mem_allocator_name(void)
{
#define NAME_TEXT(number) #number
#define NAME(major, minor, patch)                                                                  \
    "jemalloc-" NAME_TEXT(major) "." NAME_TEXT(minor) "." NAME_TEXT(patch)
    return NAME(JEMALLOC_VERSION_MAJOR, JEMALLOC_VERSION_MINOR, JEMALLOC_VERSION_BUGFIX);
#undef NAME
#undef NAME_TEXT
}

void mem_thread_flush(void)
{
    (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
}

void mem_decay_begin(void)
{
    size_t threads = 1;
    bool on = true;
    /* Without it pages wait until the thread that freed them allocates again. */
    (void)mallctl("max_background_threads", NULL, NULL, &threads, sizeof(threads));
    (void)mallctl("background_thread", NULL, NULL, &on, sizeof(on));
}

void mem_purge(void)
{
    char name[64];
    mem_thread_flush();
    (void)mallctl(all_arenas(name, sizeof(name), "arena.%u.purge"), NULL, NULL, NULL, 0);
}

static void stats_line(void *argument, const char *text)
{
    buf_append_text(argument, text);
}

void mem_stats_text(struct buf *ret_text)
{
    malloc_stats_print(stats_line, ret_text, NULL);
}
