/* Allocation with the C library's allocator: what sanitizer builds use.
 *
 * On the data path. Every block is counted with the size the allocator gave (mem_count.c). */
#include "mem_backend.h"
#include "mem_count.h"
#include "pollard/base/mem.h"
#include <malloc.h>
#include <stdlib.h>

/* Space of one block's header, and the step of block sizes, in glibc on 64-bit machines. */
#define LIBC_HEADER ((size_t)8)
#define LIBC_STEP ((size_t)16)
#define LIBC_SIZE_MIN ((size_t)24)

static void *libc_alloc(size_t size)
{
    void *block = NULL;
    if (!mem_wants_line(size)) {
        block = malloc(size > 0 ? size : 1);
    } else if (posix_memalign(&block, CACHE_LINE, size) != 0) {
        block = NULL;
    }
    if (block != NULL) {
        mem_count_alloc(malloc_usable_size(block));
    }
    return block;
}

static void *libc_realloc(void *block, size_t size)
{
    if (block == NULL) {
        return libc_alloc(size);
    }
    size_t before = malloc_usable_size(block);
    if (mem_wants_line(size)) {
        /* realloc() would lose the alignment. */
        void *moved = libc_alloc(size);
        if (moved != NULL) {
            memcpy(moved, block, before < size ? before : size);
            mem_free(block);
        }
        return moved;
    }
    void *moved = realloc(block, size > 0 ? size : 1);
    if (moved != NULL) {
        mem_count_free(before);
        mem_count_alloc(malloc_usable_size(moved));
    }
    return moved;
}

void *mem_alloc(size_t size)
{
    void *block = libc_alloc(size);
    if (UNLIKELY(block == NULL)) {
        mem_out(size);
    }
    return block;
}

void *mem_try_alloc(size_t size)
{
    return mem_try_fails() ? NULL : libc_alloc(size);
}

void *mem_realloc(void *block, size_t size)
{
    void *moved = libc_realloc(block, size);
    if (UNLIKELY(moved == NULL)) {
        mem_out(size);
    }
    return moved;
}

void *mem_try_realloc(void *block, size_t size)
{
    return mem_try_fails() ? NULL : libc_realloc(block, size);
}

void mem_free(void *block)
{
    if (block != NULL) {
        mem_count_free(malloc_usable_size(block));
        free(block);
    }
}

void mem_free_sized(void *block, size_t size)
{
    (void)size;
    mem_free(block);
}

size_t mem_good_size(size_t size)
{
    if (size <= LIBC_SIZE_MIN) {
        return LIBC_SIZE_MIN;
    }
    return (size + LIBC_HEADER + LIBC_STEP - 1) / LIBC_STEP * LIBC_STEP - LIBC_HEADER;
}

size_t mem_block_size(const void *block)
{
    return block == NULL ? 0 : malloc_usable_size((void *)block);
}

void mem_figures(struct mem_figures *ret_figures)
{
    size_t used = mem_used();
    size_t rss = mem_rss();
    /* glibc keeps no figures that are cheap and right over all arenas. */
    *ret_figures = (struct mem_figures){
        .used_bytes = used,
        .allocated_bytes = used,
        .active_bytes = rss,
        .resident_bytes = rss,
        .rss_bytes = rss,
    };
}

const char *mem_allocator_name(void)
{
    return "libc";
}

void mem_thread_flush(void)
{
}

void mem_decay_begin(void)
{
}

void mem_purge(void)
{
    (void)malloc_trim(0);
}

void mem_stats_text(struct buf *ret_text)
{
    buf_append_text(ret_text, "Stats not supported for the current allocator");
}
