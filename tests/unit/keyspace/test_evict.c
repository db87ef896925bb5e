/* Tests of eviction: the order of each policy's victims, who may be one, what is remembered of
 * them. The keyspaces are so small that every key is met before the first victim is chosen. */
#include "evict.h"
#include "fixture.h"
#include "gate.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include <criterion/criterion.h>

#define KEYS 40

static void begin(struct fixture *fixture, const char *policy)
{
    fixture_begin(fixture, 4);
    int64_t value = keyspace_policy_find(policy);
    cr_assert_geq(value, 0, "there is no policy %s", policy);
    option_put(&fixture->options.maxmemory_policy, value);
    option_put(&fixture->options.maxmemory_samples, 5);
    option_put(&fixture->options.lfu_log_factor, 0);
    option_put(&fixture->options.lfu_decay_time, 1);
}

static void put(struct fixture *fixture, uint64_t number, int64_t expires_at_ms)
{
    char room[32];
    fixture_put(fixture, 0, fixture_name(room, number), value_integer(1), expires_at_ms);
}

/* KEYS keys, ten ms after each other, which expire the later the higher their number. */
static void fill(struct fixture *fixture)
{
    for (uint64_t i = 0; i < KEYS; i++) {
        put(fixture, i, fixture->now_ms + 1000000 + (int64_t)i * 1000);
        fixture->now_ms += 10;
    }
}

static bool find(struct fixture *fixture, uint64_t number, uint32_t flags)
{
    char room[32];
    struct access access;
    struct value value;
    struct access_key key = fixture_key(fixture, 0, fixture_name(room, number));
    fixture_open(fixture, &access, ACCESS_READ, &key, 1);
    bool found = key_find(&access, 0, flags, &value);
    fixture_close(fixture, &access);
    return found;
}

static bool has(struct fixture *fixture, uint64_t number)
{
    return find(fixture, number, KEY_QUIET);
}

static void use(struct fixture *fixture, uint64_t number)
{
    cr_assert(find(fixture, number, /* flags= */ 0));
}

/* Returns how many went. */
static uint32_t evict(struct fixture *fixture, uint32_t count)
{
    bool has_none;
    option_put(&fixture->options.maxmemory, 1);
    keyspace_look_again(fixture->keyspace);
    cr_assert_gt(keyspace_over_budget(fixture->keyspace), 0);
    keyspace_enter(fixture->keyspace);
    uint32_t evicted = keyspace_evict(fixture->keyspace, count, &has_none);
    keyspace_leave(fixture->keyspace);
    cr_assert_eq(has_none, evicted == 0);
    return evicted;
}

/* Of the keys from first on, count are there, and no others. */
static void expect(struct fixture *fixture, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < KEYS; i++) {
        cr_assert_eq(has(fixture, i), i >= first && i < first + count, "key %d", (int)i);
    }
}

Test(evict, the_least_recently_used)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-lru");
    fill(&fixture);
    cr_assert_eq(evict(&fixture, 10), 10);
    expect(&fixture, 10, KEYS - 10);
    for (uint64_t i = 10; i < 20; i++) {
        use(&fixture, i);
    }
    cr_assert_eq(evict(&fixture, 20), 20);
    expect(&fixture, 10, 10);
    cr_assert_eq(evict(&fixture, 20), 10);
    cr_assert_eq(evict(&fixture, 20), 0);
    fixture_end(&fixture);
}

Test(evict, the_least_recently_modified)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-lrm");
    fill(&fixture);
    for (uint64_t i = 0; i < 10; i++) {
        use(&fixture, i);
        put(&fixture, i + 10, KEY_NO_EXPIRY);
    }
    cr_assert_eq(evict(&fixture, 30), 30);
    expect(&fixture, 10, 10);
    fixture_end(&fixture);
}

Test(evict, the_least_frequently_used)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-lfu");
    fill(&fixture);
    for (uint64_t i = 0; i < 10; i++) {
        use(&fixture, i);
        use(&fixture, i);
    }
    cr_assert_eq(evict(&fixture, 30), 30);
    expect(&fixture, 0, 10);
    fixture_end(&fixture);
}

Test(evict, what_was_used_often_minutes_ago)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-lfu");
    fill(&fixture);
    for (uint64_t i = 0; i < 10; i++) {
        use(&fixture, i);
        use(&fixture, i);
    }
    fixture.now_ms += INT64_C(600000);
    expect(&fixture, 0, KEYS); /* All shards hear of the time. */
    use(&fixture, 20);
    cr_assert_eq(evict(&fixture, KEYS - 1), KEYS - 1);
    expect(&fixture, 20, 1);
    fixture_end(&fixture);
}

static uint64_t count_of(struct fixture *fixture, uint64_t number)
{
    char room[32];
    struct access access;
    struct access_key key = fixture_key(fixture, 0, fixture_name(room, number));
    fixture_open(fixture, &access, ACCESS_READ, &key, 1);
    int64_t count = key_uses(&access, 0);
    fixture_close(fixture, &access);
    return (uint64_t)count;
}

/* Redis's table for a factor of 10: 10 after 100 uses, 18 after 1000. */
Test(evict, counters_of_lfu_rise_the_more_seldom_the_higher_they_are)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-lfu");
    option_put(&fixture.options.lfu_log_factor, 10);
    fixture.now_ms = fixture.now_ms / 60000 * 60000;
    fill(&fixture);
    uint64_t after_100 = 0;
    uint64_t after_1000 = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        for (uint64_t j = 0; j < 1000; j++) {
            use(&fixture, i);
            after_100 += j == 99 ? count_of(&fixture, i) : 0;
        }
        after_1000 += count_of(&fixture, i);
    }
    cr_assert(after_100 > KEYS * 8 && after_100 < KEYS * 12, "%d", (int)after_100);
    cr_assert(after_1000 > KEYS * 16 && after_1000 < KEYS * 20, "%d", (int)after_1000);
    fixture_end(&fixture);
}

Test(evict, the_soonest_to_expire)
{
    struct fixture fixture;
    begin(&fixture, "volatile-ttl");
    fill(&fixture);
    cr_assert_eq(evict(&fixture, 30), 30);
    expect(&fixture, 30, 10);
    fixture_end(&fixture);
}

Test(evict, only_keys_with_an_expiry)
{
    static const char *const names[] = {"volatile-lru",     "volatile-lfu",    "volatile-lrm",
                                        "volatile-random",  "volatile-ttl",    "volatile-sieve",
                                        "volatile-tinylfu", "volatile-s3fifo", NULL};
    for (size_t i = 0; names[i] != NULL; i++) {
        struct fixture fixture;
        begin(&fixture, names[i]);
        fill(&fixture);
        for (uint64_t j = 0; j < KEYS; j += 2) {
            put(&fixture, j, KEY_NO_EXPIRY);
        }
        uint32_t evicted = 0;
        uint32_t more;
        while ((more = evict(&fixture, 7)) > 0) {
            evicted += more;
        }
        cr_assert_eq(evicted, KEYS / 2, "%s: %u", names[i], evicted);
        for (uint64_t j = 0; j < KEYS; j++) {
            cr_assert_eq(has(&fixture, j), j % 2 == 0, "%s", names[i]);
        }
        fixture_end(&fixture);
    }
}

Test(evict, tinylfu_keeps_what_is_used_and_remembers_it)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-tinylfu");
    fill(&fixture);
    /* Uses count once a tick: a tick for each key's worth of changes. */
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 5; i++) {
            use(&fixture, i);
        }
        evict_tick(fixture.keyspace);
    }
    cr_assert_eq(evict(&fixture, KEYS - 5), KEYS - 5);
    expect(&fixture, 0, 5);
    cr_assert_eq(evict(&fixture, 5), 5);
    put(&fixture, 1, KEY_NO_EXPIRY);
    put(&fixture, 30, KEY_NO_EXPIRY);
    cr_assert_eq(evict(&fixture, 1), 1);
    cr_assert(has(&fixture, 1), "it was used more often before");
    fixture_end(&fixture);
}

Test(evict, s3fifo_keeps_what_is_used_twice)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-s3fifo");
    fill(&fixture);
    for (uint64_t i = 0; i < 10; i++) {
        use(&fixture, i);
        use(&fixture, i);
    }
    uint32_t evicted = 0;
    while (evicted < 30) {
        uint32_t more = evict(&fixture, 30 - evicted);
        cr_assert_gt(more, 0);
        evicted += more;
    }
    expect(&fixture, 0, 10);
    fixture_end(&fixture);
}

Test(evict, sieve_lets_what_is_used_through_once)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-sieve");
    fill(&fixture);
    for (uint64_t i = 0; i < 10; i++) {
        use(&fixture, i);
    }
    cr_assert_eq(evict(&fixture, 10), 10);
    for (uint64_t i = 0; i < 10; i++) {
        cr_assert(has(&fixture, i));
    }
    cr_assert_eq(evict(&fixture, 30), 30, "and then they go");
    fixture_end(&fixture);
}

Test(evict, nobody_without_a_policy_or_a_limit)
{
    struct fixture fixture;
    begin(&fixture, "noeviction");
    fill(&fixture);
    cr_assert(keyspace_make_room(fixture.keyspace, 10), "there is no limit");
    cr_assert_eq(evict(&fixture, 10), 0);
    cr_assert_not(keyspace_make_room(fixture.keyspace, 10));
    expect(&fixture, 0, KEYS);
    option_put(&fixture.options.maxmemory_policy, keyspace_policy_find("allkeys-random"));
    cr_assert_eq(evict(&fixture, 10), 10);
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), KEYS - 10);
    cr_assert_str_eq(keyspace_policy_name(&fixture.options), "allkeys-random");
    fixture_end(&fixture);
}

Test(evict, all_databases_and_nothing_flushed)
{
    struct fixture fixture;
    begin(&fixture, "allkeys-lru");
    char room[32];
    for (uint64_t i = 0; i < 4 * KEYS; i++) {
        fixture_put(&fixture, (uint32_t)i % 4, fixture_name(room, i), value_integer(1), -1);
        fixture.now_ms += 10;
    }
    cr_assert_eq(keyspace_flush(fixture.keyspace, 2), KEYS);
    cr_assert_eq(evict(&fixture, 60), 60);
    for (uint32_t db = 0; db < 4; db++) {
        cr_assert_eq(keyspace_size(fixture.keyspace, db), db == 2 ? 0 : KEYS - 20);
    }
    fixture_end(&fixture);
}

Test(evict, the_policy_may_change_at_any_time)
{
    static const char *const names[] = {"allkeys-lru",    "allkeys-lfu",     "allkeys-sieve",
                                        "volatile-ttl",   "allkeys-tinylfu", "volatile-lru",
                                        "allkeys-s3fifo", "allkeys-random",  "allkeys-lrm"};
    struct fixture fixture;
    begin(&fixture, "noeviction");
    uint64_t next = 0;
    for (size_t round = 0; round < 90; round++) {
        option_put(&fixture.options.maxmemory_policy, keyspace_policy_find(names[round % 9]));
        for (uint64_t i = 0; i < 200; i++) {
            put(&fixture, next++, i % 2 == 0 ? fixture.now_ms + 100000 : KEY_NO_EXPIRY);
            fixture.now_ms++;
        }
        for (uint64_t i = 0; i < 100; i++) {
            (void)has(&fixture, next - i);
        }
        (void)evict(&fixture, 190);
        keyspace_verify(fixture.keyspace);
    }
    fixture_end(&fixture);
}

Test(evict, what_is_known_of_the_gone)
{
    struct history *history = history_create(NULL, 1000);
    cr_assert(history_fits(history, 1000));
    uint64_t hashes[] = {UINT64_C(0x1234567890abcdef), UINT64_C(0xfedcba0987654321)};
    cr_assert_eq(history_uses(history, hashes[0], 0), 0);
    history_put(history, hashes[0], 9, 0);
    history_put(history, hashes[1], 100, 0);
    cr_assert_eq(history_uses(history, hashes[0], 0), 9);
    cr_assert_eq(history_uses(history, hashes[1], 0), 31, "as many as can be told");
    cr_assert_eq(history_uses(history, hashes[0], 1), 4);
    cr_assert_eq(history_uses(history, hashes[0], 4), 0);
    history_put(history, hashes[0], 3, 1);
    cr_assert_eq(history_uses(history, hashes[0], 1), 3);
    struct history *larger = history_create(history, 100000);
    cr_assert_not(history_fits(larger, 1000));
    cr_assert_eq(history_uses(larger, hashes[0], 1), 3);
    cr_assert_eq(history_uses(larger, hashes[1], 1), 15);
    mem_free(larger);
    mem_free(history);
}
