/* Mutexes with ranks.
 *
 * On the data path of whatever is shared and not a shard. Debug builds count, per thread, the locks
 * held of each rank.
 * Invariant: while a thread holds a rank it takes only higher ones; shard locks alone may be held
 * several at a time, because they are taken all or none (docs/locking.md). */
#include "pollard/base/lock.h"
#include "pollard/base/check.h"

#if POLLARD_DEBUG
static _Thread_local uint32_t held_counts[LOCK_RANK_LOG + 1];

void lock_rank_enter(enum lock_rank rank)
{
    check(rank >= LOCK_RANK_CONFIG);
    check(rank <= LOCK_RANK_LOG);
    unsigned lowest_forbidden = rank == LOCK_RANK_SHARD ? (unsigned)rank + 1 : (unsigned)rank;
    for (unsigned other = lowest_forbidden; other <= LOCK_RANK_LOG; other++) {
        check(held_counts[other] == 0);
    }
    held_counts[rank]++;
}

void lock_rank_leave(enum lock_rank rank)
{
    check(held_counts[rank] > 0);
    held_counts[rank]--;
}
#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
    check(pthread_mutex_init(&lock->mutex, NULL) == 0);
    lock->rank = rank;
}

void lock_deinit(struct lock *lock)
{
    check(pthread_mutex_destroy(&lock->mutex) == 0);
}

void lock_acquire(struct lock *lock) NO_LOCK_ANALYSIS
{
    lock_rank_enter(lock->rank);
    check(pthread_mutex_lock(&lock->mutex) == 0);
}

void lock_release(struct lock *lock) NO_LOCK_ANALYSIS
{
    check(pthread_mutex_unlock(&lock->mutex) == 0);
    lock_rank_leave(lock->rank);
}
