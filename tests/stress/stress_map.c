/* Stress of maps' versions: one thread changes a map and hands versions of it to others, which walk
 * them, look things up, change their own copy and drop them, all at once.
 *
 * The changing thread moves units from one word to another and values from one name to another, so
 * that a version in which a change is seen by half shows: the sum of words never changes, and every
 * value says whose it is. Everything is bounded by the number of operations. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/ds/map.h"
#include <pthread.h>
#include <stdio.h>

#define NAMES 8000
#define UNITS_EACH 2
#define READERS 3
#define VERSIONS 400
#define CHANGES_BETWEEN 60
#define LONG_TEXT 600
#define QUEUE_MAX 8

struct handed {
    struct map map;
    uint64_t count;
};

struct stress {
    enum map_kind kind;
    struct hash_secret secret;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct handed queue[QUEUE_MAX]; /* under mutex, with what follows */
    uint32_t queued;
    bool is_done;
    _Atomic uint64_t walked;
};

static struct bytes name_of(char *out, uint32_t number)
{
    return bytes_make(out, (size_t)sprintf(out, "name:%u", number));
}

/* The value of a name: its text, sometimes so often that it does not lie in the segment. */
static struct bytes value_of(char *out, uint32_t number, bool is_long)
{
    size_t size = (size_t)sprintf(out, "name:%u", number);
    while (is_long && size <= LONG_TEXT) {
        size += (size_t)sprintf(out + size, "+name:%u", number);
    }
    return bytes_make(out, size);
}

static void put(struct map *map, uint32_t number, uint64_t word)
{
    char name[32];
    char value[LONG_TEXT + 32];
    struct map_record record = {.word = word, .name = item_of(name_of(name, number))};
    struct bytes text = value_of(value, number, word % 8 == 0);
    check(item_make(text, NULL, &record.value) == STATUS_OK);
    (void)map_put(map, &record);
    item_unmake(&record.value);
}

static bool find(const struct map *map, uint32_t number, struct map_record *ret_record)
{
    char name[32];
    struct item_needle needle;
    item_needle_init(&needle, name_of(name, number));
    return map_find(map, &needle, ret_record);
}

static void expect_record(const struct map *map, const struct map_record *record)
{
    if (map->kind == MAP_ITEMS) {
        check(record->value.size >= record->name.size);
        check(memcmp(record->value.data, record->name.data, record->name.size) == 0);
        const unsigned char *end = record->value.data + record->value.size;
        check(memcmp(end - record->name.size, record->name.data, record->name.size) == 0);
    }
}

/* ---- Readers ---- */

static void read_version(struct stress *stress, struct handed *handed)
{
    struct map_cursor cursor;
    struct map_record record;
    uint64_t count = 0;
    uint64_t sum = 0;
    map_cursor_begin(&handed->map, &cursor);
    while (map_next(&cursor, &record)) {
        expect_record(&handed->map, &record);
        sum += record.word;
        count++;
    }
    check(count == handed->count);
    check(stress->kind != MAP_WORDS || sum == (uint64_t)NAMES * UNITS_EACH);
    for (uint32_t i = 0; i < 200; i++) {
        map_at(&handed->map, random_below(count), &record);
        expect_record(&handed->map, &record);
        if (find(&handed->map, (uint32_t)random_below(NAMES), &record)) {
            expect_record(&handed->map, &record);
        }
    }
    /* What a reader does to its own copy is nobody else's. */
    for (uint32_t i = 0; i < 50; i++) {
        char name[32];
        struct item item = item_of(name_of(name, (uint32_t)random_below(NAMES)));
        (void)map_remove_item(&handed->map, &item);
        put(&handed->map, NAMES + i, 7 + i);
    }
    atomic_fetch_add_explicit(&stress->walked, count, memory_order_relaxed);
    map_clear(&handed->map);
}

static void *reader_main(void *argument)
{
    struct stress *stress = argument;
    mem_thread_begin();
    for (;;) {
        struct handed handed;
        pthread_mutex_lock(&stress->mutex);
        while (stress->queued == 0 && !stress->is_done) {
            pthread_cond_wait(&stress->changed, &stress->mutex);
        }
        if (stress->queued == 0) {
            pthread_mutex_unlock(&stress->mutex);
            break;
        }
        handed = stress->queue[--stress->queued];
        pthread_cond_broadcast(&stress->changed);
        pthread_mutex_unlock(&stress->mutex);
        read_version(stress, &handed);
    }
    mem_thread_end();
    return NULL;
}

/* ---- The changing thread ---- */

static void change(struct stress *stress, struct map *map)
{
    char name[32];
    struct map_record from;
    struct map_record to;
    uint32_t first = (uint32_t)random_below(NAMES);
    uint32_t second = (first + 1 + (uint32_t)random_below(NAMES - 1)) % NAMES;
    if (stress->kind == MAP_ITEMS) {
        struct item item = item_of(name_of(name, first));
        put(map, second, random_u64());
        if (map->count > NAMES / 2) {
            (void)map_remove_item(map, &item);
        }
        return;
    }
    if (!find(map, first, &from) || from.word == 0) {
        return;
    }
    uint64_t less = from.word - 1;
    uint64_t more = find(map, second, &to) ? to.word + 1 : 1;
    struct item_needle needle;
    item_needle_init(&needle, name_of(name, first));
    if (less == 0) {
        check(map_remove(map, &needle));
    } else {
        check(map_set_word(map, &needle, less));
    }
    put(map, second, more);
}

static void hand_version(struct stress *stress, const struct map *map)
{
    pthread_mutex_lock(&stress->mutex);
    while (stress->queued == QUEUE_MAX) {
        pthread_cond_wait(&stress->changed, &stress->mutex);
    }
    struct handed *handed = &stress->queue[stress->queued++];
    map_copy(map, &handed->map);
    handed->count = map->count;
    pthread_cond_broadcast(&stress->changed);
    pthread_mutex_unlock(&stress->mutex);
}

static void run(enum map_kind kind)
{
    struct stress stress = {
        .kind = kind, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct map map;
    pthread_t readers[READERS];
    size_t used = mem_used();
    hash_secret_random(&stress.secret);
    map_init(&map, kind, &stress.secret);
    for (uint32_t i = 0; i < NAMES; i++) {
        put(&map, i, UNITS_EACH);
    }
    for (uint32_t i = 0; i < READERS; i++) {
        check(pthread_create(&readers[i], NULL, reader_main, &stress) == 0);
    }
    for (uint32_t version = 0; version < VERSIONS; version++) {
        hand_version(&stress, &map);
        for (uint32_t i = 0; i < CHANGES_BETWEEN; i++) {
            change(&stress, &map);
        }
    }
    pthread_mutex_lock(&stress.mutex);
    stress.is_done = true;
    pthread_cond_broadcast(&stress.changed);
    pthread_mutex_unlock(&stress.mutex);
    for (uint32_t i = 0; i < READERS; i++) {
        check(pthread_join(readers[i], NULL) == 0);
    }
    map_verify(&map);
    printf("kind %d: %u versions, %llu records walked, %llu left\n", kind, VERSIONS,
           (unsigned long long)stress.walked, (unsigned long long)map.count);
    map_clear(&map);
    /* The C library keeps some memory of ended threads. */
    check(mem_used() < used + 65536);
}

int main(void)
{
    mem_thread_begin();
    run(MAP_WORDS);
    run(MAP_ITEMS);
    mem_thread_end();
    return 0;
}
