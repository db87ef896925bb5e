/* Allocation with mimalloc.
 *
 * On the data path. Every block is counted with the size the allocator gave (mem_count.c). */
#include "mem_backend.h"
#include "mem_count.h"
#include "pollard/base/mem.h"
#include <mimalloc.h>
#include <stdio.h>

/* The version is a compile-time number, such as 209 for 2.0.9: major, minor, patch. */
#define VERSION_TEXT_SIZE 32

static void *mi_counted(void *block)
{
    if (LIKELY(block != NULL)) {
        mem_count_alloc(mi_usable_size(block));
    }
    return block;
}

static void *mi_alloc(size_t size)
{
    /* mimalloc's own fast path looks whether the next free block is aligned already. */
    if (mem_wants_line(size)) {
        return mi_counted(mi_malloc_aligned(size, CACHE_LINE));
    }
    return mi_counted(mi_malloc(size));
}

static void *mi_move(void *block, size_t size)
{
    size_t before = block == NULL ? 0 : mi_usable_size(block);
    void *moved = mem_wants_line(size) ? mi_realloc_aligned(block, size, CACHE_LINE)
                                       : mi_realloc(block, size);
    if (moved != NULL) {
        mem_count_free(before);
        mem_count_alloc(mi_usable_size(moved));
    }
    return moved;
}

void *mem_alloc(size_t size)
{
    void *block = mi_alloc(size);
    if (UNLIKELY(block == NULL)) {
        mem_out(size);
    }
    return block;
}

void *mem_try_alloc(size_t size)
{
    return mem_try_fails() ? NULL : mi_alloc(size);
}

void *mem_realloc(void *block, size_t size)
{
    void *moved = mi_move(block, size);
    if (UNLIKELY(moved == NULL)) {
        mem_out(size);
    }
    return moved;
}

void *mem_try_realloc(void *block, size_t size)
{
    return mem_try_fails() ? NULL : mi_move(block, size);
}

void mem_free(void *block)
{
    if (block != NULL) {
        mem_count_free(mi_usable_size(block));
        mi_free(block);
    }
}

void mem_free_sized(void *block, size_t size)
{
    (void)size;
    mem_free(block);
}

size_t mem_good_size(size_t size)
{
    return mi_good_size(size);
}

size_t mem_block_size(const void *block)
{
    return block == NULL ? 0 : mi_usable_size(block);
}

void mem_figures(struct mem_figures *ret_figures)
{
    size_t elapsed;
    size_t user;
    size_t system;
    size_t rss;
    size_t rss_peak;
    size_t commit;
    size_t commit_peak;
    size_t faults;
    mi_process_info(&elapsed, &user, &system, &rss, &rss_peak, &commit, &commit_peak, &faults);
    size_t used = mem_used();
    size_t resident = mem_rss();
    *ret_figures = (struct mem_figures){
        .used_bytes = used,
        .allocated_bytes = used,
        .active_bytes = commit,
        .resident_bytes = resident,
        .rss_bytes = resident,
    };
}

const char *mem_allocator_name(void)
{
    static _Thread_local char name[VERSION_TEXT_SIZE];
    int version = mi_version();
    (void)snprintf(name, sizeof(name), "mimalloc-%d.%d.%d", version / 100, version / 10 % 10,
                   version % 10);
    return name;
}

void mem_thread_flush(void)
{
}

void mem_decay_begin(void)
{
}

void mem_purge(void)
{
    mi_collect(/* force= */ true);
}

static void stats_line(const char *text, void *argument)
{
    buf_append_text(argument, text);
}

void mem_stats_text(struct buf *ret_text)
{
    mi_stats_print_out(stats_line, ret_text);
}
