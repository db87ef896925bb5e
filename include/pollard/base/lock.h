/* Mutexes with ranks. Debug builds keep the ranks a thread holds and check() that they only rise.
 * The rank table stands in docs/locking.md. The shards' own lock is keyspace/shard_lock.h. */
#ifndef POLLARD_BASE_LOCK_H
#define POLLARD_BASE_LOCK_H

#include "pollard/base/attr.h"
#include <pthread.h>
#include <stdint.h>

enum lock_rank {
    LOCK_RANK_CONFIG = 1,
    LOCK_RANK_REGISTRY,
    LOCK_RANK_GATE,
    LOCK_RANK_GATE_OPEN,
    LOCK_RANK_SHARD,
    LOCK_RANK_SHARD_QUEUE,
    LOCK_RANK_RETIRE,
    LOCK_RANK_PREFIXES,
    LOCK_RANK_TRACKING_SETUP,
    LOCK_RANK_TRACKING,
    LOCK_RANK_PUBSUB,
    LOCK_RANK_PATTERNS,
    LOCK_RANK_POOL,
    LOCK_RANK_MAILBOX,
    LOCK_RANK_HOTKEYS,
    LOCK_RANK_STATS,
    LOCK_RANK_LOG
};

struct CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_deinit(struct lock *lock);
void lock_acquire(struct lock *lock) ACQUIRE(*lock);
void lock_release(struct lock *lock) RELEASE(*lock);
/* For locks that are not struct lock: tells the rank checker. Nothing at all in release builds. */
#if POLLARD_DEBUG
void lock_rank_enter(enum lock_rank rank);
void lock_rank_leave(enum lock_rank rank);
#else
static inline void lock_rank_enter(enum lock_rank rank)
{
    (void)rank;
}
static inline void lock_rank_leave(enum lock_rank rank)
{
    (void)rank;
}
#endif

#endif
