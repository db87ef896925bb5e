/* Allocation: what the allocators have in common.
 *
 * The hot functions stand in mem_<allocator>.c, so that each is one jump away from the allocator.
 * Here are the ends that are rarely met: out of memory, fault injection, the kernel's figure. */
#include "pollard/base/mem.h"
#include "mem_backend.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void mem_out(size_t size)
{
    char text[96];
    int length = snprintf(text, sizeof(text), "out of memory: %zu bytes refused\n", size);
    if (length > 0) {
        ssize_t ignored = write(STDERR_FILENO, text, (size_t)length);
        (void)ignored; /* The abort below is the report. */
    }
    abort();
}

void *mem_alloc_zero(size_t size)
{
    void *block = mem_alloc(size);
    memset(block, 0, size);
    return block;
}

char *mem_copy_text(struct bytes text)
{
    char *copy = mem_alloc(text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

size_t mem_rss(void)
{
    int descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return 0;
    }
    char text[128];
    ssize_t size = read(descriptor, text, sizeof(text) - 1);
    close(descriptor);
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    /* "total resident shared ...", in pages. */
    char *resident = strchr(text, ' ');
    if (resident == NULL) {
        return 0;
    }
    size_t pages = 0;
    for (resident++; *resident >= '0' && *resident <= '9'; resident++) {
        pages = pages * 10 + (size_t)(*resident - '0');
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

#if POLLARD_DEBUG
static _Atomic uint64_t tries_until_failure;

void mem_fail_at(uint64_t nth_try)
{
    atomic_store_explicit(&tries_until_failure, nth_try, memory_order_relaxed);
}

bool mem_try_fails(void)
{
    uint64_t left = atomic_load_explicit(&tries_until_failure, memory_order_relaxed);
    while (left > 0) {
        /* Relaxed: only the count itself matters, nothing is published through it. */
        if (atomic_compare_exchange_weak_explicit(&tries_until_failure, &left, left - 1,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            return left == 1;
        }
    }
    return false;
}
#else
void mem_fail_at(uint64_t nth_try)
{
    (void)nth_try;
}
#endif
