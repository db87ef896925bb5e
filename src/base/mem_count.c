/* Per-thread byte counters, for allocators that keep none of their own (libc, mimalloc).
 *
 * On the data path of every allocation in those builds. Each thread adds to a slot of its own, with
 * relaxed atomics: mem_used() is approximate while others run. Threads without a slot share one.
 * Invariant: the sum over all slots is what was allocated and not freed. It is kept in wrapping
 * unsigned arithmetic: a slot alone may be below zero, when its thread frees what others made. */
#include "mem_count.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <pthread.h>
#include <stdatomic.h>

struct mem_slot {
    _Atomic size_t bytes;
    bool is_used; /* under slots_mutex */
} ATTR_ALIGNED(CACHE_LINE);

/* The last slot is for threads that have none. */
#define SLOT_SHARED THREADS_MAX

static struct mem_slot slots[THREADS_MAX + 1];
static pthread_mutex_t slots_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct mem_slot *slot_self;

/* Adds to the thread's slot. Only this thread writes its own, so a load and a store suffice; the
 * shared slot needs the read-modify-write. */
static inline void slot_add(size_t delta)
{
    struct mem_slot *slot = slot_self;
    if (LIKELY(slot != NULL)) {
        size_t before = atomic_load_explicit(&slot->bytes, memory_order_relaxed);
        atomic_store_explicit(&slot->bytes, before + delta, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&slots[SLOT_SHARED].bytes, delta, memory_order_relaxed);
}

void mem_count_alloc(size_t size)
{
    slot_add(size);
}

void mem_count_free(size_t size)
{
    slot_add((size_t)0 - size);
}

void mem_thread_begin(void)
{
    check(slot_self == NULL);
    check(pthread_mutex_lock(&slots_mutex) == 0);
    for (size_t i = 0; i < THREADS_MAX && slot_self == NULL; i++) {
        if (!slots[i].is_used) {
            slots[i].is_used = true;
            slot_self = &slots[i];
        }
    }
    check(pthread_mutex_unlock(&slots_mutex) == 0);
}

void mem_thread_end(void)
{
    if (slot_self == NULL) {
        return;
    }
    /* The bytes stay in the slot: its next owner goes on from there, and the sum stays right. */
    check(pthread_mutex_lock(&slots_mutex) == 0);
    slot_self->is_used = false;
    check(pthread_mutex_unlock(&slots_mutex) == 0);
    slot_self = NULL;
}

size_t mem_used(void)
{
    size_t sum = 0;
    for (size_t i = 0; i <= SLOT_SHARED; i++) {
        sum += atomic_load_explicit(&slots[i].bytes, memory_order_relaxed);
    }
    return sum;
}
