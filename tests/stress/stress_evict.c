/* Stress of eviction: threads that write more than there is room for, readers, expiry and eviction
 * ahead of need beside them, while the policy changes all the time.
 *
 * Bounded by operations. At the end every invariant holds, the counters fit the keys, and the
 * memory stays near the limit. Each thread prints nothing; main prints the figures. */
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/keyspace/access.h"
#include "pollard/stats/stats.h"
#include <stdio.h>

#define WORKERS 4
#define OPERATIONS 30000
#define KEYS 20000
#define EVICTS_MAX 16
#define VALUE_MAX 2000
#define ROOM ((size_t)3 * 1024 * 1024)
/* What may be in use above the limit: writes between two looks, what is retired, a busy machine. */
#define SLACK ((size_t)3 * 1024 * 1024)

struct stress {
    struct keyspace_options options;
    struct keyspace *keyspace;
    _Atomic int running;
};

static void open_key(struct stress *stress, struct access *access, struct access_key *key,
                     enum access_mode mode)
{
    access_init(access, stress->keyspace, mode, (struct key_list){key, 1}, clock_ms());
    while (access_try(access) == ACCESS_BUSY) {
    }
}

static void write_or_read(struct stress *stress, uint64_t random)
{
    static const unsigned char bytes[VALUE_MAX];
    char name[24];
    struct access access;
    struct value value;
    int size = snprintf(name, sizeof(name), "key:%llu", (unsigned long long)(random % KEYS));
    struct access_key key = {.name = bytes_make(name, (size_t)size), .db = random >> 60 & 3};
    key.hash = keyspace_hash(stress->keyspace, key.name);
    if ((random >> 32 & 1) == 0) {
        open_key(stress, &access, &key, ACCESS_READ);
        (void)key_find(&access, 0, 0, &value);
        access_end(&access);
        return;
    }
    (void)keyspace_make_room(stress->keyspace, EVICTS_MAX);
    open_key(stress, &access, &key, ACCESS_WRITE);
    value = value_raw(bytes_make(bytes, (random >> 33) % VALUE_MAX));
    int64_t expiry =
        (random >> 32 & 2) == 0 ? KEY_NO_EXPIRY : access.now_ms + 50 + (int64_t)(random % 5000);
    check(key_put(&access, 0, &value, expiry) == STATUS_OK);
    key_event_none(&access);
    access_end(&access);
}

static void work(void *argument)
{
    struct stress *stress = argument;
    for (int i = 0; i < OPERATIONS; i++) {
        keyspace_enter(stress->keyspace);
        write_or_read(stress, random_u64());
        keyspace_leave(stress->keyspace);
    }
    atomic_fetch_sub(&stress->running, 1);
}

static void keep_house(void *argument)
{
    struct stress *stress = argument;
    while (atomic_load(&stress->running) > 0) {
        uint64_t bytes = keyspace_evict_margin(stress->keyspace);
        bool is_more = true;
        for (int i = 0; i < 20 && is_more; i++) {
            keyspace_enter(stress->keyspace);
            is_more = keyspace_evict_ahead(stress->keyspace, &bytes);
            keyspace_leave(stress->keyspace);
        }
        (void)keyspace_expire(stress->keyspace, clock_ms(), 1000);
        (void)keyspace_reclaim(stress->keyspace);
    }
}

/* Only policies that may evict any key, so that the limit holds. */
static void change_policy(void *argument)
{
    static const char *const names[] = {"allkeys-lru",     "allkeys-lfu",    "allkeys-lrm",
                                        "allkeys-tinylfu", "allkeys-s3fifo", "allkeys-sieve",
                                        "volatile-ttl",    "allkeys-random", "volatile-tinylfu"};
    struct stress *stress = argument;
    for (size_t i = 0; atomic_load(&stress->running) > 0; i++) {
        option_put(&stress->options.maxmemory_policy, keyspace_policy_find(names[i % 9]));
        int64_t end_us = clock_monotonic_us() + 5000;
        while (clock_monotonic_us() < end_us) {
            thread_pause();
        }
    }
    option_put(&stress->options.maxmemory_policy, keyspace_policy_find("allkeys-lru"));
}

static void finish(struct stress *stress, size_t before)
{
    bool has_none = false;
    keyspace_look_again(stress->keyspace);
    while (keyspace_over_budget(stress->keyspace) > 0 && !has_none) {
        keyspace_enter(stress->keyspace);
        (void)keyspace_evict(stress->keyspace, EVICTS_MAX, &has_none);
        keyspace_leave(stress->keyspace);
        (void)keyspace_reclaim(stress->keyspace);
        keyspace_look_again(stress->keyspace);
    }
    check(!has_none);
    check(stats_sum(STAT_evicted_keys) > 1000);
    check(mem_used() < before + ROOM + SLACK);
    keyspace_verify(stress->keyspace);
    uint64_t keys = 0;
    for (uint32_t db = 0; db < 4; db++) {
        keys += keyspace_size(stress->keyspace, db);
    }
    printf("evicted %llu, expired %llu, left %llu keys\n",
           (unsigned long long)stats_sum(STAT_evicted_keys),
           (unsigned long long)stats_sum(STAT_expired_keys), (unsigned long long)keys);
}

static void ignore_reclaim(void *context)
{
    (void)context; /* keep_house reclaims all the time. */
}

int main(void)
{
    static struct stress stress;
    struct thread *threads[WORKERS + 2];
    const struct keyspace_hooks hooks = {.want_reclaim = ignore_reclaim};
    clock_setup();
    thread_adopt();
    stats_setup(1);
    (void)stats_self();
    option_put(&stress.options.databases, 4);
    option_put(&stress.options.shards, 64);
    option_put(&stress.options.maxmemory_samples, 5);
    option_put(&stress.options.lfu_log_factor, 10);
    option_put(&stress.options.lfu_decay_time, 1);
    stress.keyspace = keyspace_create(&stress.options, &hooks, WORKERS);
    size_t before = mem_used();
    option_put(&stress.options.maxmemory, (int64_t)(before + ROOM));
    atomic_store(&stress.running, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        threads[i] = thread_start("work", work, &stress);
    }
    threads[WORKERS] = thread_start("house", keep_house, &stress);
    threads[WORKERS + 1] = thread_start("policy", change_policy, &stress);
    for (int i = 0; i < WORKERS + 2; i++) {
        thread_join(&threads[i]);
    }
    finish(&stress, before);
    keyspace_destroy(&stress.keyspace);
    stats_teardown();
    thread_release();
    return 0;
}
