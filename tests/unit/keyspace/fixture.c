/* See fixture.h. */
#include "fixture.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/stats/stats.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define SEED 20261122

static void want_expire(void *context, int64_t due_ms)
{
    ((struct fixture *)context)->told_due_ms = due_ms;
}

static void want_reclaim(void *context)
{
    ((struct fixture *)context)->reclaims++;
}

void fixture_begin(struct fixture *fixture, int64_t shards)
{
    clock_setup();
    thread_adopt();
    stats_setup(1);
    (void)stats_self();
    *fixture = (struct fixture){.now_ms = clock_ms() + 1000000, .told_due_ms = INT64_MAX};
    option_put(&fixture->options.databases, 4);
    option_put(&fixture->options.shards, shards);
    /* A digit separates, so that every room's names have prefixes, and few are told apart. */
    option_put(&fixture->options.prefix_stats, 1);
    option_put(&fixture->options.prefix_max, 7);
    option_text_set(&fixture->options.prefix_separator, bytes_text("5"));
    fixture->used_before = mem_used();
    const struct keyspace_hooks hooks = {
        .context = fixture, .want_reclaim = want_reclaim, .want_expire = want_expire};
    fixture->keyspace = keyspace_create(&fixture->options, &hooks, 4);
    keyspace_seed(fixture->keyspace, SEED);
}

void fixture_end(struct fixture *fixture)
{
    keyspace_verify(fixture->keyspace);
    keyspace_destroy(&fixture->keyspace);
    cr_assert_null(fixture->keyspace);
    cr_assert_eq(mem_used(), fixture->used_before, "all memory came back");
    option_text_deinit(&fixture->options.prefix_separator);
    stats_teardown();
    thread_release();
}

struct access_key fixture_key(const struct fixture *fixture, uint32_t db, struct bytes name)
{
    return (struct access_key){
        .name = name, .hash = keyspace_hash(fixture->keyspace, name), .db = db};
}

void fixture_open(struct fixture *fixture, struct access *access, enum access_mode mode,
                  struct access_key *keys, uint32_t key_count)
{
    keyspace_enter(fixture->keyspace);
    access_init(access, fixture->keyspace, mode, (struct key_list){keys, key_count},
                fixture->now_ms);
    cr_assert_eq(access_try(access), ACCESS_GRANTED);
}

void fixture_close(struct fixture *fixture, struct access *access)
{
    key_event_none(access); /* Most tests are about other things. */
    access_end(access);
    keyspace_leave(fixture->keyspace);
}

void fixture_put(struct fixture *fixture, uint32_t db, struct bytes name, struct value value,
                 int64_t expires_at_ms)
{
    struct access access;
    struct access_key key = fixture_key(fixture, db, name);
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    cr_assert_eq(key_put(&access, 0, &value, expires_at_ms), STATUS_OK);
    fixture_close(fixture, &access);
}

void fixture_swap(struct fixture *fixture, uint32_t a, uint32_t b)
{
    struct access access;
    access_init(&access, fixture->keyspace, ACCESS_WRITE, (struct key_list){0}, fixture->now_ms);
    access_take_all(&access);
    keyspace_swap(&access, a, b);
    access_end(&access);
}

bool fixture_delete(struct fixture *fixture, uint32_t db, struct bytes name)
{
    struct access access;
    struct access_key key = fixture_key(fixture, db, name);
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    bool deleted = key_delete(&access, 0);
    fixture_close(fixture, &access);
    return deleted;
}

bool fixture_has(struct fixture *fixture, uint32_t db, struct bytes name)
{
    struct access access;
    struct value value;
    struct access_key key = fixture_key(fixture, db, name);
    fixture_open(fixture, &access, ACCESS_READ, &key, 1);
    bool found = key_find(&access, 0, KEY_QUIET, &value);
    fixture_close(fixture, &access);
    return found;
}

int64_t fixture_expiry(struct fixture *fixture, uint32_t db, struct bytes name)
{
    struct access access;
    struct access_key key = fixture_key(fixture, db, name);
    fixture_open(fixture, &access, ACCESS_READ, &key, 1);
    int64_t expiry = key_expiry(&access, 0);
    fixture_close(fixture, &access);
    return expiry;
}

struct bytes fixture_name(char *room, uint64_t number)
{
    int size = snprintf(room, 32, "key:%012llu", (unsigned long long)number);
    return bytes_make(room, (size_t)size);
}

int64_t fixture_expire_all(struct fixture *fixture)
{
    int64_t next_ms;
    do {
        next_ms = keyspace_expire(fixture->keyspace, fixture->now_ms, 1000000);
    } while (next_ms <= fixture->now_ms);
    return next_ms;
}
