/* Tests of deletion by prefix: nothing is left, nothing else goes, in holds that are bounded. */
#include "fixture.h"
#include "pollard/keyspace/leases.h"
#include <criterion/criterion.h>
#include <stdio.h>

static struct bytes name_of(char *room, const char *prefix, unsigned number)
{
    int size = snprintf(room, 64, "%s:%u", prefix, number);
    return bytes_make(room, (size_t)size);
}

static void fill(struct fixture *fixture, const char *prefix, unsigned count)
{
    char room[64];
    for (unsigned i = 0; i < count; i++) {
        int64_t expires_at_ms = i % 3 == 0 ? fixture->now_ms + 100000 : KEY_NO_EXPIRY;
        fixture_put(fixture, 0, name_of(room, prefix, i), value_integer(i), expires_at_ms);
    }
}

static uint64_t delete_prefix(struct fixture *fixture, const char *prefix, uint64_t *ret_holds)
{
    struct key_prefix_walk walk = {.prefix = bytes_text(prefix)};
    *ret_holds = 1;
    while (keyspace_delete_prefix(fixture->keyspace, &walk)) {
        ++*ret_holds;
    }
    return walk.deleted;
}

Test(prefix, deletes_what_matches)
{
    for (int64_t shards = 1; shards <= 64; shards *= 8) {
        struct fixture fixture;
        uint64_t holds;
        fixture_begin(&fixture, shards);
        fill(&fixture, "a", 5000);
        fill(&fixture, "ab", 2000);
        fill(&fixture, "b", 100);
        fixture_put(&fixture, 1, bytes_text("a:1"), value_integer(1), KEY_NO_EXPIRY);
        cr_assert_eq(delete_prefix(&fixture, "a:", &holds), 5000);
        cr_assert_geq(holds, 5000 / 64, "each hold takes few");
        keyspace_verify(fixture.keyspace);
        cr_assert_eq(keyspace_size(fixture.keyspace, 0), 2100);
        cr_assert_eq(delete_prefix(&fixture, "a", &holds), 2000);
        cr_assert_eq(delete_prefix(&fixture, "", &holds), 100);
        cr_assert_eq(delete_prefix(&fixture, "", &holds), 0);
        cr_assert_eq(keyspace_size(fixture.keyspace, 1), 1);
        fixture_end(&fixture);
    }
}

/* Between the holds others add and delete: what was there from the beginning goes all the same. */
Test(prefix, holds_while_others_change_the_table)
{
    struct fixture fixture;
    char room[64];
    unsigned number = 0;
    fixture_begin(&fixture, 2);
    fill(&fixture, "old", 3000);
    fill(&fixture, "other", 3000);
    struct key_prefix_walk walk = {.prefix = bytes_text("old")};
    while (keyspace_delete_prefix(fixture.keyspace, &walk)) {
        for (unsigned i = 0; i < 40; i++, number++) {
            if (number < 3000) {
                cr_assert(fixture_delete(&fixture, 0, name_of(room, "other", number)));
            } else {
                fixture_put(&fixture, 0, name_of(room, "new", number), value_integer(1),
                            KEY_NO_EXPIRY);
            }
        }
    }
    cr_assert_eq(walk.deleted, 3000);
    for (unsigned i = 0; i < 3000; i++) {
        cr_assert_not(fixture_has(&fixture, 0, name_of(room, "old", i)));
    }
    fixture_end(&fixture);
}

Test(prefix, ends_leases)
{
    struct fixture fixture;
    struct access access;
    struct key_lease lease;
    uint64_t holds;
    fixture_begin(&fixture, 4);
    struct access_key keys[3] = {fixture_key(&fixture, 0, bytes_text("p:1")),
                                 fixture_key(&fixture, 1, bytes_text("p:1")),
                                 fixture_key(&fixture, 0, bytes_text("q"))};
    fixture_open(&fixture, &access, ACCESS_WRITE, keys, 3);
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(key_lease(&access, i, 1000, &lease), STATUS_OK);
    }
    fixture_close(&fixture, &access);
    cr_assert_eq(delete_prefix(&fixture, "p:", &holds), 0);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 2);
    fixture_open(&fixture, &access, ACCESS_WRITE, keys, 3);
    cr_assert_eq(key_lease(&access, 0, 1000, &lease), STATUS_OK);
    cr_assert(lease.is_new);
    cr_assert_eq(key_lease(&access, 1, 1000, &lease), STATUS_OK);
    cr_assert_not(lease.is_new);
    fixture_close(&fixture, &access);
    fixture_end(&fixture);
}
