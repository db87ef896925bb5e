/* What the allocator files share: private to base. */
#ifndef POLLARD_BASE_MEM_BACKEND_H
#define POLLARD_BASE_MEM_BACKEND_H

#include "pollard/base/attr.h"
#include <stdbool.h>
#include <stddef.h>

/* Says how much was refused, and aborts. */
ATTR_NORETURN ATTR_COLD void mem_out(size_t size);

/* Is this the try that mem_fail_at() chose? */
#if POLLARD_DEBUG
bool mem_try_fails(void);
#else
static inline bool mem_try_fails(void)
{
    return false;
}
#endif

/* Sizes that must be aligned to a cache line (mem.h promises it). */
static inline bool mem_wants_line(size_t size)
{
    return size != 0 && size % CACHE_LINE == 0;
}

#endif
