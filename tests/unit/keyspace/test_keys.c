/* Tests of accesses and keys beyond what the model does: large values, preparation, many keys at
 * once, busy shards, queues and tickets, idle time, flushes. */
#include "fixture.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include <criterion/criterion.h>

#define LARGE ((size_t)300000)

static struct bytes name_a(void)
{
    return bytes_text("a");
}

Test(keys, large_values_are_shared)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct blob *blob = blob_try_create(LARGE, LARGE);
    memset(blob->data, 'x', LARGE);
    fixture_put(&fixture, 0, name_a(), value_blob(blob), KEY_NO_EXPIRY);
    struct access access;
    struct value value;
    struct access_key key = fixture_key(&fixture, 0, name_a());
    fixture_open(&fixture, &access, ACCESS_READ, &key, 1);
    cr_assert(key_find(&access, 0, 0, &value));
    cr_assert_eq(value.blob, blob);
    cr_assert_geq(key_memory(&access, 0), LARGE);
    fixture_close(&fixture, &access);
    cr_assert(fixture_delete(&fixture, 0, name_a()));
    cr_assert_eq(fixture.reclaims, 1, "a large value is freed by the pool");
    while (keyspace_reclaim(fixture.keyspace)) {
    }
    cr_assert(blob_is_unique(blob));
    blob_release(blob);
    fixture_end(&fixture);
}

Test(keys, one_value_of_200_kb_is_freed_at_once)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    size_t size = 204800;
    size_t before = mem_used();
    for (int i = 0; i < 3; i++) {
        struct blob *blob = blob_try_create(size, size);
        fixture_put(&fixture, 0, name_a(), value_blob(blob), KEY_NO_EXPIRY);
        blob_release(blob);
    }
    cr_assert(fixture_delete(&fixture, 0, name_a()));
    cr_assert_eq(fixture.reclaims, 0, "waking the pool costs more");
    cr_assert_lt(mem_used(), before + size);
    fixture_end(&fixture);
}

/* Edits until it is done, as a job does; returns how often it was to be prepared. */
static int edit(struct fixture *fixture, struct access_key *key, size_t size, unsigned char mark)
{
    struct access access;
    unsigned char *data;
    int prepares = 0;
    fixture_open(fixture, &access, ACCESS_WRITE, key, 1);
    enum status status;
    while ((status = key_edit(&access, 0, size, true, &data)) == STATUS_PREPARE) {
        prepares++;
        access_end(&access);
        cr_assert_eq(access_prepare(&access), STATUS_OK);
        cr_assert_eq(access_try(&access), ACCESS_GRANTED);
    }
    cr_assert_eq(status, STATUS_OK);
    data[size - 1] = mark;
    fixture_close(fixture, &access);
    return prepares;
}

Test(keys, large_edits_are_prepared_outside_the_lock)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct access_key key = fixture_key(&fixture, 0, name_a());
    cr_assert_eq(edit(&fixture, &key, LARGE, 'a'), 1);
    cr_assert_eq(edit(&fixture, &key, LARGE + 1, 'b'), 0, "there is headroom");
    cr_assert_eq(edit(&fixture, &key, LARGE * 3, 'c'), 1);
    struct access access;
    struct value value;
    fixture_open(&fixture, &access, ACCESS_READ, &key, 1);
    cr_assert(key_find(&access, 0, 0, &value));
    cr_assert_eq(value.bytes.size, LARGE * 3);
    cr_assert_eq(value.bytes.data[LARGE - 1], 'a');
    cr_assert_eq(value.bytes.data[LARGE], 'b');
    cr_assert_eq(value.bytes.data[LARGE + 1], 0);
    cr_assert_eq(value.bytes.data[LARGE * 3 - 1], 'c');
    struct blob *reply = blob_acquire(value.blob);
    fixture_close(&fixture, &access);
    /* A reply holds it: it is copied, and the reply's bytes stay. */
    cr_assert_eq(edit(&fixture, &key, LARGE * 3, 'd'), 1);
    cr_assert_eq(reply->data[LARGE * 3 - 1], 'c');
    blob_release(reply);
    fixture_end(&fixture);
}

Test(keys, what_was_prepared_in_vain_is_given_back)
{
    struct fixture fixture;
    struct access access;
    unsigned char *data;
    struct value value;
    fixture_begin(&fixture, 4);
    struct access_key key = fixture_key(&fixture, 0, name_a());
    (void)edit(&fixture, &key, LARGE, 'a');
    for (int again = 0; again < 2; again++) {
        fixture_open(&fixture, &access, ACCESS_READ, &key, 1);
        cr_assert(key_find(&access, 0, 0, &value));
        struct blob *reply = blob_acquire(value.blob);
        fixture_close(&fixture, &access);
        fixture_open(&fixture, &access, ACCESS_WRITE, &key, 1);
        cr_assert_eq(key_edit(&access, 0, LARGE, false, &data), STATUS_PREPARE);
        access_end(&access);
        cr_assert_eq(access_prepare(&access), STATUS_OK);
        keyspace_leave(fixture.keyspace);
        /* Someone overtakes: the copy is of a value that is no more. */
        (void)edit(&fixture, &key, LARGE, 'b');
        keyspace_enter(fixture.keyspace);
        cr_assert_eq(access_try(&access), ACCESS_GRANTED);
        if (again == 1) {
            enum status status = key_edit(&access, 0, LARGE, false, &data);
            cr_assert_eq(status, STATUS_OK);
            cr_assert_eq(data[LARGE - 1], 'b');
        }
        fixture_close(&fixture, &access);
        blob_release(reply);
    }
    fixture_end(&fixture);
}

static void count_visit(void *argument, struct access *access, uint32_t index)
{
    uint32_t *visits = argument;
    struct value value;
    visits[index]++;
    cr_assert(key_find(access, index, 0, &value));
    cr_assert_eq(value.integer, (int64_t)index % 5000);
}

Test(keys, many_keys_are_visited_once_each)
{
    enum { COUNT = 20000, DIFFERENT = 5000 };
    struct fixture fixture;
    struct access access;
    fixture_begin(&fixture, 64);
    char(*rooms)[32] = mem_alloc(COUNT * sizeof(*rooms));
    struct access_key *keys = mem_alloc(COUNT * sizeof(*keys));
    uint32_t *visits = mem_alloc_zero(COUNT * sizeof(*visits));
    for (uint32_t i = 0; i < COUNT; i++) {
        keys[i] = fixture_key(&fixture, 0, fixture_name(rooms[i], i % DIFFERENT));
        fixture_put(&fixture, 0, keys[i].name, value_integer(i % DIFFERENT), KEY_NO_EXPIRY);
    }
    fixture_open(&fixture, &access, ACCESS_READ, keys, COUNT);
    access_each_by_shard(&access, count_visit, visits);
    fixture_close(&fixture, &access);
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert_eq(visits[i], 1);
    }
    mem_free(visits);
    mem_free(keys);
    mem_free(rooms);
    fixture_end(&fixture);
}

struct waiter {
    struct access_waiter base; /* first */
    int wakes;
};

static void on_wake(struct access_waiter *base)
{
    ((struct waiter *)base)->wakes++;
}

Test(keys, a_busy_shard_queues_and_wakes)
{
    struct fixture fixture;
    struct access holder;
    struct access other;
    struct waiter waiter = {.base.wake = on_wake};
    fixture_begin(&fixture, 4);
    struct access_key key = fixture_key(&fixture, 0, name_a());
    fixture_open(&fixture, &holder, ACCESS_WRITE, &key, 1);
    access_init(&other, fixture.keyspace, ACCESS_READ, (struct key_list){&key, 1}, fixture.now_ms);
    cr_assert_eq(access_try(&other), ACCESS_BUSY);
    cr_assert(access_queue(&other, &waiter.base));
    access_end(&holder);
    cr_assert_eq(waiter.wakes, 1);
    cr_assert_eq(access_try(&other), ACCESS_GRANTED);
    /* Readers share; a writer does not. Nothing is free for it, so it may queue. */
    access_init(&holder, fixture.keyspace, ACCESS_READ, (struct key_list){&key, 1}, fixture.now_ms);
    cr_assert_eq(access_try(&holder), ACCESS_GRANTED);
    access_end(&holder);
    access_init(&holder, fixture.keyspace, ACCESS_WRITE, (struct key_list){&key, 1},
                fixture.now_ms);
    cr_assert_eq(access_try(&holder), ACCESS_BUSY);
    access_end(&other);
    cr_assert_not(access_queue(&holder, &waiter.base), "free meanwhile: try again");
    cr_assert_eq(access_try(&holder), ACCESS_GRANTED);
    fixture_close(&fixture, &holder);
    fixture_end(&fixture);
}

Test(keys, who_is_refused_often_gets_a_ticket)
{
    struct fixture fixture;
    struct access holder;
    struct access patient;
    struct access newcomer;
    struct waiter waiters[6] = {{.base.wake = on_wake}};
    char rooms[8][32];
    struct access_key keys[8];
    fixture_begin(&fixture, 64);
    for (uint32_t i = 0; i < 8; i++) {
        keys[i] = fixture_key(&fixture, 0, fixture_name(rooms[i], i));
    }
    access_init(&patient, fixture.keyspace, ACCESS_WRITE, (struct key_list){keys, 8},
                fixture.now_ms);
    for (int i = 0; i < 4; i++) {
        waiters[i].base.wake = on_wake;
        fixture_open(&fixture, &holder, ACCESS_WRITE, &keys[3], 1);
        cr_assert_eq(access_try(&patient), ACCESS_BUSY);
        cr_assert(access_queue(&patient, &waiters[i].base));
        fixture_close(&fixture, &holder);
        cr_assert_eq(waiters[i].wakes, 1);
    }
    /* It holds nothing, but newcomers wait for it on each of its shards. */
    access_init(&newcomer, fixture.keyspace, ACCESS_READ, (struct key_list){&keys[5], 1},
                fixture.now_ms);
    cr_assert_eq(access_try(&newcomer), ACCESS_BUSY);
    waiters[5].base.wake = on_wake;
    cr_assert(access_queue(&newcomer, &waiters[5].base));
    /* It gives up: who waited for the ticket is woken. */
    access_end(&patient);
    cr_assert_eq(waiters[5].wakes, 1);
    cr_assert_eq(access_try(&newcomer), ACCESS_GRANTED);
    access_end(&newcomer);
    fixture_end(&fixture);
}

Test(keys, hits_misses_and_idle_time)
{
    struct fixture fixture;
    struct access access;
    struct value value;
    fixture_begin(&fixture, 4);
    struct access_key key = fixture_key(&fixture, 0, name_a());
    fixture_put(&fixture, 0, name_a(), value_integer(1), KEY_NO_EXPIRY);
    fixture.now_ms += 10000;
    fixture_open(&fixture, &access, ACCESS_READ, &key, 1);
    cr_assert(key_find(&access, 0, KEY_QUIET, &value));
    cr_assert_eq(stats_sum(STAT_keyspace_hits), 0);
    cr_assert_eq(key_idle_s(&access, 0), 10);
    cr_assert(key_find(&access, 0, KEY_NO_CLOCK, &value));
    cr_assert_eq(key_idle_s(&access, 0), 10);
    cr_assert_eq(stats_sum(STAT_keyspace_hits), 1);
    cr_assert(key_find(&access, 0, 0, &value));
    cr_assert_eq(key_idle_s(&access, 0), 0);
    fixture_close(&fixture, &access);
    fixture_end(&fixture);
}

Test(keys, flushed_keys_are_gone_at_once_and_freed_in_steps)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 64);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 50000; i++) {
            fixture_put(&fixture, i % 4, fixture_name(room, i), value_integer(1),
                        i % 3 == 0 ? fixture.now_ms + 1000 : KEY_NO_EXPIRY);
        }
        cr_assert_eq(keyspace_flush(fixture.keyspace, 1), 12500);
        cr_assert_eq(keyspace_size(fixture.keyspace, 1), 0);
        cr_assert_not(fixture_has(&fixture, 1, fixture_name(room, 1)));
        cr_assert(fixture_has(&fixture, 2, fixture_name(room, 2)));
        fixture_put(&fixture, 1, fixture_name(room, 1), value_integer(1), KEY_NO_EXPIRY);
        keyspace_verify(fixture.keyspace);
        cr_assert_eq(keyspace_flush_all(fixture.keyspace), 37501);
        cr_assert_eq(keyspace_size(fixture.keyspace, 0), 0);
        cr_assert_eq(keyspace_dying_objects(fixture.keyspace), round == 2 ? 100002 : 50001);
        while (round != 1 && keyspace_reclaim(fixture.keyspace)) {
        }
        uint64_t freed = round == 0 ? 50001 : round == 1 ? 50001 : 150003;
        cr_assert_eq(stats_sum(STAT_lazyfreed_objects), freed);
    }
    cr_assert_eq(keyspace_dying_objects(fixture.keyspace), 0);
    fixture_end(&fixture);
}

Test(keys, those_that_have_expired_are_stale_until_they_go)
{
    struct fixture fixture;
    char room[32];
    fixture_begin(&fixture, 64);
    cr_assert_eq(keyspace_stale_percent(fixture.keyspace), 0);
    for (uint64_t i = 0; i < 8000; i++) {
        int64_t ttl_ms = i % 4 == 0 ? 1 : 3600000;
        fixture_put(&fixture, i % 2, fixture_name(room, i), value_integer(1),
                    i % 8 < 6 ? clock_ms() + ttl_ms : KEY_NO_EXPIRY);
    }
    int64_t end_ms = clock_ms() + 2;
    while (clock_ms() < end_ms) {
    }
    double stale = keyspace_stale_percent(fixture.keyspace);
    cr_assert(stale > 20 && stale < 47, "a third, not %f", stale);
    (void)keyspace_expire(fixture.keyspace, fixture.now_ms + 1000, 10000000);
    cr_assert_eq(keyspace_stale_percent(fixture.keyspace), 0);
    (void)keyspace_flush_all(fixture.keyspace);
    cr_assert_eq(keyspace_stale_percent(fixture.keyspace), 0, "what is garbage is not looked at");
    fixture_end(&fixture);
}

Test(keys, a_limit_is_seen)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    cr_assert_not(keyspace_over_limit(fixture.keyspace));
    option_put(&fixture.options.maxmemory, 1);
    cr_assert(keyspace_over_limit(fixture.keyspace));
    fixture_end(&fixture);
}
