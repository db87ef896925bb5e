/* The worker pool: two queues under one lock, workers that sleep when both are empty.
 *
 * Threads: any may submit. Invariants:
 * 1. Worker 0 takes from the quick lane only.
 * 2. A worker sleeps only after it has found its lanes empty under the lock. */
#include "pollard/exec/pool.h"
#include "pollard/base/check.h"
#include "pollard/base/lock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"

struct lane {
    struct pool_task *head;
    struct pool_task **tail;
    size_t count;
};

struct worker {
    struct pool *pool;
    struct thread *thread;
    bool quick_only;
};

struct pool {
    struct lock lock;
    struct lane lanes[POOL_LANES];
    pthread_cond_t quick_wake; /* worker 0 waits here */
    pthread_cond_t wake;       /* the others */
    uint32_t idle_quick;
    uint32_t idle;
    bool stopping;
    uint32_t worker_count;
    struct worker workers[];
};

static struct pool_task *lane_take(struct lane *lane)
{
    struct pool_task *task = lane->head;
    if (task != NULL) {
        lane->head = task->next;
        lane->count--;
        if (lane->head == NULL) {
            lane->tail = &lane->head;
        }
    }
    return task;
}

/* The next task for this worker, or NULL when the pool stops. Sleeps in between. */
static struct pool_task *worker_next(struct worker *worker) NO_LOCK_ANALYSIS
{
    struct pool *pool = worker->pool;
    struct pool_task *task;
    lock_acquire(&pool->lock);
    for (;;) {
        task = lane_take(&pool->lanes[POOL_QUICK]);
        if (task == NULL && !worker->quick_only) {
            task = lane_take(&pool->lanes[POOL_LONG]);
        }
        if (task != NULL || pool->stopping) {
            break;
        }
        uint32_t *idle = worker->quick_only ? &pool->idle_quick : &pool->idle;
        (*idle)++;
        pthread_cond_wait(worker->quick_only ? &pool->quick_wake : &pool->wake, &pool->lock.mutex);
        (*idle)--;
    }
    lock_release(&pool->lock);
    return task;
}

static void worker_body(void *argument)
{
    struct worker *worker = argument;
    struct pool_task *task;
    while ((task = worker_next(worker)) != NULL) {
        task->run(task);
    }
}

struct pool *pool_create(uint32_t threads)
{
    check(threads >= 2);
    struct pool *pool = mem_alloc_zero(sizeof(*pool) + threads * sizeof(pool->workers[0]));
    lock_init(&pool->lock, LOCK_RANK_POOL);
    pthread_cond_init(&pool->quick_wake, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (int i = 0; i < POOL_LANES; i++) {
        pool->lanes[i].tail = &pool->lanes[i].head;
    }
    pool->worker_count = threads;
    for (uint32_t i = 0; i < threads; i++) {
        pool->workers[i].pool = pool;
        pool->workers[i].quick_only = i == 0;
        pool->workers[i].thread = thread_start("worker", worker_body, &pool->workers[i]);
        check(pool->workers[i].thread != NULL);
    }
    return pool;
}

void pool_submit(struct pool *pool, struct pool_task *task, enum pool_lane lane)
{
    task->next = NULL;
    lock_acquire(&pool->lock);
    struct lane *queue = &pool->lanes[lane];
    *queue->tail = task;
    queue->tail = &task->next;
    queue->count++;
    bool wake_quick = lane == POOL_QUICK && pool->idle_quick > 0;
    bool wake_other = !wake_quick && pool->idle > 0;
    lock_release(&pool->lock);
    if (wake_quick) {
        pthread_cond_signal(&pool->quick_wake);
    } else if (wake_other) {
        pthread_cond_signal(&pool->wake);
    }
}

void pool_destroy(struct pool **pool_pointer)
{
    struct pool *pool = *pool_pointer;
    if (pool == NULL) {
        return;
    }
    lock_acquire(&pool->lock);
    pool->stopping = true;
    lock_release(&pool->lock);
    pthread_cond_broadcast(&pool->quick_wake);
    pthread_cond_broadcast(&pool->wake);
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        thread_join(&pool->workers[i].thread);
    }
    /* Worker 0 leaves the long lane alone, the others empty it before they end. */
    check(pool->lanes[POOL_QUICK].count == 0 && pool->lanes[POOL_LONG].count == 0);
    pthread_cond_destroy(&pool->quick_wake);
    pthread_cond_destroy(&pool->wake);
    lock_deinit(&pool->lock);
    mem_free(pool);
    *pool_pointer = NULL;
}

size_t pool_queued(struct pool *pool, enum pool_lane lane)
{
    lock_acquire(&pool->lock);
    size_t count = pool->lanes[lane].count;
    lock_release(&pool->lock);
    return count;
}

uint32_t pool_threads(const struct pool *pool)
{
    return pool->worker_count;
}
