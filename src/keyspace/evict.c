/* Evicting: the steps, and what is kept for them. See evict.h for the idea.
 *
 * Off the data path until the budget is reached. Then a step of some keys stands before a command
 * that may need memory, and others run on the pool. No step waits for anybody. */
#include "evict_step.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

/* What the pool evicts ahead of need: this share of maxmemory, at most so many bytes, in steps of
 * so many keys. */
#define AHEAD_SHARE 256
#define AHEAD_MAX ((uint64_t)4 * 1024 * 1024)
#define AHEAD_KEYS 64
/* Without an eviction for so long, what was judged before is not worth knowing. */
#define POOL_AGE_MS 1000

void evict_init(struct keyspace *keyspace)
{
    struct evict *evict = &keyspace->evict;
    evict->hands = mem_alloc_zero(keyspace->shard_count * sizeof(*evict->hands));
    evict->evictors = mem_alloc_zero(EVICTORS * sizeof(*evict->evictors));
}

void evict_deinit(struct keyspace *keyspace)
{
    mem_free(atomic_load_explicit(&keyspace->evict.past, memory_order_relaxed));
    mem_free(keyspace->evict.evictors);
    mem_free(keyspace->evict.hands);
}

uint64_t evict_key_count(const struct keyspace *keyspace)
{
    uint64_t keys = 0;
    for (uint32_t db = 0; db < keyspace->database_count; db++) {
        keys += keyspace_size(keyspace, db);
    }
    return keys;
}

/* Is there any key that the policy may evict? */
static bool has_candidates(const struct keyspace *keyspace, uint32_t policy)
{
    uint64_t keys = 0;
    for (uint32_t db = 0; db < keyspace->database_count && keys == 0; db++) {
        keys += (policy & POLICY_VOLATILE) != 0 ? keyspace_expires(keyspace, db)
                                                : keyspace_size(keyspace, db);
    }
    return keys > 0 && (policy & POLICY_NONE) == 0;
}

/* Memory of evicted keys as large as the number of keys asks for, or none. No lock held. */
static void keep_history(struct keyspace *keyspace, uint32_t policy)
{
    struct evict *evict = &keyspace->evict;
    uint32_t kind = policy & POLICY_CLOCK;
    bool is_wanted = kind == CLOCK_TINYLFU || kind == CLOCK_S3FIFO;
    struct history *old = atomic_load_explicit(&evict->past, memory_order_acquire);
    uint64_t keys = is_wanted ? evict_key_count(keyspace) : 0;
    if (is_wanted ? old != NULL && history_fits(old, keys) : old == NULL) {
        return;
    }
    struct history *made = is_wanted ? history_create(old, keys) : NULL;
    /* Release: pairs with the acquires of those who look. */
    if (atomic_compare_exchange_strong_explicit(&evict->past, &old, made, memory_order_acq_rel,
                                                memory_order_relaxed)) {
        gate_retire(&keyspace->gate, old);
    } else {
        mem_free(made);
    }
}

static bool wants_more(const struct step *step)
{
    return step->ahead > 0 ||
           atomic_load_explicit(&step->keyspace->over_bytes, memory_order_relaxed) > 0;
}

/* One of the evictors, for this thread; NULL when others have it. */
static struct evictor *take_evictor(struct keyspace *keyspace, uint32_t policy)
{
    struct evictor *evictor = &keyspace->evict.evictors[thread_index() % EVICTORS];
    /* Acquire: pairs with the release when it is given back. */
    if (atomic_exchange_explicit(&evictor->is_busy, true, memory_order_acquire)) {
        return NULL;
    }
    int64_t now_ms = clock_monotonic_ms();
    if (evictor->policy != policy) {
        evictor->policy = policy;
        evictor->small_share = 65536;
        evictor->filled_ms = 0;
    }
    if (now_ms - evictor->filled_ms > POOL_AGE_MS) {
        evictor->pool.count = 0;
        evictor->main.count = 0;
    }
    evictor->filled_ms = now_ms;
    return evictor;
}

static uint32_t samples_of(const struct keyspace *keyspace)
{
    int64_t samples = option_get(&keyspace->options->maxmemory_samples);
    return samples < POOL_SIZE ? (uint32_t)samples : POOL_SIZE;
}

static void note_over(struct keyspace *keyspace, bool is_over)
{
    struct evict *evict = &keyspace->evict;
    int64_t since_us = atomic_load_explicit(&evict->over_since_us, memory_order_relaxed);
    if (is_over == (since_us != 0)) {
        return;
    }
    int64_t now_us = clock_monotonic_us();
    if (atomic_compare_exchange_strong_explicit(&evict->over_since_us, &since_us,
                                                is_over ? now_us : 0, memory_order_relaxed,
                                                memory_order_relaxed) &&
        !is_over) {
        atomic_fetch_add_explicit(&evict->over_us, (uint64_t)(now_us - since_us),
                                  memory_order_relaxed);
    }
}

/* Evicts at most max_keys, until the budget holds and so many bytes more are gone. Returns how many
 * of these are left. */
static uint64_t evict_step(struct keyspace *keyspace, uint32_t policy, uint32_t max_keys,
                           uint64_t ahead, uint32_t *ret_evicted)
{
    struct evictor *evictor = take_evictor(keyspace, policy);
    *ret_evicted = 0;
    if (evictor == NULL) {
        return ahead;
    }
    struct step step = {.keyspace = keyspace,
                        .evictor = evictor,
                        .policy = policy,
                        .samples = samples_of(keyspace),
                        .most = max_keys,
                        .ahead = ahead,
                        .now_ms = clock_ms()};
    if (ahead > 0 || keyspace->hooks.want_evict == NULL) {
        /* On the pool, if there is one: it may be much memory. */
        keep_history(keyspace, policy);
    }
    while (step.evicted < max_keys && wants_more(&step) && step_evict(&step)) {
    }
    atomic_store_explicit(&evictor->is_busy, false, memory_order_release);
    if (step.has_told) {
        keyspace_settle(keyspace);
    }
    *ret_evicted = step.evicted;
    return step.ahead;
}

uint32_t keyspace_evict(struct keyspace *keyspace, uint32_t max_keys, bool *ret_none)
{
    uint32_t policy = policy_of(&keyspace->options->maxmemory_policy);
    uint32_t evicted = 0;
    *ret_none = !has_candidates(keyspace, policy);
    if (!*ret_none) {
        (void)evict_step(keyspace, policy, max_keys, /* ahead= */ 0, &evicted);
    }
    return evicted;
}

bool keyspace_evict_ahead(struct keyspace *keyspace, uint64_t *bytes)
{
    uint32_t policy = policy_of(&keyspace->options->maxmemory_policy);
    uint32_t evicted;
    uint64_t begin = *bytes;
    if (!has_candidates(keyspace, policy)) {
        return false;
    }
    (void)keyspace_over_budget(keyspace);
    *bytes = evict_step(keyspace, policy, AHEAD_KEYS, begin, &evicted);
    return evicted > 0 && *bytes > 0;
}

uint64_t keyspace_evict_margin(const struct keyspace *keyspace)
{
    uint64_t share = (uint64_t)option_get(&keyspace->options->maxmemory) / AHEAD_SHARE;
    return share < AHEAD_MAX ? share : AHEAD_MAX;
}

void keyspace_look_again(struct keyspace *keyspace)
{
    atomic_store_explicit(&keyspace->used_looked_ticks, 0, memory_order_relaxed);
}

bool keyspace_make_room(struct keyspace *keyspace, uint32_t max_keys)
{
    bool has_none = false;
    if (LIKELY(keyspace_over_budget(keyspace) == 0)) {
        note_over(keyspace, false);
        return true;
    }
    note_over(keyspace, true);
    (void)keyspace_evict(keyspace, max_keys, &has_none);
    if (!has_none && keyspace->hooks.want_evict != NULL) {
        keyspace->hooks.want_evict(keyspace->hooks.context);
    }
    return !has_none;
}

void keyspace_over_times(const struct keyspace *keyspace, int64_t *ret_total_ms,
                         int64_t *ret_current_ms)
{
    struct evict *evict = (struct evict *)&keyspace->evict;
    int64_t since_us = atomic_load_explicit(&evict->over_since_us, memory_order_relaxed);
    int64_t current_us = since_us == 0 ? 0 : clock_monotonic_us() - since_us;
    uint64_t before_us = atomic_load_explicit(&evict->over_us, memory_order_relaxed);
    *ret_total_ms = ((int64_t)before_us + current_us) / 1000;
    *ret_current_ms = current_us / 1000;
}
