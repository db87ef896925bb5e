/* Tests of the table of tracked keys: who is told of a change, the bounds in keys and clients,
 * emptying, and that no memory stays behind. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "tracked.h"
#include <criterion/criterion.h>
#include <stdio.h>

/* Clients of each key emitted since the last look, and keys. */
static uint32_t told_count;
static uint64_t told_clients;
static uint64_t told_writer;
static char told_name[64];
static struct reactor_set told_broadcast;

static void collect(void *context, struct tracked *tracked, const struct reactor_set *broadcast)
{
    (void)context;
    told_count++;
    told_writer = tracked->writer;
    told_broadcast = *broadcast;
    memcpy(told_name, tracked->name, tracked->name_size);
    told_name[tracked->name_size] = '\0';
    for (uint32_t i = 0; i < tracked_places(tracked); i++) {
        told_clients += tracked_at(tracked, i) != 0;
    }
    tracked_free(tracked);
}

static struct tracked_keys *keys;
static size_t used_before;

static void begin(void)
{
    thread_adopt();
    used_before = mem_used();
    const struct tracked_sink sink = {.emit = collect};
    keys = tracked_keys_create(&sink);
    told_count = 0;
    told_clients = 0;
}

static void end(void)
{
    tracked_verify(keys);
    tracked_keys_destroy(&keys);
    cr_assert_eq(mem_used(), used_before);
    thread_release();
}

TestSuite(tracked, .init = begin, .fini = end);

static struct key_change key_of(const char *name)
{
    /* Any mix will do. */
    uint64_t hash = 1469598103934665603U;
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    }
    hash ^= hash >> 29;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return (struct key_change){.name = bytes_text(name), .hash = hash ^ hash >> 32, .client_id = 7};
}

static bool add(const char *name, uint64_t client, uint64_t keys_max, uint32_t clients_max)
{
    struct key_change key = key_of(name);
    struct tracked_reader reader = {
        .client = client, .keys_max = keys_max, .clients_max = clients_max};
    return tracked_add(keys, &key, &reader);
}

static void change(const char *name)
{
    struct key_change key = key_of(name);
    tracked_change(keys, &key);
}

Test(tracked, a_change_is_told_once)
{
    cr_assert_not(add("k", 1, 0, 100));
    cr_assert_not(add("k", 1, 0, 100));
    cr_assert_not(add("k", tracked_client(3, 2), 0, 100));
    cr_assert_not(add("other", 1, 0, 100));
    cr_assert_eq(tracked_count_keys(keys), 2);
    cr_assert_eq(tracked_count_items(keys), 3);
    change("k");
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told_clients, 2);
    cr_assert_eq(told_writer, 7);
    cr_assert_str_eq(told_name, "k");
    change("k");
    change("never read");
    cr_assert_eq(told_count, 1);
    cr_assert_eq(tracked_count_items(keys), 1);
}

Test(tracked, many_keys_and_clients)
{
    char name[32];
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "key:%u", i);
        for (uint64_t client = 1; client <= 1 + i % 7; client++) {
            cr_assert_not(add(name, client, 0, 100));
        }
    }
    tracked_verify(keys);
    cr_assert_eq(tracked_count_keys(keys), 20000);
    for (uint32_t i = 0; i < 20000; i += 2) {
        snprintf(name, sizeof(name), "key:%u", i);
        told_clients = 0;
        change(name);
        cr_assert_eq(told_clients, 1 + i % 7);
    }
    cr_assert_eq(told_count, 10000);
    cr_assert_eq(tracked_count_keys(keys), 10000);
    tracked_batch_free(tracked_take_all(keys));
    cr_assert_eq(tracked_count_keys(keys), 0);
    cr_assert_eq(tracked_count_items(keys), 0);
    cr_assert_null(tracked_take_all(keys));
    change("key:1");
    cr_assert_eq(told_count, 10000);
}

Test(tracked, is_bounded_in_keys)
{
    char name[32];
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "key:%u", i);
        cr_assert_eq(add(name, 1, 1000, 100), i >= 1000);
        cr_assert_leq(tracked_count_keys(keys), 1000);
    }
    cr_assert_eq(told_count, 2000);
    cr_assert_eq(told_writer, 0);
    /* A lower limit is reached by and by, by any read. */
    for (uint32_t i = 0; i < 200; i++) {
        (void)add("key:1", 1, 10, 100);
    }
    cr_assert_leq(tracked_count_keys(keys), 10);
    cr_assert_gt(tracked_count_keys(keys), 0);
}

Test(tracked, is_bounded_in_clients)
{
    for (uint64_t client = 1; client <= 10; client++) {
        cr_assert_not(add("k", client, 0, 10));
    }
    cr_assert(add("k", 11, 0, 10));
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told_clients, 10);
    cr_assert_eq(tracked_count_items(keys), 1);
    change("k");
    cr_assert_eq(told_clients, 11);
}

Test(tracked, keys_may_be_empty_or_long)
{
    static char name[50000];
    memset(name, 'x', sizeof(name) - 1);
    cr_assert_not(add("", 1, 0, 100));
    change("");
    cr_assert_eq(told_count, 1);
    struct key_change key = key_of("anything");
    key.name = bytes_make(name, sizeof(name) - 1);
    struct tracked_reader reader = {.client = 1, .clients_max = 2};
    cr_assert_not(tracked_add(keys, &key, &reader));
    cr_assert_gt(mem_used(), used_before + 49999);
}

/* ---- Prefixes ---- */

struct set_fixture {
    struct prefix prefixes[8];
    struct prefix *pointers[8];
    size_t count;
};

/* In the order of a set: shorter ones first. */
static void use(struct prefix_change *change, uint32_t reactor, const char *const *texts)
{
    struct set_fixture set = {.count = 0};
    while (texts[set.count] != NULL) {
        set.prefixes[set.count].text = bytes_text(texts[set.count]);
        set.pointers[set.count] = &set.prefixes[set.count];
        set.count++;
    }
    struct prefix_change next = {.old = change->fresh};
    prefix_set_begin(&next, reactor, set.pointers, set.count);
    tracked_use_prefixes(keys, next.fresh);
    prefix_set_end(&next);
    *change = next;
}

static uint64_t broadcast_of(const char *name)
{
    memset(&told_broadcast, 0, sizeof(told_broadcast));
    change(name);
    return told_broadcast.bits[0] | told_broadcast.bits[3];
}

Test(tracked, prefixes_of_reactors_are_matched)
{
    struct prefix_change change_of = {0};
    const char *const first[] = {"a", "user:", NULL};
    const char *const second[] = {"", "user:", "user:1", NULL};
    const char *const none[] = {NULL};
    use(&change_of, 0, first);
    use(&change_of, 5, second);
    cr_assert_eq(change_of.fresh->count, 4);
    cr_assert_eq(broadcast_of("user:12"), 1 | 1 << 5);
    cr_assert_eq(broadcast_of("user"), 1 << 5);
    cr_assert_eq(broadcast_of("abc"), 1 | 1 << 5);
    cr_assert_eq(broadcast_of(""), 1 << 5);
    use(&change_of, 5, none);
    cr_assert_eq(change_of.fresh->count, 2);
    cr_assert_eq(broadcast_of("user:12"), 1);
    uint32_t before = told_count;
    cr_assert_eq(broadcast_of("user"), 0);
    cr_assert_eq(told_count, before);
    use(&change_of, 0, none);
    cr_assert_null(change_of.fresh);
}

static void count_match(void *argument, struct prefix *prefix)
{
    (void)prefix;
    (*(uint32_t *)argument)++;
}

Test(tracked, every_prefix_of_a_key_is_visited)
{
    const char *const texts[] = {"", "a", "b", "ab", "ba", "abc", "abd", "abcdef"};
    struct set_fixture set = {.count = 8};
    for (size_t i = 0; i < 8; i++) {
        set.prefixes[i].text = bytes_text(texts[i]);
        set.pointers[i] = &set.prefixes[i];
    }
    uint32_t count = 0;
    prefixes_match(set.pointers, set.count, bytes_text("abcde"), count_match, &count);
    cr_assert_eq(count, 4); /* "", a, ab, abc */
    count = 0;
    prefixes_match(set.pointers, set.count, bytes_text("c"), count_match, &count);
    cr_assert_eq(count, 1);
    cr_assert_eq(prefix_place(set.pointers, set.count, bytes_text("abd")), 6);
    cr_assert_not(prefix_is_at(set.pointers, set.count, 2, bytes_text("bb")));
}
