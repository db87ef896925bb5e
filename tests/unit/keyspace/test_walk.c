/* Tests of SCAN, KEYS and RANDOMKEY: what a scan owes to keys that stay, whatever else happens. */
#include "fixture.h"
#include "pollard/base/mem.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define STAYING 2000
#define COMING 60000

struct seen {
    uint32_t counts[STAYING];
    uint64_t visited;
};

static uint64_t number_of(struct bytes name)
{
    char digits[32] = {0};
    memcpy(digits, name.data + 4, name.size - 4);
    return strtoull(digits, NULL, 10);
}

static void see(void *argument, const struct key_view *key)
{
    struct seen *seen = argument;
    uint64_t number = number_of(key->name);
    seen->visited++;
    if (number < STAYING) {
        seen->counts[number]++;
    }
}

static uint64_t scan_once(struct fixture *fixture, uint64_t cursor, uint64_t count,
                          struct seen *seen)
{
    keyspace_enter(fixture->keyspace);
    cursor = keyspace_scan(fixture->keyspace, &(struct key_scan){0, cursor, count}, see, seen);
    keyspace_leave(fixture->keyspace);
    cr_assert_lt(cursor, UINT64_C(1) << 53);
    return cursor;
}

static void put_range(struct fixture *fixture, uint64_t from, uint64_t to)
{
    char room[32];
    for (uint64_t i = from; i < to; i++) {
        fixture_put(fixture, 0, fixture_name(room, i), value_integer(1), KEY_NO_EXPIRY);
    }
}

static void delete_range(struct fixture *fixture, uint64_t from, uint64_t to)
{
    char room[32];
    for (uint64_t i = from; i < to; i++) {
        cr_assert(fixture_delete(fixture, 0, fixture_name(room, i)));
    }
}

/* Between two calls the table grows or shrinks by steps of that size. */
static void scan_while_it_changes(int64_t shards, uint64_t step, uint64_t flip)
{
    struct fixture fixture;
    fixture_begin(&fixture, shards);
    struct seen *seen = mem_alloc_zero(sizeof(*seen));
    put_range(&fixture, 0, STAYING);
    uint64_t end = STAYING;
    uint64_t cursor = 0;
    uint64_t calls = 0;
    bool grows = true;
    do {
        cursor = scan_once(&fixture, cursor, 1 + calls % 13, seen);
        if (calls % flip == flip - 1) {
            grows = !grows;
        }
        if (grows && end + step <= STAYING + COMING) {
            put_range(&fixture, end, end + step);
            end += step;
        } else if (!grows && end >= STAYING + step) {
            delete_range(&fixture, end - step, end);
            end -= step;
        }
        cr_assert_lt(++calls, 1000000);
    } while (cursor != 0);
    for (int i = 0; i < STAYING; i++) {
        cr_assert_gt(seen->counts[i], 0, "key %d was missed", i);
    }
    mem_free(seen);
    fixture_end(&fixture);
}

Test(walk, scan_misses_nothing_that_stays)
{
    static const uint64_t flips[] = {3, 7, 50, 100000};
    for (int i = 0; i < 4; i++) {
        scan_while_it_changes(1, 500, flips[i]);
        scan_while_it_changes(1, 37, flips[i]);
        scan_while_it_changes(8, 300, flips[i]);
    }
}

Test(walk, scan_of_what_rests_sees_everything_once)
{
    struct fixture fixture;
    fixture_begin(&fixture, 64);
    struct seen *seen = mem_alloc_zero(sizeof(*seen));
    put_range(&fixture, 0, STAYING);
    uint64_t cursor = 0;
    do {
        cursor = scan_once(&fixture, cursor, 10, seen);
    } while (cursor != 0);
    cr_assert_eq(seen->visited, STAYING);
    mem_free(seen);
    fixture_end(&fixture);
}

Test(walk, scan_of_few_keys_takes_one_call)
{
    struct fixture fixture;
    fixture_begin(&fixture, 0);
    struct seen *seen = mem_alloc_zero(sizeof(*seen));
    put_range(&fixture, 0, 3);
    cr_assert_eq(scan_once(&fixture, 0, 10, seen), 0);
    cr_assert_eq(seen->visited, 3);
    /* The same after there were many: emptied tables are gone. */
    put_range(&fixture, 3, COMING);
    delete_range(&fixture, 3, COMING);
    cr_assert_eq(scan_once(&fixture, 0, 10, seen), 0);
    cr_assert_eq(seen->visited, 6);
    mem_free(seen);
    fixture_end(&fixture);
}

Test(walk, any_number_is_a_cursor)
{
    struct fixture fixture;
    fixture_begin(&fixture, 16);
    struct seen *seen = mem_alloc_zero(sizeof(*seen));
    put_range(&fixture, 0, 1000);
    static const uint64_t cursors[] = {1, 15, 16, 4711, UINT64_MAX, UINT64_MAX - 5, 1ull << 53};
    for (int i = 0; i < 7; i++) {
        uint64_t cursor = cursors[i];
        for (int calls = 0; cursor != 0; calls++) {
            cursor = scan_once(&fixture, cursor, UINT64_MAX >> (i * 9), seen);
            cr_assert_lt(calls, 100000);
        }
    }
    mem_free(seen);
    fixture_end(&fixture);
}

Test(walk, visits_every_key_of_one_database)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 64);
    struct seen *seen = mem_alloc_zero(sizeof(*seen));
    put_range(&fixture, 0, STAYING);
    fixture_put(&fixture, 1, fixture_name(room, 5), value_integer(1), KEY_NO_EXPIRY);
    keyspace_walk(fixture.keyspace, 0, see, NULL, seen);
    cr_assert_eq(seen->visited, STAYING);
    _Atomic bool stop = true;
    keyspace_walk(fixture.keyspace, 0, see, &stop, seen);
    cr_assert_eq(seen->visited, STAYING);
    mem_free(seen);
    fixture_end(&fixture);
}

/* Draws and expects each key about as often as any other: chi-square, with a bound that a fair draw
 * passes by six standard deviations. */
static void expect_fair(int64_t shards, uint32_t keys, uint32_t draws)
{
    struct fixture fixture;
    struct buf name = {0};
    fixture_begin(&fixture, shards);
    uint32_t *counts = mem_alloc_zero(keys * sizeof(*counts));
    put_range(&fixture, 0, keys);
    for (uint32_t i = 0; i < draws; i++) {
        name.size = 0;
        keyspace_enter(fixture.keyspace);
        cr_assert(keyspace_random(fixture.keyspace, 0, &name));
        keyspace_leave(fixture.keyspace);
        counts[number_of(buf_bytes(&name))]++;
    }
    double expected = (double)draws / keys;
    double chi = 0;
    for (uint32_t i = 0; i < keys; i++) {
        chi += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    /* Mean keys - 1, variance twice that. */
    double distance = chi - keys;
    cr_expect_lt(distance * distance, 36.0 * 2 * keys, "chi-square %f of %u keys", chi, keys);
    buf_deinit(&name);
    mem_free(counts);
    fixture_end(&fixture);
}

Test(walk, random_keys_are_fair)
{
    expect_fair(1, 3, 30000);
    expect_fair(1, 1000, 100000);
    expect_fair(64, 100, 30000);
    expect_fair(16, 2000, 200000);
}

Test(walk, random_key_of_nothing)
{
    struct fixture fixture;
    char room[32];
    struct buf name = {0};
    fixture_begin(&fixture, 16);
    keyspace_enter(fixture.keyspace);
    cr_assert_not(keyspace_random(fixture.keyspace, 0, &name));
    keyspace_leave(fixture.keyspace);
    /* Only an expired one. */
    fixture_put(&fixture, 0, fixture_name(room, 1), value_integer(1), fixture.now_ms - 1);
    keyspace_enter(fixture.keyspace);
    cr_assert_not(keyspace_random(fixture.keyspace, 0, &name));
    keyspace_leave(fixture.keyspace);
    fixture_end(&fixture);
}
