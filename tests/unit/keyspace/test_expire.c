/* Tests of active expiry. Time is passed in: nothing sleeps. */
#include "fixture.h"
#include "pollard/base/mem.h"
#include <criterion/criterion.h>

#define LAG_MS 256

static void fill(struct fixture *fixture, uint64_t count, int64_t spread_ms)
{
    char room[32];
    for (uint64_t i = 0; i < count; i++) {
        int64_t at_ms = fixture->now_ms + 1 + (int64_t)(i * 7919 % (uint64_t)spread_ms);
        fixture_put(fixture, 0, fixture_name(room, i), value_integer((int64_t)i), at_ms);
    }
}

/* Steps through the time and expects that never more is left than what has not expired, but for
 * the lag. */
static void expect_lag(struct fixture *fixture, uint64_t count, int64_t spread_ms, int64_t step_ms)
{
    int64_t begin_ms = fixture->now_ms;
    while (keyspace_size(fixture->keyspace, 0) > 0) {
        fixture->now_ms += step_ms;
        int64_t next_ms = fixture_expire_all(fixture);
        int64_t settled_ms = fixture->now_ms - begin_ms - LAG_MS;
        if (settled_ms > 0) {
            uint64_t gone = settled_ms >= spread_ms
                                ? count
                                : count / (uint64_t)spread_ms * (uint64_t)settled_ms;
            cr_assert_leq(keyspace_size(fixture->keyspace, 0), count - gone);
        }
        cr_assert(next_ms == INT64_MAX || next_ms - fixture->now_ms <= spread_ms + LAG_MS);
        cr_assert_leq(fixture->now_ms - begin_ms, spread_ms + LAG_MS + step_ms);
    }
}

Test(expire, is_gone_within_the_lag)
{
    struct fixture fixture;
    fixture_begin(&fixture, 16);
    fill(&fixture, 20000, 10000);
    keyspace_verify(fixture.keyspace);
    expect_lag(&fixture, 20000, 10000, 50);
    cr_assert_eq(keyspace_expire(fixture.keyspace, fixture.now_ms, 1000), INT64_MAX);
    fixture_end(&fixture);
}

Test(expire, goes_down_the_levels)
{
    struct fixture fixture;
    fixture_begin(&fixture, 16);
    /* About a year: six levels. Looked at once an hour. */
    fill(&fixture, 5000, INT64_C(365) * 24 * 3600000);
    uint64_t looks = 0;
    while (keyspace_size(fixture.keyspace, 0) > 0) {
        int64_t next_ms = fixture_expire_all(&fixture);
        cr_assert_gt(next_ms, fixture.now_ms);
        fixture.now_ms = next_ms == INT64_MAX ? fixture.now_ms + 1 : next_ms;
        cr_assert_lt(++looks, 100000);
    }
    fixture_end(&fixture);
}

Test(expire, takes_a_million_at_once_in_bounded_steps)
{
    struct fixture fixture;
    fixture_begin(&fixture, 0);
    fill(&fixture, 1000000, 1);
    cr_assert_eq(keyspace_expires(fixture.keyspace, 0), 1000000);
    struct keyspace_figures figures;
    keyspace_figures(fixture.keyspace, 0, &figures);
    cr_log_info("expiry index: %.2f bytes a key", (double)figures.expiry_bytes / 1e6);
    cr_assert_leq(figures.expiry_bytes, 8000000);
    fixture.now_ms += LAG_MS;
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), 0);
    cr_assert_eq(keyspace_expires(fixture.keyspace, 0), 0);
    fixture_end(&fixture);
}

Test(expire, refreshing_costs_nothing_and_keeps_the_key)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 1);
    struct bytes name = fixture_name(room, 1);
    for (int i = 0; i < 1000; i++) {
        fixture_put(&fixture, 0, name, value_integer(i), fixture.now_ms + 60000);
        fixture.now_ms += 100;
        (void)fixture_expire_all(&fixture);
    }
    cr_assert(fixture_has(&fixture, 0, name));
    struct keyspace_figures figures;
    keyspace_figures(fixture.keyspace, 0, &figures);
    cr_assert_leq(figures.expiry_bytes, 1000);
    fixture.now_ms += 60000 + LAG_MS;
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), 0);
    fixture_end(&fixture);
}

Test(expire, tells_when_something_is_due_earlier)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 16);
    fixture_put(&fixture, 0, fixture_name(room, 1), value_integer(1), fixture.now_ms + 100000);
    cr_assert_leq(fixture.told_due_ms, fixture.now_ms + 100000 + LAG_MS);
    fixture_put(&fixture, 0, fixture_name(room, 2), value_integer(1), fixture.now_ms + 500);
    cr_assert_leq(fixture.told_due_ms, fixture.now_ms + 500 + LAG_MS);
    int64_t told_ms = fixture.told_due_ms;
    fixture_put(&fixture, 0, fixture_name(room, 3), value_integer(1), fixture.now_ms + 100000);
    cr_assert_eq(fixture.told_due_ms, told_ms);
    fixture_put(&fixture, 0, fixture_name(room, 4), value_integer(1), fixture.now_ms + 500);
    /* Off: nothing goes but what a read finds. On again: it is told at once. */
    keyspace_set_active_expire(fixture.keyspace, false);
    fixture.now_ms += 1000;
    cr_assert_eq(keyspace_expire(fixture.keyspace, fixture.now_ms, 1000), INT64_MAX);
    cr_assert_not(fixture_has(&fixture, 0, fixture_name(room, 2)));
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), 3);
    cr_assert_not(fixture_has(&fixture, 0, fixture_name(room, 2)));
    keyspace_set_active_expire(fixture.keyspace, true);
    cr_assert_leq(fixture.told_due_ms, fixture.now_ms);
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), 2);
    fixture_end(&fixture);
}
