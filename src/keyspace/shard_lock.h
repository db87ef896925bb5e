/* The shards' reader-writer lock: one word, no waiting inside. Who finds it taken spins a little or
 * queues at the shard (access.c); a thread never sleeps in it.
 *
 *   bits 0-15 readers | 16 writer | 17 jobs queue | 18 ticket | 20-27 long holders | 28 has notes
 *
 * Acquire operations pair with the release in shard_unlock_*: what a holder wrote is seen by the
 * next one. */
#ifndef POLLARD_KEYSPACE_SHARD_LOCK_H
#define POLLARD_KEYSPACE_SHARD_LOCK_H

#include "pollard/base/attr.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SHARD_READERS UINT32_C(0xffff)
#define SHARD_WRITER (UINT32_C(1) << 16)
#define SHARD_QUEUED (UINT32_C(1) << 17)
#define SHARD_TICKET (UINT32_C(1) << 18)
#define SHARD_LONG_ONE (UINT32_C(1) << 20)
#define SHARD_LONG (UINT32_C(0xff) << 20)
/* Keys of the shard are watched or waited for; changes under the exclusive lock only. */
#define SHARD_NOTED (UINT32_C(1) << 28)

/* The holders that stand in the way of one of this kind. */
static inline uint32_t shard_rivals(bool exclusive)
{
    return exclusive ? SHARD_WRITER | SHARD_READERS : SHARD_WRITER;
}

/* One try. respects: what else it gives way to, of SHARD_TICKET and SHARD_QUEUED. extra is
 * SHARD_LONG_ONE for long holders, 0 else; the same is given to the unlock. */
static inline bool shard_try_lock(_Atomic uint32_t *word, bool exclusive, uint32_t respects,
                                  uint32_t extra)
{
    uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);
    uint32_t add = (exclusive ? SHARD_WRITER : 1) + extra;
    while ((seen & (shard_rivals(exclusive) | respects)) == 0) {
        if (atomic_compare_exchange_weak_explicit(word, &seen, seen + add, memory_order_acquire,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* Returns whether jobs queue and may have a chance now: the caller then wakes them. */
static inline bool shard_unlock_word(_Atomic uint32_t *word, bool exclusive, uint32_t extra)
{
    uint32_t take = (exclusive ? SHARD_WRITER : 1) + extra;
    uint32_t left = atomic_fetch_sub_explicit(word, take, memory_order_release) - take;
    return UNLIKELY((left & SHARD_QUEUED) != 0) && (left & SHARD_READERS) == 0;
}

#endif
