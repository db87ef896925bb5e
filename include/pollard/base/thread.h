/* Threads and their small indexes: per-thread counters and gate flags are arrays over them. */
#ifndef POLLARD_BASE_THREAD_H
#define POLLARD_BASE_THREAD_H

#include "pollard/base/check.h"
#include <stdbool.h>
#include <stdint.h>

#define THREADS_MAX 256
/* What thread_index_self is in threads that have no index. */
#define THREAD_INDEX_NONE UINT32_MAX

struct thread;

/* Starts a thread named name (<= 15 bytes) at body(argument), with all signals blocked, a free
 * index and memory accounting. NULL when the system or the index table is out. The caller joins.
 */
struct thread *thread_start(const char *name, void (*body)(void *), void *argument);
/* Waits for the end and frees; the pointer is nulled. */
void thread_join(struct thread **thread);
/* Gives the calling thread (main, test threads) an index, and takes it away again. */
void thread_adopt(void);
void thread_release(void);
/* 0 .. THREADS_MAX - 1; only in threads started or adopted. */
extern _Thread_local uint32_t thread_index_self;
static inline uint32_t thread_index(void)
{
    debug_check(thread_index_self != THREAD_INDEX_NONE);
    return thread_index_self;
}
/* One more than the largest index ever used: the bound for walks over per-thread arrays. */
uint32_t thread_index_limit(void);
/* Lets a spinning thread breathe (pause instruction). */
static inline void thread_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
/* CPUs that the calling thread may run on, at least 1. A system call. */
uint32_t thread_cpus(void);
/* Lowers the calling thread's priority: only for threads that never hold a shard. */
void thread_nice(void);

#endif
