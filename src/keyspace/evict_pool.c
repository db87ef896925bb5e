/* The pool of candidates, and what makes one worse than another. */
#include "key.h"
#include "pollard/base/check.h"

void pool_offer(struct pool *pool, uint64_t score, const struct candidate *candidate)
{
    if (pool->count == POOL_SIZE && score <= pool->scores[0]) {
        return;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->candidates[i].entry == candidate->entry) {
            return;
        }
        at += pool->scores[i] < score;
    }
    if (pool->count == POOL_SIZE) {
        /* The best goes. */
        at--;
        memmove(&pool->scores[0], &pool->scores[1], at * sizeof(pool->scores[0]));
        memmove(&pool->candidates[0], &pool->candidates[1], at * sizeof(pool->candidates[0]));
    } else {
        uint32_t above = pool->count - at;
        memmove(&pool->scores[at + 1], &pool->scores[at], above * sizeof(pool->scores[0]));
        memmove(&pool->candidates[at + 1], &pool->candidates[at],
                above * sizeof(pool->candidates[0]));
        pool->count++;
    }
    pool->scores[at] = score;
    pool->candidates[at] = *candidate;
}

bool pool_take(struct pool *pool, struct candidate *ret_candidate)
{
    if (pool->count == 0) {
        return false;
    }
    pool->count--;
    *ret_candidate = pool->candidates[pool->count];
    return true;
}

/* How long it takes until it is used again, by how often it was used, but at least as long as it
 * was not: what was popular once goes when others are. Then how long it was not used. Measured,
 * with other weights of the two: docs/decisions/0011-eviction.md. */
static uint64_t tiny_score(uint32_t clock, uint32_t now)
{
    uint64_t uses = clock_tiny_uses(clock, now);
    uint64_t idle = ((now >> TICK_SHIFT) - (clock >> TICK_SHIFT)) & TICK_MASK;
    uint64_t gap = uses == 0 ? 2 * EPOCH_TICKS : EPOCH_TICKS / uses;
    gap = idle > gap ? idle : gap;
    return gap << 32 | idle;
}

uint64_t evict_score(const struct keyspace *keyspace, uint32_t policy, const struct entry *entry,
                     int64_t now_ms)
{
    uint32_t clock = clock_get(entry);
    uint32_t now =
        atomic_load_explicit(&((struct keyspace *)keyspace)->evict.now, memory_order_relaxed);
    if (entry_is_expired(entry, now_ms)) {
        return UINT64_MAX;
    }
    switch (policy & POLICY_ORDER) {
    case ORDER_RANDOM:
        return random_u64() >> 1;
    case ORDER_TTL:
        return (UINT64_MAX >> 1) - (uint64_t)entry_expiry(entry);
    default:
        break;
    }
    switch ((enum clock_kind)(policy & POLICY_CLOCK)) {
    case CLOCK_USE:
    case CLOCK_CHANGE: {
        /* By the moment of the last use, which stays what it is while others age. */
        uint64_t at = (uint64_t)now_ms >> CLOCK_SHIFT;
        return (UINT64_MAX >> 1) - at + (uint32_t)(clock_by_use(now_ms) - clock);
    }
    case CLOCK_LFU: {
        uint64_t at = (uint64_t)clock_idle_s(policy, clock, now_ms);
        return (uint64_t)(UINT8_MAX - clock_lfu_count(keyspace, clock, now_ms)) << 32 | at;
    }
    case CLOCK_TINYLFU:
        return tiny_score(clock, now);
    case CLOCK_S3FIFO:
        return ((now >> TICK_SHIFT) - (clock >> TICK_SHIFT)) & TICK_MASK;
    case CLOCK_SIEVE:
        break;
    }
    check_unreachable();
}
