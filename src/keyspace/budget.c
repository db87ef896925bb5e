/* The memory budget: what the data may take, and whether the process stays within maxmemory.
 *
 *   maxmemory = budget of the data + reserve
 *   data      = memory in use - what clients take
 *   resident  = memory in use + what the allocator holds but cannot use: kept to maxmemory by the
 *               trimming (trim.c), which the reserve gives its room
 *
 * On the data path of commands that may need memory while there is a limit: a look at the clock.
 * Any thread. Invariant: what clients take within the reserve never makes data over its budget, so
 * that nothing is evicted for them; beyond it they are closed (client/memory.c). */
#include "key.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"

/* How long a look at the memory in use, and one at the resident size, is good for. */
#define USED_LOOK_NS 500000
#define RESIDENT_LOOK_NS 2000000
/* What threads and their buffers come to take besides, once there are clients. */
#define OWN_GROWTH ((uint64_t)2 * 1024 * 1024)

uint64_t keyspace_reserve(const struct keyspace *keyspace)
{
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    uint64_t most =
        atomic_load_explicit(&((struct keyspace *)keyspace)->client_limit, memory_order_relaxed);
    uint64_t reserve = option_share_of(&keyspace->options->reserve, limit);
    reserve = most != 0 && most < reserve ? most : reserve;
    return reserve < limit ? reserve : limit;
}

void keyspace_set_clients(struct keyspace *keyspace, uint64_t bytes, uint64_t limit)
{
    /* Compared first: every reactor says it once a cycle, and it changes seldom. */
    if (atomic_load_explicit(&keyspace->client_bytes, memory_order_relaxed) != bytes) {
        atomic_store_explicit(&keyspace->client_bytes, bytes, memory_order_relaxed);
    }
    if (atomic_load_explicit(&keyspace->client_limit, memory_order_relaxed) != limit) {
        atomic_store_explicit(&keyspace->client_limit, limit, memory_order_relaxed);
    }
}

/* Is the caller the one that looks again? The others take the last answer. */
static bool is_stale(_Atomic uint64_t *looked, uint64_t now, uint64_t ns)
{
    uint64_t last = atomic_load_explicit(looked, memory_order_relaxed);
    return now - last > clock_ns_to_ticks(ns) &&
           atomic_compare_exchange_strong_explicit(looked, &last, now, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* What clients take beyond the reserve is for them to give back, or stays if they may not be
 * closed: then the data yields. */
static uint64_t not_data_within(struct keyspace *keyspace, uint64_t reserve)
{
    uint64_t dying = atomic_load_explicit(&keyspace->dying_bytes, memory_order_relaxed);
    uint64_t clients = atomic_load_explicit(&keyspace->client_bytes, memory_order_relaxed);
    return (clients < reserve ? clients : reserve) + dying;
}

uint64_t keyspace_not_data(const struct keyspace *keyspace)
{
    return not_data_within((struct keyspace *)keyspace, keyspace_reserve(keyspace));
}

static void look_at_used(struct keyspace *keyspace, uint64_t limit)
{
    uint64_t used = mem_used();
    uint64_t reserve = keyspace_reserve(keyspace);
    uint64_t not_data = not_data_within(keyspace, reserve);
    uint64_t data = used > not_data ? used - not_data : 0;
    uint64_t slack = atomic_load_explicit(&keyspace->trim.squeeze_bytes, memory_order_relaxed);
    uint64_t budget = limit - reserve;
    budget = budget > slack ? budget - slack : 0;
    atomic_store_explicit(&keyspace->over_bytes, data > budget ? data - budget : 0,
                          memory_order_relaxed);
    if (used > atomic_load_explicit(&keyspace->peak_bytes, memory_order_relaxed)) {
        int64_t at_s;
        uint64_t peak = stats_memory_peak(used, clock_ms() / 1000, &at_s);
        atomic_store_explicit(&keyspace->peak_bytes, peak, memory_order_relaxed);
    }
}

size_t keyspace_over_budget(const struct keyspace *keyspace)
{
    int64_t limit = option_get(&keyspace->options->maxmemory);
    if (LIKELY(limit == 0)) {
        return 0;
    }
    struct keyspace *self = (struct keyspace *)keyspace;
    uint64_t now = clock_ticks();
    if (is_stale(&self->used_looked_ticks, now, USED_LOOK_NS)) {
        look_at_used(self, (uint64_t)limit);
        if (is_stale(&self->resident_looked_ticks, now, RESIDENT_LOOK_NS)) {
            trim_look(self, (uint64_t)limit);
        }
    }
    return atomic_load_explicit(&self->over_bytes, memory_order_relaxed);
}

void keyspace_note_own_size(struct keyspace *keyspace)
{
    keyspace->trim.own_bytes = mem_rss() + OWN_GROWTH;
}

void keyspace_look_at_waste(struct keyspace *keyspace)
{
    if (is_stale(&keyspace->resident_looked_ticks, clock_ticks(), RESIDENT_LOOK_NS)) {
        trim_look(keyspace, /* limit= */ 0);
    }
}

struct budget_view keyspace_budget_view(const struct keyspace *keyspace)
{
    return (struct budget_view){
        .over_bytes = &keyspace->over_bytes,
        .looked_ticks = &keyspace->used_looked_ticks,
        .over_since_us = &keyspace->evict.over_since_us,
        .pressure = &keyspace->trim.pressure,
        .look_ticks = clock_ns_to_ticks(USED_LOOK_NS),
    };
}

bool keyspace_over_limit(const struct keyspace *keyspace)
{
    return keyspace_over_budget(keyspace) > 0;
}
