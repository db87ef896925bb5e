/* Threads and their indexes.
 *
 * Not on the data path, but thread_index() is: per-thread counters are arrays over it. The index
 * table is guarded by one mutex, taken at the start and end of threads only.
 * Invariants: 1. No two living threads have the same index. 2. The limit never falls. */
#define _GNU_SOURCE
#include "pollard/base/thread.h"
#include "pollard/base/mem.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's longest thread name, with its NUL. */
#define THREAD_NAME_SIZE 16
/* Far enough from 0 that the scheduler prefers any normal thread; short of the 19 that starves. */
#define THREAD_NICE_VALUE 10

struct thread {
    pthread_t handle;
    uint32_t index;
    void (*body)(void *);
    void *argument;
    char name[THREAD_NAME_SIZE];
};

_Thread_local uint32_t thread_index_self = THREAD_INDEX_NONE;

static pthread_mutex_t index_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool index_is_used[THREADS_MAX];
static _Atomic uint32_t index_limit;

/* The lowest free index, or THREAD_INDEX_NONE. */
static uint32_t index_take(void)
{
    check(pthread_mutex_lock(&index_mutex) == 0);
    uint32_t index = 0;
    while (index < THREADS_MAX && index_is_used[index]) {
        index++;
    }
    if (index == THREADS_MAX) {
        index = THREAD_INDEX_NONE;
    } else {
        index_is_used[index] = true;
        /* Pairs with the acquire in thread_index_limit(). Only changed under the mutex. */
        if (atomic_load_explicit(&index_limit, memory_order_relaxed) <= index) {
            atomic_store_explicit(&index_limit, index + 1, memory_order_release);
        }
    }
    check(pthread_mutex_unlock(&index_mutex) == 0);
    return index;
}

static void index_give(uint32_t index)
{
    check(pthread_mutex_lock(&index_mutex) == 0);
    check(index_is_used[index]);
    index_is_used[index] = false;
    check(pthread_mutex_unlock(&index_mutex) == 0);
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    thread_index_self = thread->index;
    mem_thread_begin();
    (void)pthread_setname_np(pthread_self(), thread->name); /* A name is a help, no promise. */
    thread->body(thread->argument);
    mem_thread_end();
    thread_index_self = THREAD_INDEX_NONE;
    index_give(thread->index);
    return NULL;
}

struct thread *thread_start(const char *name, void (*body)(void *), void *argument)
{
    uint32_t index = index_take();
    if (index == THREAD_INDEX_NONE) {
        return NULL;
    }
    struct thread *thread = mem_alloc_zero(sizeof(*thread));
    thread->index = index;
    thread->body = body;
    thread->argument = argument;
    (void)snprintf(thread->name, sizeof(thread->name), "%s", name);
    /* A thread inherits its creator's mask: block everything around the creation, so that signals
     * go to the thread that waits for them. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    check(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int failed = pthread_create(&thread->handle, NULL, thread_main, thread);
    check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (failed != 0) {
        index_give(index);
        mem_free(thread);
        return NULL;
    }
    return thread;
}

void thread_join(struct thread **thread)
{
    if (*thread == NULL) {
        return;
    }
    check(pthread_join((*thread)->handle, NULL) == 0);
    mem_free(*thread);
    *thread = NULL;
}

void thread_adopt(void)
{
    check(thread_index_self == THREAD_INDEX_NONE);
    thread_index_self = index_take();
    check(thread_index_self != THREAD_INDEX_NONE);
    mem_thread_begin();
}

void thread_release(void)
{
    check(thread_index_self != THREAD_INDEX_NONE);
    mem_thread_end();
    index_give(thread_index_self);
    thread_index_self = THREAD_INDEX_NONE;
}

uint32_t thread_index_limit(void)
{
    /* Pairs with the release in index_take(): who sees the limit sees the slot in use. */
    return atomic_load_explicit(&index_limit, memory_order_acquire);
}

uint32_t thread_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return (uint32_t)CPU_COUNT(&set);
    }
    /* More CPUs than the set has room for. */
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (uint32_t)online;
}

void thread_nice(void)
{
    /* Linux keeps the nice value per thread. Failure leaves a normal thread, which is correct. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), THREAD_NICE_VALUE);
}
