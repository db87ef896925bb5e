/* Tests of counting by key prefix: keys and bytes through every change, the bound, flushes and
 * swaps, threads, evictions and resets. The fixture's separator is '5', and 7 prefixes are told
 * apart; every fixture_end compares all counts with the entries. */
#include "fixture.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/keyspace/prefixes.h"
#include "pollard/stats/stats.h"
#include "prefix.h"
#include <criterion/criterion.h>
#include <stdio.h>

static struct prefix_row row_of(struct fixture *fixture, enum prefix_kind kind, const char *name)
{
    struct prefix_row *rows;
    struct prefix_row found = {0};
    size_t count = keyspace_prefixes(fixture->keyspace, &rows);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == kind && bytes_equal(rows[i].name, bytes_text(name))) {
            found = rows[i];
        }
    }
    mem_free(rows);
    return found;
}

static void put(struct fixture *fixture, uint32_t db, const char *name, size_t size)
{
    static unsigned char text[4096];
    fixture_put(fixture, db, bytes_text(name), value_raw(bytes_make(text, size)), KEY_NO_EXPIRY);
}

static uint64_t keys_of(struct fixture *fixture, const char *name)
{
    return row_of(fixture, PREFIX_NAMED, name).keys;
}

Test(prefixes, bytes_follow_values)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    put(&fixture, 0, "a51", 10);
    uint64_t small = row_of(&fixture, PREFIX_NAMED, "a").bytes;
    cr_assert(small >= 8 + 3 + 10 && small <= 48);
    put(&fixture, 0, "a51", 4000);
    uint64_t large = row_of(&fixture, PREFIX_NAMED, "a").bytes;
    cr_assert(large >= 4000 && large < 4200);
    put(&fixture, 0, "a52", 500);
    cr_assert_eq(keys_of(&fixture, "a"), 2);
    cr_assert(fixture_delete(&fixture, 0, bytes_text("a51")));
    cr_assert(fixture_delete(&fixture, 0, bytes_text("a52")));
    cr_assert_eq(row_of(&fixture, PREFIX_NAMED, "a").bytes, 0);
    cr_assert_eq(row_of(&fixture, PREFIX_NAMED, "a").sets, 3);
    fixture_end(&fixture);
}

Test(prefixes, bound)
{
    struct fixture fixture;
    char name[] = "a5";
    fixture_begin(&fixture, 4);
    for (name[0] = 'a'; name[0] < 'k'; name[0]++) {
        put(&fixture, 0, name, 1);
    }
    put(&fixture, 0, "none", 1);
    cr_assert_eq(keys_of(&fixture, "g"), 1);
    cr_assert_eq(keys_of(&fixture, "h"), 0);
    cr_assert_eq(row_of(&fixture, PREFIX_OTHER, "").keys, 3);
    cr_assert_eq(row_of(&fixture, PREFIX_NONE, "").keys, 1);
    for (name[0] = 'a'; name[0] < 'k'; name[0]++) {
        cr_assert(fixture_delete(&fixture, 0, bytes_text(name)));
    }
    cr_assert_eq(row_of(&fixture, PREFIX_OTHER, "").bytes, 0);
    fixture_end(&fixture);
}

Test(prefixes, names_at_the_bounds)
{
    struct fixture fixture;
    char name[PREFIX_SIZE_MAX + 3];
    fixture_begin(&fixture, 4);
    memset(name, 'x', sizeof(name));
    name[PREFIX_SIZE_MAX] = '5';
    name[PREFIX_SIZE_MAX + 1] = '\0';
    put(&fixture, 0, name, 1);
    name[PREFIX_SIZE_MAX] = '\0';
    cr_assert_eq(keys_of(&fixture, name), 1);
    name[PREFIX_SIZE_MAX] = 'x';
    name[PREFIX_SIZE_MAX + 1] = '5';
    name[PREFIX_SIZE_MAX + 2] = '\0';
    put(&fixture, 0, name, 1);
    put(&fixture, 0, "", 1);
    cr_assert_eq(row_of(&fixture, PREFIX_NONE, "").keys, 2);
    put(&fixture, 0, "5", 1);
    cr_assert_eq(keys_of(&fixture, ""), 1);
    /* A prefix that begins like the last one, and one that it begins with. */
    put(&fixture, 0, "ab5", 1);
    put(&fixture, 0, "a5b5", 1);
    put(&fixture, 0, "ab", 1);
    cr_assert_eq(keys_of(&fixture, "ab"), 1);
    cr_assert_eq(keys_of(&fixture, "a"), 1);
    fixture_end(&fixture);
}

Test(prefixes, databases)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    put(&fixture, 0, "a51", 1);
    put(&fixture, 1, "a51", 1);
    put(&fixture, 1, "a52", 1);
    fixture_swap(&fixture, 0, 1);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 1), 1);
    cr_assert_eq(keys_of(&fixture, "a"), 2);
    cr_assert_eq(keyspace_flush(fixture.keyspace, 0), 2);
    cr_assert_eq(keys_of(&fixture, "a"), 0);
    while (keyspace_reclaim(fixture.keyspace)) {
    }
    /* The flushed ones are used again. */
    put(&fixture, 2, "b5", 1);
    keyspace_flush(fixture.keyspace, 2);
    put(&fixture, 2, "a51", 1);
    cr_assert_eq(keys_of(&fixture, "a"), 1);
    cr_assert_eq(keys_of(&fixture, "b"), 0);
    fixture_end(&fixture);
}

Test(prefixes, evictions_and_reset)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    put(&fixture, 0, "a51", 1);
    prefixes_evicted(fixture.keyspace, bytes_text("a51"));
    prefixes_evicted(fixture.keyspace, bytes_text("none"));
    cr_assert_eq(row_of(&fixture, PREFIX_NAMED, "a").evictions, 1);
    cr_assert_eq(row_of(&fixture, PREFIX_NONE, "").evictions, 1);
    keyspace_prefixes_reset(fixture.keyspace);
    cr_assert_eq(row_of(&fixture, PREFIX_NAMED, "a").evictions, 0);
    cr_assert_eq(row_of(&fixture, PREFIX_NAMED, "a").keys, 1);
    prefixes_evicted(fixture.keyspace, bytes_text("a52"));
    cr_assert_eq(row_of(&fixture, PREFIX_NAMED, "a").evictions, 1);
    keyspace_prefixes_reset(fixture.keyspace);
    fixture_end(&fixture);
}

/* Stores or deletes, whoever else is at the shard. */
static void change(struct keyspace *keyspace, uint32_t db, struct bytes name, bool deletes)
{
    struct access access;
    struct access_key key = {.name = name, .hash = keyspace_hash(keyspace, name), .db = db};
    const struct value value = value_raw(name);
    keyspace_enter(keyspace);
    access_init(&access, keyspace, ACCESS_WRITE, (struct key_list){&key, 1}, clock_ms());
    while (access_try(&access) == ACCESS_BUSY) {
    }
    if (deletes) {
        cr_assert(key_delete(&access, 0));
    } else {
        cr_assert_eq(key_put(&access, 0, &value, KEY_NO_EXPIRY), STATUS_OK);
    }
    key_event_none(&access);
    access_end(&access);
    keyspace_leave(keyspace);
}

static void write_some(void *argument)
{
    struct fixture *fixture = argument;
    char name[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "t5%u:%d", thread_index(), i % 500);
        change(fixture->keyspace, (uint32_t)i % 2, bytes_text(name), false);
        if (i % 3 == 0) {
            change(fixture->keyspace, (uint32_t)i % 2, bytes_text(name), true);
        }
    }
}

Test(prefixes, threads)
{
    struct fixture fixture;
    struct thread *threads[4];
    fixture_begin(&fixture, 64);
    for (int i = 0; i < 4; i++) {
        threads[i] = thread_start("write", write_some, &fixture);
    }
    for (int i = 0; i < 4; i++) {
        thread_join(&threads[i]);
    }
    uint64_t keys = keyspace_size(fixture.keyspace, 0) + keyspace_size(fixture.keyspace, 1);
    cr_assert(keys > 0 && keys_of(&fixture, "t") == keys);
    keyspace_verify(fixture.keyspace);
    keyspace_destroy(&fixture.keyspace);
    option_text_deinit(&fixture.options.prefix_separator);
    stats_teardown();
    thread_release();
}

Test(prefixes, off)
{
    struct fixture fixture;
    struct prefix_row *rows;
    struct keyspace_options options = {0};
    const struct keyspace_hooks hooks = {0};
    fixture_begin(&fixture, 4);
    option_put(&options.databases, 1);
    option_put(&options.prefix_max, 7);
    option_put(&options.prefix_stats, 1);
    struct keyspace *keyspace = keyspace_create(&options, &hooks, 1);
    cr_assert_not(keyspace_has_prefixes(keyspace), "no separator");
    cr_assert_eq(keyspace_prefixes(keyspace, &rows), 0);
    cr_assert_null(rows);
    keyspace_prefixes_reset(keyspace);
    keyspace_destroy(&keyspace);
    cr_assert(keyspace_has_prefixes(fixture.keyspace));
    fixture_end(&fixture);
}
