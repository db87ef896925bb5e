/* Tests of hashing, randomness and clocks. */
#include "pollard/base/clock.h"
#include "pollard/base/hash.h"
#include <criterion/criterion.h>

Test(hash, depends_on_secret_and_bytes)
{
    struct hash_secret a;
    struct hash_secret b;
    hash_secret_fixed(&a, 1);
    hash_secret_fixed(&b, 2);
    cr_assert_eq(hash_keyed(&a, bytes_text("key")), hash_keyed(&a, bytes_text("key")));
    cr_assert_neq(hash_keyed(&a, bytes_text("key")), hash_keyed(&b, bytes_text("key")));
    cr_assert_neq(hash_keyed(&a, bytes_text("key")), hash_keyed(&a, bytes_text("kez")));
    hash_keyed(&a, bytes_make(NULL, 0));
    hash_secret_fixed(&b, 1);
    cr_assert_arr_eq(a.bytes, b.bytes, sizeof(a.bytes));
    hash_secret_random(&a);
    hash_secret_random(&b);
    cr_assert_neq(memcmp(a.bytes, b.bytes, sizeof(a.bytes)), 0);
}

Test(hash, digest_is_xxh3)
{
    /* The published hash of no bytes with seed 0. */
    cr_assert_eq(hash_digest(bytes_make(NULL, 0)), UINT64_C(0x2d06800538d394c2));
}

Test(random, stays_below_and_reaches_all)
{
    unsigned counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        counts[random_below(7)]++;
    }
    for (int i = 0; i < 7; i++) {
        cr_assert_gt(counts[i], 9000);
        cr_assert_lt(counts[i], 11000);
    }
    cr_assert_eq(random_below(1), 0);
    cr_assert_lt(random_below(UINT64_MAX), UINT64_MAX);
    cr_assert_neq(random_u64(), random_u64());
}

Test(clock, ticks_measure_time)
{
    clock_setup();
    int64_t start_us = clock_monotonic_us();
    uint64_t start = clock_ticks();
    while (clock_monotonic_us() - start_us < 20000) {
    }
    uint64_t ns = clock_ticks_to_ns(clock_ticks() - start);
    cr_assert_gt(ns, 19000000);
    cr_assert_lt(ns, 2000000000);
    uint64_t ticks = clock_ns_to_ticks(1000000);
    uint64_t back = clock_ticks_to_ns(ticks);
    cr_assert(back > 990000 && back < 1010000);
    cr_assert_gt(clock_ms(), INT64_C(1600000000000));
    cr_assert_gt(clock_us(), INT64_C(1600000000000000));
    cr_assert_geq(clock_monotonic_ms(), start_us / 1000);
}
