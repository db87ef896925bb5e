/* Tests of the expiry of hashes' fields: that they leave memory in time, in bounded steps, and that
 * the books are right whatever is done to the key. Time is passed in: nothing sleeps. */
#include "fixture.h"
#include "pollard/base/mem.h"
#include "pollard/value/hash.h"
#include <criterion/criterion.h>

#define LAG_MS 256
#define FIELDS 6
/* fixture_name of 0. */
#define FIRST "key:000000000000"

static struct value_options options;

static struct value_limits limits_of(const struct fixture *fixture, int64_t entries)
{
    atomic_init(&options.hash_max_listpack_entries, entries);
    atomic_init(&options.hash_max_listpack_value, 64);
    return (struct value_limits){&options, keyspace_secret(fixture->keyspace)};
}

static void needle_of(uint64_t number, char *room, struct item_needle *needle)
{
    item_needle_init(needle, fixture_name(room, number));
}

/* A hash of count fields; field i expires at at_ms + i * step_ms (at_ms below 0: never). */
static struct collection *make_hash(const struct value_limits *limits, uint64_t count,
                                    int64_t at_ms, int64_t step_ms)
{
    struct collection *hash = hash_create();
    const struct hash_write write = {.limits = limits, .value = item_of_integer(7)};
    for (uint64_t i = 0; i < count; i++) {
        struct item_needle needle;
        char room[32];
        needle_of(i, room, &needle);
        cr_assert(hash_set(&hash, &needle, &write));
        if (at_ms >= 0) {
            hash_set_expiry(&hash, &needle, at_ms + (int64_t)i * step_ms);
        }
    }
    return hash;
}

/* All fields of all keys, those included that are over. */
static uint64_t count_fields(struct fixture *fixture, uint64_t keys)
{
    uint64_t count = 0;
    char room[32];
    for (uint64_t i = 0; i < keys; i++) {
        struct access access;
        struct access_key key = fixture_key(fixture, 0, fixture_name(room, i));
        struct value value;
        fixture_open(fixture, &access, ACCESS_READ, &key, 1);
        if (key_find(&access, 0, KEY_QUIET, &value)) {
            count += collection_count(value.collection);
        }
        fixture_close(fixture, &access);
    }
    return count;
}

static void leave_in_time(int64_t entries)
{
    struct fixture fixture;
    const uint64_t keys = 500;
    const int64_t step_ms = 700;
    char room[32];
    fixture_begin(&fixture, 16);
    struct value_limits limits = limits_of(&fixture, entries);
    int64_t begin_ms = fixture.now_ms;
    for (uint64_t i = 0; i < keys; i++) {
        struct collection *hash = make_hash(&limits, FIELDS, begin_ms + 10, step_ms);
        /* Every fourth key has an expiry of its own, in the middle. */
        int64_t own_ms = i % 4 == 0 ? begin_ms + 2 * step_ms : KEY_NO_EXPIRY;
        fixture_put(&fixture, 0, fixture_name(room, i), value_collection(hash), own_ms);
    }
    keyspace_verify(fixture.keyspace);
    cr_assert_eq(keyspace_subexpires(fixture.keyspace, 0), keys);
    cr_assert_eq(keyspace_expires(fixture.keyspace, 0), keys / 4);
    for (uint64_t gone = 1; gone <= FIELDS; gone++) {
        fixture.now_ms = begin_ms + 10 + (int64_t)(gone - 1) * step_ms + LAG_MS;
        (void)fixture_expire_all(&fixture);
        uint64_t left = gone >= 3 ? keys - keys / 4 : keys;
        left = gone == FIELDS ? 0 : left;
        cr_assert_eq(keyspace_size(fixture.keyspace, 0), left);
        cr_assert_eq(keyspace_subexpires(fixture.keyspace, 0), left);
        cr_assert_eq(count_fields(&fixture, keys), left * (FIELDS - gone));
        keyspace_verify(fixture.keyspace);
    }
    fixture_end(&fixture);
}

Test(fields, of_small_hashes_leave_in_time)
{
    leave_in_time(512);
}

Test(fields, of_large_hashes_leave_in_time)
{
    leave_in_time(0);
}

Test(fields, of_one_hash_leave_in_bounded_steps)
{
    struct fixture fixture;
    const uint64_t count = 50000;
    uint64_t calls = 0;
    fixture_begin(&fixture, 1);
    struct value_limits limits = limits_of(&fixture, 512);
    struct collection *hash = make_hash(&limits, count, fixture.now_ms + 10, 0);
    fixture_put(&fixture, 0, bytes_text(FIRST), value_collection(hash), KEY_NO_EXPIRY);
    fixture.now_ms += LAG_MS;
    /* No time at all: one look at the clock a hold. */
    while (keyspace_expire(fixture.keyspace, fixture.now_ms, 0) <= fixture.now_ms) {
        keyspace_verify(fixture.keyspace);
        cr_assert_lt(++calls, 100000);
    }
    cr_assert_gt(calls, 1);
    cr_assert_eq(keyspace_size(fixture.keyspace, 0), 0);
    fixture_end(&fixture);
}

/* The hash under key:0, through an access for changes; then as a command does, the books. */
static void set_expiry(struct fixture *fixture, uint64_t field, int64_t at_ms)
{
    struct access access;
    struct item_needle needle;
    char room[32];
    struct access_key key = fixture_key(fixture, 0, bytes_text(FIRST));
    needle_of(field, room, &needle);
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    struct collection **hash = NULL;
    cr_assert_eq(key_collection(&access, 0, VALUE_HASH, &hash), STATUS_OK);
    hash_set_expiry(hash, &needle, at_ms);
    key_file_fields(&access, 0);
    fixture_close(fixture, &access);
}

static void set_own_expiry(struct fixture *fixture, int64_t at_ms)
{
    struct access access;
    struct access_key key = fixture_key(fixture, 0, bytes_text(FIRST));
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    cr_assert(key_set_expiry(&access, 0, at_ms));
    fixture_close(fixture, &access);
    keyspace_verify(fixture->keyspace);
}

Test(fields, keep_the_books)
{
    struct fixture fixture;
    struct keyspace *keyspace;
    fixture_begin(&fixture, 4);
    keyspace = fixture.keyspace;
    struct value_limits limits = limits_of(&fixture, 512);
    int64_t now_ms = fixture.now_ms;
    fixture_put(&fixture, 0, bytes_text(FIRST), value_collection(make_hash(&limits, 4, -1, 0)),
                KEY_NO_EXPIRY);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 0);
    set_expiry(&fixture, 0, now_ms + 50000);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 1);
    cr_assert_eq(keyspace_expires(keyspace, 0), 0);
    cr_assert_eq(fixture_expiry(&fixture, 0, bytes_text(FIRST)), KEY_NO_EXPIRY);
    set_own_expiry(&fixture, now_ms + 90000);
    cr_assert_eq(keyspace_expires(keyspace, 0), 1);
    set_own_expiry(&fixture, INT64_C(1) << 60);
    cr_assert_eq(fixture_expiry(&fixture, 0, bytes_text(FIRST)), INT64_C(1) << 60);
    set_own_expiry(&fixture, KEY_NO_EXPIRY);
    cr_assert_eq(keyspace_expires(keyspace, 0), 0);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 1);
    /* Earlier than where it is filed, and a TTL that goes. */
    set_expiry(&fixture, 1, now_ms + 1000);
    set_expiry(&fixture, 0, HASH_NO_EXPIRY);
    fixture.now_ms = now_ms + 1000 + LAG_MS;
    (void)fixture_expire_all(&fixture);
    cr_assert_eq(count_fields(&fixture, 1), 3);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 0);
    keyspace_verify(keyspace);
    /* All TTLs gone before any was due: the entry is an ordinary one when it is looked at. */
    set_expiry(&fixture, 2, fixture.now_ms + 1000);
    set_expiry(&fixture, 2, HASH_NO_EXPIRY);
    fixture.now_ms += 1000 + LAG_MS;
    cr_assert_eq(fixture_expire_all(&fixture), INT64_MAX);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 0);
    /* Replaced and deleted while it has TTLs. */
    set_expiry(&fixture, 2, fixture.now_ms + 1000);
    fixture_put(&fixture, 0, bytes_text(FIRST), value_integer(5), KEY_NO_EXPIRY);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 0);
    fixture_put(&fixture, 0, bytes_text(FIRST),
                value_collection(make_hash(&limits, 4, fixture.now_ms + 5, 0)), KEY_NO_EXPIRY);
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 1);
    cr_assert(fixture_delete(&fixture, 0, bytes_text(FIRST)));
    cr_assert_eq(keyspace_subexpires(keyspace, 0), 0);
    cr_assert_eq(fixture_expire_all(&fixture), INT64_MAX);
    fixture_end(&fixture);
}
