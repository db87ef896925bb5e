/* The worker pool: threads for what would hold up a reactor.
 *
 * Two lanes: QUICK for work that is short once it may begin (a command that met a busy shard), LONG
 * for the rest. One worker serves the quick lane only, so that long jobs never occupy all. */
#ifndef POLLARD_EXEC_POOL_H
#define POLLARD_EXEC_POOL_H

#include "pollard/base/attr.h"
#include <stddef.h>
#include <stdint.h>

struct pool;

enum pool_lane { POOL_QUICK, POOL_LONG, POOL_LANES };

/* Work; the submitter embeds it and keeps it alive until run is called. */
struct pool_task {
    struct pool_task *next; /* private */
    void (*run)(struct pool_task *task);
};

/* At least 2 threads. Aborts when the system refuses them: start-up. */
ATTR_MUST_USE struct pool *pool_create(uint32_t threads);
/* Queues; never blocks longer than the queue's lock, never fails. Any thread. */
void pool_submit(struct pool *pool, struct pool_task *task, enum pool_lane lane);
/* Waits for queued and running tasks, ends the threads, frees. Nulls the pointer. */
void pool_destroy(struct pool **pool);
/* Tasks waiting now, for INFO. */
size_t pool_queued(struct pool *pool, enum pool_lane lane);
uint32_t pool_threads(const struct pool *pool);

#endif
