/* Tests of the budget and of trimming: keys and values stay what they are while their blocks move,
 * and memory comes back. */
#include "fixture.h"
#include "pollard/base/mem.h"
#include "pollard/value/set.h"
#include <criterion/criterion.h>

#define KEYS 60000
#define KEPT_EVERY 7
#define TRIMS_MAX 20000

static struct value_options options;

/* Most keys are short strings; some have blobs, integers, TTLs or are small sets. */
static void put_key(struct fixture *fixture, uint64_t number)
{
    char room[32];
    unsigned char bytes[2000];
    struct bytes name = fixture_name(room, number);
    memset(bytes, 'a' + (int)(number % 26), sizeof(bytes));
    int64_t at_ms = number % 3 == 0 ? fixture->now_ms + 100000 : KEY_NO_EXPIRY;
    if (number % 11 == 0) {
        atomic_init(&options.set_max_listpack_entries, 100);
        atomic_init(&options.set_max_listpack_value, 64);
        struct value_limits limits = {&options, keyspace_secret(fixture->keyspace)};
        struct collection *set = set_create();
        struct item member = item_of(name);
        cr_assert(set_add(&set, &limits, &member));
        fixture_put(fixture, 0, name, value_collection(set), at_ms);
        return;
    }
    size_t size = number % 5 == 0 ? 1500 : 40;
    fixture_put(fixture, 0, name, value_string(bytes_make(bytes, size)), at_ms);
}

static void check_key(struct fixture *fixture, uint64_t number)
{
    char room[32];
    struct access access;
    struct bytes name = fixture_name(room, number);
    struct access_key key = fixture_key(fixture, 0, name);
    struct value value;
    fixture_open(fixture, &access, ACCESS_READ, &key, 1);
    cr_assert(key_find(&access, 0, KEY_QUIET, &value), "key %d", (int)number);
    if (number % 11 == 0) {
        struct item member = item_of(name);
        cr_assert_eq(value.type, VALUE_SET);
        cr_assert(set_has(value.collection, &member));
    } else {
        cr_assert_eq(value.bytes.size, number % 5 == 0 ? 1500 : 40);
        cr_assert_eq(value.bytes.data[value.bytes.size - 1], 'a' + (int)(number % 26));
    }
    fixture_close(fixture, &access);
}

static void trim(struct fixture *fixture)
{
    uint32_t runs = 0;
    while (keyspace_trim(fixture->keyspace)) {
        cr_assert_lt(++runs, TRIMS_MAX, "trimming ends");
    }
}

Test(trim, moves_what_is_left)
{
    struct fixture fixture;
    struct mem_figures before;
    struct mem_figures after;
    struct trim_figures figures;
    struct mem_class classes[MEM_CLASSES_MAX];
    char room[32];
    fixture_begin(&fixture, 16);
    for (uint64_t i = 0; i < KEYS; i++) {
        put_key(&fixture, i);
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        if (i % KEPT_EVERY != 0) {
            cr_assert(fixture_delete(&fixture, 0, fixture_name(room, i)));
        }
    }
    mem_figures(&before);
    trim(&fixture);
    keyspace_trim_figures(fixture.keyspace, &figures);
    cr_expect_eq(figures.moved, 0, "nothing asks for it");
    option_put(&fixture.options.activedefrag, 1);
    option_put(&fixture.options.defrag_ignore_bytes, 1);
    option_put(&fixture.options.defrag_threshold, 1);
    trim(&fixture);
    mem_figures(&after);
    keyspace_trim_figures(fixture.keyspace, &figures);
    cr_expect_not(figures.is_moving);
    keyspace_verify(fixture.keyspace);
    for (uint64_t i = 0; i < KEYS; i += KEPT_EVERY) {
        check_key(&fixture, i);
    }
    if (mem_classes(classes) > 0) {
        cr_expect_gt(figures.moved, KEYS / KEPT_EVERY / 2);
    }
    if (mem_tells_slabs()) {
        cr_expect_lt(after.active_bytes, before.active_bytes / 2);
        cr_expect_gt(figures.keys_moved, KEYS / KEPT_EVERY / 4);
        cr_expect_leq(figures.keys_moved, figures.moved);
        cr_expect_gt(figures.spent_us, 0);
    }
    cr_expect_eq(figures.current_us, 0, "it rests");
    fixture_end(&fixture);
}

Test(trim, the_budget_is_without_the_reserve)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    size_t used = mem_used();
    cr_expect_eq(keyspace_reserve(fixture.keyspace), 0);
    cr_expect_eq(keyspace_over_budget(fixture.keyspace), 0, "no limit");
    option_put(&fixture.options.maxmemory, 1000);
    cr_expect_eq(keyspace_over_budget(fixture.keyspace), used - 1000);
    option_put(&fixture.options.reserve, -10);
    cr_expect_eq(keyspace_reserve(fixture.keyspace), 100);
    option_put(&fixture.options.reserve, 300);
    cr_expect_eq(keyspace_reserve(fixture.keyspace), 300);
    option_put(&fixture.options.reserve, 5000);
    cr_expect_eq(keyspace_reserve(fixture.keyspace), 1000, "never more than there is");
    keyspace_set_clients(fixture.keyspace, 0, 200);
    cr_expect_eq(keyspace_reserve(fixture.keyspace), 200, "at most what clients may take");
    keyspace_set_clients(fixture.keyspace, 0, 0);
    fixture_end(&fixture);
}
