/* Tests of leases: who gets one, what ends it, and that their memory comes back. */
#include "fixture.h"
#include "pollard/keyspace/leases.h"
#include "pollard/keyspace/notes.h"
#include <criterion/criterion.h>

/* The lease that a caller is given now, or that is out. */
static struct key_lease lease(struct fixture *fixture, struct bytes name, int64_t ms)
{
    struct access access;
    struct access_key key = fixture_key(fixture, 0, name);
    struct key_lease found;
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    cr_assert_eq(key_lease(&access, 0, ms, &found), STATUS_OK);
    cr_assert_neq(found.token, 0);
    fixture_close(fixture, &access);
    return found;
}

static bool take(struct fixture *fixture, struct bytes name, uint64_t token)
{
    struct access access;
    struct access_key key = fixture_key(fixture, 0, name);
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    bool taken = key_take_lease(&access, 0, token);
    fixture_close(fixture, &access);
    return taken;
}

/* Stores and tells, as SET. */
static void set(struct fixture *fixture, struct bytes name, int64_t expires_at_ms)
{
    struct access access;
    struct access_key key = fixture_key(fixture, 0, name);
    struct value value = value_integer(1);
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    cr_assert_eq(key_put(&access, 0, &value, expires_at_ms), STATUS_OK);
    key_event(&access, 0, EVENT_set);
    fixture_close(fixture, &access);
}

/* Is the lease with this token still out? */
static bool is_out(struct fixture *fixture, struct bytes name, uint64_t token)
{
    struct key_lease found = lease(fixture, name, 1);
    return !found.is_new && found.token == token;
}

Test(leases, one_at_a_time)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    struct key_lease first = lease(&fixture, name, 100);
    cr_assert(first.is_new);
    cr_assert_eq(first.end_ms, fixture.now_ms + 100);
    struct key_lease second = lease(&fixture, name, 5000);
    cr_assert_not(second.is_new);
    cr_assert_eq(second.token, first.token);
    cr_assert_eq(second.end_ms, first.end_ms);
    cr_assert_not(take(&fixture, name, first.token + 1));
    cr_assert_not(take(&fixture, name, 0));
    cr_assert_not(take(&fixture, bytes_text("l"), first.token));
    cr_assert(take(&fixture, name, first.token));
    cr_assert_not(take(&fixture, name, first.token));
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 0);
    fixture_end(&fixture);
}

Test(leases, end_at_their_time)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    struct key_lease first = lease(&fixture, name, 100);
    fixture.now_ms += 99;
    cr_assert(is_out(&fixture, name, first.token));
    fixture.now_ms += 1;
    cr_assert_not(take(&fixture, name, first.token));
    struct key_lease second = lease(&fixture, name, 100);
    cr_assert(second.is_new);
    cr_assert_neq(second.token, first.token);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 1);
    cr_assert(take(&fixture, name, second.token));
    fixture_end(&fixture);
}

Test(leases, end_when_the_key_is_written)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    struct key_lease found = lease(&fixture, name, 10000);
    set(&fixture, name, KEY_NO_EXPIRY);
    cr_assert_not(take(&fixture, name, found.token));
    found = lease(&fixture, name, 10000);
    set(&fixture, bytes_text("other"), KEY_NO_EXPIRY);
    cr_assert(take(&fixture, name, found.token));
    found = lease(&fixture, name, 10000);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 1), 0);
    cr_assert(is_out(&fixture, name, found.token));
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 2);
    cr_assert_not(take(&fixture, name, found.token));
    /* A deletion of what is not there, and a flush of an empty database. */
    found = lease(&fixture, name, 10000);
    cr_assert_not(fixture_delete(&fixture, 0, name));
    cr_assert_not(take(&fixture, name, found.token));
    found = lease(&fixture, name, 10000);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 0);
    cr_assert_not(take(&fixture, name, found.token));
    found = lease(&fixture, name, 10000);
    fixture_swap(&fixture, 0, 3);
    cr_assert_not(take(&fixture, name, found.token));
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 0);
    fixture_end(&fixture);
}

Test(leases, outlive_the_value)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    set(&fixture, name, fixture.now_ms + 50);
    struct key_lease found = lease(&fixture, name, 10000);
    fixture.now_ms += 1000;
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), 0);
    cr_assert(take(&fixture, name, found.token));
    fixture_end(&fixture);
}

Test(leases, are_swept_after_their_end)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 4);
    for (uint64_t i = 0; i < 1000; i++) {
        (void)lease(&fixture, fixture_name(room, i), i < 900 ? 100 : 100000);
    }
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 1000);
    cr_assert_lt(fixture.told_due_ms, fixture.now_ms + 1000, "the timer is asked for");
    fixture.now_ms += 1000;
    int64_t next_ms = fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 100);
    cr_assert_gt(next_ms, fixture.now_ms + 90000);
    cr_assert_lt(next_ms, fixture.now_ms + 110000);
    fixture.now_ms = next_ms;
    cr_assert_eq(fixture_expire_all(&fixture), INT64_MAX);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 0);
    fixture_end(&fixture);
}

Test(leases, are_bounded_in_a_shard)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 1);
    for (uint64_t i = 0; i < SHARD_LEASES_MAX; i++) {
        (void)lease(&fixture, fixture_name(room, i), 100);
    }
    struct access access;
    struct key_lease found;
    struct access_key key = fixture_key(&fixture, 0, bytes_text("more"));
    fixture_open(&fixture, &access, ACCESS_WRITE, &key, 1);
    cr_assert_eq(key_lease(&access, 0, 100, &found), STATUS_LEASES_FULL);
    fixture_close(&fixture, &access);
    cr_assert_not(lease(&fixture, fixture_name(room, 5), 100).is_new);
    /* Those that are over make room, swept or not. */
    fixture.now_ms += 100;
    cr_assert(lease(&fixture, bytes_text("more"), 100).is_new);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 1);
    fixture_end(&fixture);
}

Test(leases, share_the_note_with_watches_and_waits)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    struct access access;
    struct key_watch watch;
    struct key_waiter waiter = {0};
    struct access_key key = fixture_key(&fixture, 0, name);
    struct key_lease found = lease(&fixture, name, 1000);
    fixture_open(&fixture, &access, ACCESS_WRITE, &key, 1);
    key_watch(&access, 0, &watch);
    key_wait(&access, 0, &waiter);
    cr_assert_eq(key_lease(&access, 0, 1, &found), STATUS_OK);
    cr_assert_not(found.is_new);
    cr_assert(key_take_lease(&access, 0, found.token));
    cr_assert(key_watch_is_intact(&access, &watch), "a lease is no change");
    cr_assert_eq(key_lease(&access, 0, 1000, &found), STATUS_OK);
    key_unwait(&access, &waiter);
    key_unwatch(&access, &watch);
    cr_assert(key_take_lease(&access, 0, found.token));
    fixture_close(&fixture, &access);
    fixture_end(&fixture);
}

/* A key that is leased and waited for. */
struct waited {
    struct access_key key;
    struct key_waiter waiter;
};

static void wait_for_lease(struct fixture *fixture, struct waited *waited, struct bytes name,
                           int64_t ms)
{
    struct access access;
    *waited =
        (struct waited){.key = fixture_key(fixture, 0, name), .waiter = {.takes_turns = true}};
    (void)lease(fixture, name, ms);
    fixture_open(fixture, &access, ACCESS_WRITE, &waited->key, 1);
    key_wait(&access, 0, &waited->waiter);
    fixture_close(fixture, &access);
}

/* The access has the key among its ready ones, with a turn to give; once. */
static void expect_turn(struct access *access, const struct waited *waited)
{
    struct key_note *note = access_next_ready(access);
    cr_assert_not_null(note);
    cr_assert_eq(key_note_first(note), &waited->waiter);
    cr_assert(key_note_has_turn(access, note));
    access_end_ready(access, note);
    cr_assert_null(access_next_ready(access));
}

/* The key is in the keyspace's list; ends its turn, and takes the waiter off. */
static void expect_listed_turn(struct fixture *fixture, struct waited *waited)
{
    struct access access;
    struct key_note *note = keyspace_take_turns(fixture->keyspace);
    cr_assert_not_null(note);
    cr_assert_null(key_note_next_turn(note));
    cr_assert_eq(key_note_key(note).hash, waited->key.hash);
    cr_assert_null(keyspace_take_turns(fixture->keyspace));
    fixture_open(fixture, &access, ACCESS_WRITE, &waited->key, 1);
    key_end_turn(&access, 0);
    expect_turn(&access, waited);
    key_unwait(&access, &waited->waiter);
    fixture_close(fixture, &access);
    cr_assert_eq(keyspace_waited_keys(fixture->keyspace), 0);
}

Test(leases, that_end_in_an_access_give_a_turn_in_it)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct access access;
    struct waited waited;
    wait_for_lease(&fixture, &waited, bytes_text("k"), 1000);
    fixture_open(&fixture, &access, ACCESS_WRITE, &waited.key, 1);
    struct key_lease found;
    cr_assert_eq(key_lease(&access, 0, 1000, &found), STATUS_OK);
    cr_assert_null(access_next_ready(&access), "it is out");
    cr_assert(key_take_lease(&access, 0, found.token));
    expect_turn(&access, &waited);
    /* A deletion of what is not there; without a lease it ends nothing. */
    cr_assert_not(key_delete(&access, 0));
    cr_assert_null(access_next_ready(&access));
    cr_assert_eq(key_lease(&access, 0, 1000, &found), STATUS_OK);
    cr_assert_not(key_delete(&access, 0));
    expect_turn(&access, &waited);
    /* The next lease is given before the key is looked at. */
    cr_assert_eq(key_lease(&access, 0, 1000, &found), STATUS_OK);
    cr_assert_not(key_delete(&access, 0));
    cr_assert_eq(key_lease(&access, 0, 1000, &found), STATUS_OK);
    struct key_note *note = access_next_ready(&access);
    cr_assert_not(key_note_has_turn(&access, note));
    access_end_ready(&access, note);
    key_unwait(&access, &waited.waiter);
    cr_assert(key_take_lease(&access, 0, found.token));
    cr_assert_null(access_next_ready(&access));
    fixture_close(&fixture, &access);
    cr_assert_null(keyspace_take_turns(fixture.keyspace));
    fixture_end(&fixture);
}

Test(leases, that_end_elsewhere_are_listed)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    struct waited waited;
    /* Nobody waits, or not for the lease. */
    (void)lease(&fixture, name, 1000);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 0);
    cr_assert_null(keyspace_take_turns(fixture.keyspace));
    wait_for_lease(&fixture, &waited, name, 1000);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 1), 0);
    cr_assert_null(keyspace_take_turns(fixture.keyspace), "another database");
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 0);
    expect_listed_turn(&fixture, &waited);
    wait_for_lease(&fixture, &waited, name, 1000);
    cr_assert_eq(keyspace_flush_all(fixture.keyspace), 0);
    expect_listed_turn(&fixture, &waited);
    wait_for_lease(&fixture, &waited, name, 1000);
    struct key_prefix_walk walk = {.prefix = bytes_text("l")};
    while (keyspace_delete_prefix(fixture.keyspace, &walk)) {
    }
    cr_assert_null(keyspace_take_turns(fixture.keyspace), "another prefix");
    walk = (struct key_prefix_walk){.prefix = name};
    while (keyspace_delete_prefix(fixture.keyspace, &walk)) {
    }
    /* It is listed once, however often its lease ends before it is taken. */
    (void)lease(&fixture, name, 1000);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 0);
    expect_listed_turn(&fixture, &waited);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 0);
    fixture_end(&fixture);
}

Test(leases, that_somebody_waits_for_are_swept_at_their_end)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    struct waited waited;
    wait_for_lease(&fixture, &waited, name, 1000);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 0);
    (void)lease(&fixture, name, 100);
    cr_assert_eq(fixture.told_due_ms, fixture.now_ms + 100);
    fixture.now_ms += 99;
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 1);
    fixture.now_ms += 1;
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(keyspace_leased_keys(fixture.keyspace), 0);
    expect_listed_turn(&fixture, &waited);
    fixture_end(&fixture);
}

Test(leases, of_a_keyspace_that_ends)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    (void)lease(&fixture, bytes_text("k"), 1000);
    fixture_end(&fixture);
}
