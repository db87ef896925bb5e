/* The access clock of entries, under each policy: what a new key gets, what the clock says, and how
 * the ticks of some of them go on; what a use makes of it is in evict_use.h. Called with a shard
 * locked. See evict.h for the words. */
#include "evict_use.h"
#include "pollard/base/check.h"
#include "pollard/stats/stats.h"

/* tinylfu: of so many new keys of which nothing is known, one begins as if it were used twice. */
#define TINY_FAVOURED 32

/* Odd, as its generator wants it. */
_Thread_local uint64_t lfu_draws = 1;

uint32_t clock_lfu_count(const struct keyspace *keyspace, uint32_t clock, int64_t now_ms)
{
    uint32_t count = clock & LFU_MAX;
    uint32_t minutes = (minute_at(now_ms) - (clock >> LFU_MINUTE_SHIFT)) & LFU_MINUTE_MASK;
    if (LIKELY(minutes == 0)) {
        return count;
    }
    int64_t decay = option_get(&keyspace->options->lfu_decay_time);
    if (decay <= 0) {
        return count;
    }
    int64_t fall = minutes / decay;
    return fall < count ? count - (uint32_t)fall : 0;
}

uint32_t clock_lfu_later(const struct keyspace *keyspace, uint32_t clock, int64_t now_ms)
{
    uint32_t count = clock_lfu_count(keyspace, clock, now_ms);
    count += lfu_rises(keyspace, count);
    return minute_at(now_ms) << LFU_MINUTE_SHIFT | count;
}

uint32_t clock_begin(struct keyspace *keyspace, uint32_t policy, uint64_t hash, int64_t now_ms)
{
    enum clock_kind kind = (enum clock_kind)(policy & POLICY_CLOCK);
    if (kind == CLOCK_USE || kind == CLOCK_CHANGE) {
        return clock_by_use(now_ms);
    }
    if (kind == CLOCK_LFU) {
        return minute_at(now_ms) << LFU_MINUTE_SHIFT | LFU_BEGIN;
    }
    if (kind == CLOCK_SIEVE) {
        return 0;
    }
    /* Acquire: pairs with the release that publishes it. */
    const struct history *past = atomic_load_explicit(&keyspace->evict.past, memory_order_acquire);
    if ((hash & TICK_KEYS) == 0) {
        evict_tick(keyspace);
    }
    uint32_t now = evict_now(keyspace);
    uint32_t known =
        past == NULL ? 0 : history_uses(past, hash, now >> TINY_EPOCH_SHIFT & TINY_EPOCH_MASK);
    if (kind == CLOCK_TINYLFU) {
        /* In a loop over more keys than there is room for none would be met twice: some stay. */
        known += past != NULL && known == 0 && random_u64() % TINY_FAVOURED == 0;
        return now | (known < TINY_USES_MAX ? known + 1 : known);
    }
    return (now >> TICK_SHIFT) << TICK_SHIFT | (known > 0 ? S3_MAIN : 0);
}

uint32_t clock_uses(const struct keyspace *keyspace, uint32_t clock, int64_t now_ms)
{
    switch (policy_of(&keyspace->options->maxmemory_policy) & POLICY_CLOCK) {
    case CLOCK_LFU:
        return clock_lfu_count(keyspace, clock, now_ms);
    case CLOCK_TINYLFU:
        return clock_tiny_uses(clock, evict_now(keyspace));
    default:
        return 0;
    }
}

int64_t clock_idle_s(uint32_t policy, uint32_t clock, int64_t now_ms)
{
    switch ((enum clock_kind)(policy & POLICY_CLOCK)) {
    case CLOCK_USE:
    case CLOCK_CHANGE:
        return ((int64_t)(uint32_t)(clock_by_use(now_ms) - clock) << CLOCK_SHIFT) / 1000;
    case CLOCK_LFU:
        return (int64_t)((minute_at(now_ms) - (clock >> LFU_MINUTE_SHIFT)) & LFU_MINUTE_MASK) * 60;
    case CLOCK_TINYLFU:
    case CLOCK_S3FIFO:
    case CLOCK_SIEVE:
        break;
    }
    return 0;
}

/* Uses so far: hits, and changes, which also bring the keys that were missed. */
static uint64_t count_uses(void)
{
    return stats_sum_ever(STAT_keyspace_hits) + stats_sum_ever(STAT_changes);
}

void evict_tick(struct keyspace *keyspace)
{
    struct evict *evict = &keyspace->evict;
    /* Acquire: pairs with the release below. Who comes too early leaves it to the other. */
    if (atomic_exchange_explicit(&evict->is_ticking, true, memory_order_acquire)) {
        return;
    }
    uint32_t now = atomic_load_explicit(&evict->now, memory_order_relaxed);
    uint32_t tick = now >> TICK_SHIFT;
    uint32_t epoch = now >> TINY_EPOCH_SHIFT & TINY_EPOCH_MASK;
    uint64_t uses = count_uses();
    if (evict->uses_per_tick == 0 || ((tick - evict->unit_tick) & TICK_MASK) >= TICKS_PER_KEYS) {
        evict->uses_per_tick = evict_key_count(keyspace) / TICKS_PER_KEYS + 1;
        evict->unit_tick = tick;
    }
    uint64_t ticks = (uses - evict->uses_ticked) / evict->uses_per_tick;
    evict->uses_ticked += ticks * evict->uses_per_tick;
    tick = (tick + (uint32_t)ticks) & TICK_MASK;
    if (((tick - evict->epoch_tick) & TICK_MASK) >= EPOCH_TICKS) {
        epoch = (epoch + 1) & TINY_EPOCH_MASK;
        evict->epoch_tick = tick;
    }
    atomic_store_explicit(&evict->now, tick << TICK_SHIFT | epoch << TINY_EPOCH_SHIFT,
                          memory_order_relaxed);
    atomic_store_explicit(&evict->is_ticking, false, memory_order_release);
}
