/* What a use makes of a key's clock, under each policy. In line, because each hit goes through it;
 * see evict.h for the words. Private to keyspace.
 *
 * Threads: any, with the key's shard held; the numbers drawn for lfu are the thread's own. */
#ifndef POLLARD_KEYSPACE_EVICT_USE_H
#define POLLARD_KEYSPACE_EVICT_USE_H

#include "shard.h"

/* The counter of a new key under lfu: so that it is not the first victim at once. Redis's. */
#define LFU_BEGIN 5
#define LFU_MAX 255
#define LFU_MINUTE_SHIFT 8
#define LFU_MINUTE_MASK UINT32_C(0xffff)

static inline uint32_t minute_at(int64_t now_ms)
{
    return (uint32_t)((uint64_t)now_ms / 60000) & LFU_MINUTE_MASK;
}

extern _Thread_local uint64_t lfu_draws ATTR_TLS_DIRECT;

/* 32 bits that are random enough for a counter, for a fifth of what random_u64 takes: the high half
 * of a multiplicative congruential generator of 64 bits (Knuth's multiplier). */
static inline uint64_t lfu_draw(void)
{
    lfu_draws *= UINT64_C(6364136223846793005);
    return lfu_draws >> 32;
}

/* Does the counter rise? The more seldom the higher it is. */
static inline bool lfu_rises(const struct keyspace *keyspace, uint32_t count)
{
    uint64_t factor = (uint64_t)option_get(&keyspace->options->lfu_log_factor);
    uint64_t odds = (count < LFU_BEGIN ? 0 : count - LFU_BEGIN) * factor + 1;
    return UNLIKELY(lfu_draw() * odds >> 32 == 0) && odds <= UINT32_MAX && count < LFU_MAX;
}

/* lfu, in another minute than the one before. */
uint32_t clock_lfu_later(const struct keyspace *keyspace, uint32_t clock, int64_t now_ms);

/* tinylfu: uses, halved for each epoch that went by. */
static inline uint32_t clock_tiny_uses(uint32_t clock, uint32_t now)
{
    uint32_t epochs = ((now >> TINY_EPOCH_SHIFT) - (clock >> TINY_EPOCH_SHIFT)) & TINY_EPOCH_MASK;
    return (clock & TINY_USES_MAX) >> epochs;
}

static inline uint32_t evict_now(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&((struct keyspace *)keyspace)->evict.now, memory_order_relaxed);
}

static inline uint32_t clock_used_tiny(const struct keyspace *keyspace, uint32_t clock)
{
    uint32_t now = evict_now(keyspace);
    /* Uses within a tick are one: a burst says little, and readers of a hot key leave its line
     * alone. */
    if (LIKELY(clock >> TICK_SHIFT == now >> TICK_SHIFT)) {
        return clock;
    }
    uint32_t uses = clock_tiny_uses(clock, now);
    return now | (uses < TINY_USES_MAX ? uses + 1 : uses);
}

/* Most uses change nothing, which is found out with little. */
static inline uint32_t clock_used_lfu(const struct keyspace *keyspace, uint32_t clock,
                                      int64_t now_ms)
{
    if (UNLIKELY(clock >> LFU_MINUTE_SHIFT != minute_at(now_ms))) {
        return clock_lfu_later(keyspace, clock, now_ms);
    }
    return clock + lfu_rises(keyspace, clock & LFU_MAX);
}

/* The key was used: the clock as it is then. */
static inline uint32_t clock_used(const struct keyspace *keyspace, uint32_t policy, uint32_t clock,
                                  int64_t now_ms)
{
    uint32_t kind = policy & POLICY_CLOCK;
    /* Not a switch: a jump table costs more than to ask for what was chosen on purpose first. */
    if (LIKELY(kind == CLOCK_USE)) {
        return clock_by_use(now_ms);
    }
    if (kind == CLOCK_LFU) {
        return clock_used_lfu(keyspace, clock, now_ms);
    }
    if (kind == CLOCK_TINYLFU) {
        return clock_used_tiny(keyspace, clock);
    }
    if (kind == CLOCK_S3FIFO) {
        return (clock & S3_USES) < S3_USES ? clock + 1 : clock;
    }
    return kind == CLOCK_SIEVE ? clock | SIEVE_VISITED : clock;
}

#endif
