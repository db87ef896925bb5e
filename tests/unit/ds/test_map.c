/* Tests of the segmented hash table: records of each kind, versions, ranks and walks, SCAN while it
 * grows and shrinks, memory, and records as large as they come. */
#include "pollard/base/mem.h"
#include "pollard/ds/map.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MANY 50000

static struct hash_secret secret;

static struct map make(enum map_kind kind)
{
    struct map map;
    hash_secret_fixed(&secret, 7);
    map_init(&map, kind, &secret);
    return map;
}

/* The name of a number: every fourth is an integer. */
static struct bytes name_of(char *out, uint32_t number)
{
    int length = number % 4 == 0 ? sprintf(out, "%u", number) : sprintf(out, "member:%u", number);
    return bytes_make(out, (size_t)length);
}

static bool put(struct map *map, struct bytes name, uint64_t word, struct bytes value)
{
    struct map_record record = {.word = word};
    cr_assert_eq(item_make(name, NULL, &record.name), STATUS_OK);
    cr_assert_eq(item_make(value, NULL, &record.value), STATUS_OK);
    bool is_new = map_put(map, &record);
    item_unmake(&record.name);
    item_unmake(&record.value);
    return is_new;
}

static bool put_number(struct map *map, uint32_t number)
{
    char name[32];
    return put(map, name_of(name, number), number, bytes_text("value"));
}

static bool drop_number(struct map *map, uint32_t number)
{
    char name[32];
    struct item_needle needle;
    item_needle_init(&needle, name_of(name, number));
    return map_remove(map, &needle);
}

static bool find(const struct map *map, struct bytes name, struct map_record *ret_record)
{
    struct item_needle needle;
    item_needle_init(&needle, name);
    return map_find(map, &needle, ret_record);
}

static bool find_number(const struct map *map, uint32_t number, struct map_record *ret_record)
{
    char name[32];
    return find(map, name_of(name, number), ret_record);
}

static void expect_value(const struct map *map, struct bytes name, struct bytes value)
{
    unsigned char scratch[ITEM_SCRATCH];
    struct map_record record;
    cr_assert(find(map, name, &record));
    cr_assert(bytes_equal(item_text(&record.name, scratch), name));
    cr_assert(bytes_equal(item_text(&record.value, scratch), value));
}

Test(map, empty)
{
    struct map map = make(MAP_NAMES);
    struct map copy;
    struct map_cursor cursor;
    struct map_record record;
    map_copy(&map, &copy);
    cr_assert(!find_number(&map, 1, NULL));
    cr_assert(!drop_number(&map, 1));
    cr_assert_eq(map_scan(&map, 0, 10, NULL, NULL), 0);
    cr_assert_eq(map_scan(&map, UINT64_MAX, 10, NULL, NULL), 0);
    map_cursor_begin(&map, &cursor);
    cr_assert(!map_next(&cursor, &record));
    map_verify(&map);
    map_clear(&map);
    map_clear(&copy);
    cr_assert_eq(map.bytes, 0);
}

Test(map, names)
{
    struct map map = make(MAP_NAMES);
    cr_assert(put_number(&map, 1));
    cr_assert(!put_number(&map, 1));
    cr_assert(put_number(&map, 4));
    cr_assert_eq(map.count, 2);
    cr_assert(find_number(&map, 4, NULL));
    cr_assert(find(&map, bytes_text("4"), NULL));
    cr_assert(!find(&map, bytes_text("04"), NULL));
    cr_assert(drop_number(&map, 4));
    cr_assert(!drop_number(&map, 4));
    struct item name = item_of(bytes_text("member:1"));
    cr_assert(map_has(&map, &name));
    cr_assert(map_remove_item(&map, &name));
    cr_assert(!map_has(&map, &name));
    cr_assert(!map_remove_item(&map, &name));
    cr_assert_null(map.root);
    map_verify(&map);
}

Test(map, integers_hash_as_their_text)
{
    struct map map = make(MAP_NAMES);
    static const char *const texts[] = {"0", "-1", "63", "64", "9223372036854775807"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bytes text = bytes_text(texts[i]);
        struct item as_text = {.data = text.data, .size = text.size};
        struct item as_integer = item_of(text);
        cr_assert(item_is_integer(&as_integer));
        cr_assert_eq(map_hash(&map, &as_text), map_hash(&map, &as_integer));
    }
}

Test(map, words)
{
    struct map map = make(MAP_WORDS);
    struct map_record record;
    struct item_needle needle;
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert(put_number(&map, i));
    }
    cr_assert(!put(&map, bytes_text("member:5"), UINT64_MAX, bytes_text("")));
    cr_assert(find_number(&map, 5, &record));
    cr_assert_eq(record.word, UINT64_MAX);
    item_needle_init(&needle, bytes_text("member:6"));
    cr_assert(map_set_word(&map, &needle, 77));
    cr_assert(find_number(&map, 6, &record));
    cr_assert_eq(record.word, 77);
    item_needle_init(&needle, bytes_text("not there"));
    cr_assert(!map_set_word(&map, &needle, 77));
    cr_assert(find_number(&map, 7, &record));
    cr_assert_eq(record.word, 7);
    map_verify(&map);
    map_clear(&map);
    cr_assert(!map_set_word(&map, &needle, 77));
}

Test(map, values_of_any_size_take_the_place_of_others)
{
    static const size_t sizes[] = {0, 5, 600, 5, 127, 128, 600, 700, 512, 513, 1, 70000, 70000, 0};
    struct map map = make(MAP_ITEMS);
    struct buf text = {0};
    mem_thread_begin();
    size_t used = mem_used();
    for (uint32_t i = 0; i < 40; i++) {
        cr_assert(put_number(&map, i));
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        text.size = 0;
        for (size_t at = 0; at < sizes[i]; at++) {
            buf_append_byte(&text, (unsigned char)(at * 13 + i));
        }
        cr_assert(!put(&map, bytes_text("member:9"), 0, buf_bytes(&text)));
        expect_value(&map, bytes_text("member:9"), buf_bytes(&text));
        expect_value(&map, bytes_text("member:10"), bytes_text("value"));
        map_verify(&map);
    }
    map_clear(&map);
    buf_deinit(&text);
    cr_assert_eq(mem_used(), used);
    mem_thread_end();
}

/* Values that get small again do not leave the room behind that they had. */
Test(map, room_is_given_back_when_values_shrink)
{
    struct map map = make(MAP_ITEMS);
    unsigned char text[500];
    char name[32];
    memset(text, 'x', sizeof(text));
    for (uint32_t i = 0; i < 3000; i++) {
        cr_assert(put(&map, name_of(name, i), 0, bytes_make(text, sizeof(text))));
    }
    for (uint32_t i = 0; i < 3000; i++) {
        cr_assert(!put(&map, name_of(name, i), 0, bytes_text("1")));
    }
    map_verify(&map);
    cr_assert_lt(map.bytes, 3000 * 100);
    map_clear(&map);
}

Test(map, versions_stay_as_they_were)
{
    struct map map = make(MAP_WORDS);
    struct map versions[3];
    struct map_record record;
    for (uint32_t version = 0; version < 3; version++) {
        for (uint32_t i = 0; i < 2000; i++) {
            (void)put_number(&map, version * 1000 + i);
        }
        map_copy(&map, &versions[version]);
    }
    for (uint32_t i = 0; i < 4000; i++) {
        cr_assert(i % 3 == 0 ? drop_number(&map, i)
                             : !put(&map, name_of((char[32]){0}, i), 1, bytes_text("")));
    }
    for (uint32_t version = 0; version < 3; version++) {
        cr_assert_eq(versions[version].count, version * 1000 + 2000);
        map_verify(&versions[version]);
        for (uint32_t i = 0; i < 4000; i++) {
            cr_assert_eq(find_number(&versions[version], i, &record), i < version * 1000 + 2000);
            cr_assert(i >= version * 1000 + 2000 || record.word == i);
        }
    }
    map_verify(&map);
    map_clear(&versions[1]);
    map_clear(&map);
    map_clear(&versions[0]);
    map_verify(&versions[2]);
    map_clear(&versions[2]);
}

Test(map, grows_and_shrinks_to_nothing)
{
    struct map map = make(MAP_NAMES);
    mem_thread_begin();
    size_t used = mem_used();
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert(put_number(&map, i));
        if (i % 5000 == 0) {
            map_verify(&map);
        }
    }
    /* 13 bytes of name at most and its length, three of the index, and some room. */
    cr_assert_lt(map.bytes, MANY * 22);
    cr_assert_leq(map.bytes, mem_used() - used);
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert(drop_number(&map, i));
        if (i % 5000 == 0) {
            map_verify(&map);
        }
        if (i == MANY - 101) {
            cr_assert_lt(map.bytes, 10000);
        }
    }
    cr_assert_null(map.root);
    cr_assert_eq(map.bytes, 0);
    cr_assert_eq(mem_used(), used);
    mem_thread_end();
}

Test(map, ranks_are_the_order_of_the_walk)
{
    struct map map = make(MAP_WORDS);
    struct map_cursor cursor;
    struct map_record walked;
    struct map_record picked;
    for (uint32_t i = 0; i < 5000; i++) {
        cr_assert(put_number(&map, i));
    }
    uint64_t rank = 0;
    uint64_t sum = 0;
    map_cursor_begin(&map, &cursor);
    while (map_next(&cursor, &walked)) {
        map_at(&map, rank, &picked);
        cr_assert(item_equal(&walked.name, &picked.name));
        cr_assert_eq(walked.word, picked.word);
        sum += walked.word;
        rank++;
    }
    cr_assert_eq(rank, 5000);
    cr_assert_eq(sum, UINT64_C(5000) * 4999 / 2);
    cr_assert(!map_next(&cursor, &walked));
    map_clear(&map);
}

static void count_visit(void *argument, const struct map_record *record)
{
    uint8_t *seen = argument;
    seen[record->word]++;
}

Test(map, scan_sees_all)
{
    static const uint64_t counts[] = {0, 1, 10, 1000, UINT64_MAX};
    struct map map = make(MAP_WORDS);
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert(put_number(&map, i));
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint8_t *seen = mem_alloc_zero(MANY);
        uint64_t cursor = 0;
        uint32_t calls = 0;
        do {
            cursor = map_scan(&map, cursor, counts[i], count_visit, seen);
            cr_assert_lt(cursor, UINT64_C(1) << 53);
            cr_assert_lt(calls++, MANY);
        } while (cursor != 0);
        for (uint32_t k = 0; k < MANY; k++) {
            cr_assert_eq(seen[k], 1);
        }
        mem_free(seen);
    }
    map_clear(&map);
}

/* Those that stay are seen though the map grows thirtyfold, or shrinks to a thirtieth, half-way. */
Test(map, scan_sees_what_stays)
{
    for (int grows = 0; grows < 2; grows++) {
        struct map map = make(MAP_WORDS);
        uint8_t *seen = mem_alloc_zero(MANY);
        uint32_t count = grows ? MANY / 30 : MANY;
        uint32_t calls = 0;
        uint64_t cursor = 0;
        for (uint32_t i = 0; i < count; i++) {
            cr_assert(put_number(&map, i));
        }
        do {
            cursor = map_scan(&map, cursor, 10, count_visit, seen);
            calls++;
            for (uint32_t i = MANY / 30; calls == (grows ? 15 : 500) && i < MANY; i++) {
                cr_assert(grows ? put_number(&map, i) : drop_number(&map, i));
            }
            cr_assert_lt(calls, MANY);
        } while (cursor != 0);
        for (uint32_t i = 0; i < MANY / 30; i++) {
            cr_assert_gt(seen[i], 0);
        }
        mem_free(seen);
        map_clear(&map);
    }
}

static void remove_visit(void *argument, const struct map_record *record)
{
    uint32_t *numbers = argument;
    numbers[++numbers[0]] = (uint32_t)record->word;
}

/* Scanning and removing what was seen, as clients do that empty a collection. */
Test(map, scan_and_remove)
{
    struct map map = make(MAP_WORDS);
    uint32_t *numbers = mem_alloc(sizeof(uint32_t) * (MANY + 1));
    uint64_t cursor = 0;
    uint32_t calls = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert(put_number(&map, i));
    }
    do {
        numbers[0] = 0;
        cursor = map_scan(&map, cursor, 50, remove_visit, numbers);
        for (uint32_t i = 1; i <= numbers[0]; i++) {
            cr_assert(drop_number(&map, numbers[i]));
        }
        if (calls++ % 50 == 0) {
            map_verify(&map);
        }
    } while (cursor != 0);
    cr_assert_eq(map.count, 0);
    cr_assert_null(map.root);
    mem_free(numbers);
}

Test(map, any_number_is_a_cursor)
{
    struct map map = make(MAP_WORDS);
    uint8_t *seen = mem_alloc_zero(MANY);
    for (uint32_t i = 0; i < 2000; i++) {
        cr_assert(put_number(&map, i));
    }
    for (uint64_t cursor = 1; cursor != 0; cursor <<= 1) {
        cr_assert_lt(map_scan(&map, cursor, 5, count_visit, seen), UINT64_C(1) << 53);
        cr_assert_lt(map_scan(&map, cursor - 1, 5, count_visit, seen), UINT64_C(1) << 53);
        cr_assert_lt(map_scan(&map, 0 - cursor, 5, count_visit, seen), UINT64_C(1) << 53);
    }
    mem_free(seen);
    map_clear(&map);
}

/* The largest that lie in segments: they are split down to a few each. */
Test(map, large_records)
{
    struct map map = make(MAP_ITEMS);
    unsigned char name[ITEM_EMBED_MAX];
    unsigned char value[ITEM_EMBED_MAX];
    memset(name, 'n', sizeof(name));
    memset(value, 'v', sizeof(value));
    for (uint32_t i = 0; i < 2000; i++) {
        memcpy(name, &i, sizeof(i));
        memcpy(value, &i, sizeof(i));
        cr_assert(put(&map, bytes_make(name, sizeof(name)), 0, bytes_make(value, sizeof(value))));
    }
    map_verify(&map);
    cr_assert_lt(map.bytes, 2000 * 1024 * 4 / 3);
    for (uint32_t i = 0; i < 2000; i++) {
        memcpy(name, &i, sizeof(i));
        memcpy(value, &i, sizeof(i));
        expect_value(&map, bytes_make(name, sizeof(name)), bytes_make(value, sizeof(value)));
        if (i % 2 == 0) {
            struct item item = item_of(bytes_make(name, sizeof(name)));
            cr_assert(map_remove_item(&map, &item));
        }
    }
    map_verify(&map);
    cr_assert_eq(map.count, 1000);
    map_clear(&map);
}

/* Names and values behind counted pointers: the map holds references of its own, versions too. */
Test(map, blobs_are_counted)
{
    struct map map = make(MAP_ITEMS);
    struct map copy;
    unsigned char text[600];
    struct map_record record = {.word = 0};
    memset(text, 'x', sizeof(text));
    mem_thread_begin();
    size_t used = mem_used();
    struct blob *blob = blob_try_copy(bytes_make(text, sizeof(text)), sizeof(text));
    cr_assert_eq(item_make(blob_bytes(blob), blob, &record.name), STATUS_OK);
    cr_assert_eq(item_make(blob_bytes(blob), blob, &record.value), STATUS_OK);
    cr_assert(map_put(&map, &record));
    cr_assert_eq(atomic_load(&blob->refs), 5);
    cr_assert(!map_put(&map, &record));
    cr_assert_eq(atomic_load(&blob->refs), 5);
    item_unmake(&record.name);
    item_unmake(&record.value);
    map_copy(&map, &copy);
    cr_assert_eq(atomic_load(&blob->refs), 3);
    cr_assert(put_number(&map, 1));
    cr_assert_eq(atomic_load(&blob->refs), 5);
    map_clear(&copy);
    cr_assert_eq(atomic_load(&blob->refs), 3);
    /* The text is the same: which of the two blobs the name keeps is open. */
    cr_assert(!put(&map, bytes_make(text, sizeof(text)), 0, bytes_text("short")));
    cr_assert_leq(atomic_load(&blob->refs), 2);
    struct item name = item_of(bytes_make(text, sizeof(text)));
    cr_assert(map_remove_item(&map, &name));
    cr_assert(blob_is_unique(blob));
    map_clear(&map);
    blob_release(blob);
    cr_assert_eq(mem_used(), used);
    mem_thread_end();
}
