/* What one element of a large collection costs, in bytes and nanoseconds, in the structures here
 * and in a skiplist with a chained hash table (rival.h).
 *
 *   bench_collections [--quick]
 *
 * Sorted sets are a keyed tree and a map of words, as value/zset has them; lists a tree without
 * keys; sets and hashes maps. Names are 19 bytes, scores random; each row is one pass in random
 * order over all elements, 1,000 and a million of them. One thread; bytes are the allocator's. */
#include "micro.h"
#include "pollard/base/thread.h"
#include "pollard/ds/map.h"
#include "pollard/ds/tree.h"
#include "rival.h"

#define NAME_SIZE 19
#define RANGE 10
/* Elements touched by all passes of a row: small collections are built again and again. */
#define TOUCHED 1000000

struct bench {
    uint32_t count;
    char (*names)[NAME_SIZE + 1]; /* in random order */
    uint32_t *order;              /* another random order of 0 .. count - 1 */
    struct hash_secret secret;
    struct map map;
    struct tree tree;
    struct tree list;
    struct rival rival;
    uint64_t sum; /* of what was read, so that reading is not left out */
};

static struct bytes name_at(const struct bench *bench, uint32_t index)
{
    return bytes_make(bench->names[index], NAME_SIZE);
}

/* The score of an element: as good as random, and known without a look. */
static uint64_t key_at(uint32_t index)
{
    return (uint64_t)index * UINT64_C(0x9e3779b97f4a7c15) >> 8;
}

/* ---- The structures here ---- */

static void zset_add(struct bench *bench, uint32_t index)
{
    struct map_record record = {.name = item_of(name_at(bench, index)), .word = key_at(index)};
    struct tree_record place = {.key = record.word, .item = record.name};
    check(map_put(&bench->map, &record));
    (void)tree_add(&bench->tree, &place);
}

static void zset_score(struct bench *bench, uint32_t index)
{
    struct item_needle needle;
    struct map_record record;
    item_needle_init(&needle, name_at(bench, index));
    check(map_find(&bench->map, &needle, &record));
    bench->sum += record.word;
}

static void zset_rank(struct bench *bench, uint32_t index)
{
    struct item_needle needle;
    struct map_record record;
    item_needle_init(&needle, name_at(bench, index));
    check(map_find(&bench->map, &needle, &record));
    bench->sum += tree_rank(&bench->tree, record.word, &needle.item, false);
}

static void zset_range(struct bench *bench, uint32_t index)
{
    struct tree_cursor cursor;
    struct tree_record record;
    uint32_t left = RANGE;
    tree_cursor_at(&bench->tree, index, &cursor);
    while (left-- > 0 && tree_next(&cursor, &record)) {
        bench->sum += record.key;
    }
}

static void zset_remove(struct bench *bench, uint32_t index)
{
    struct item_needle needle;
    item_needle_init(&needle, name_at(bench, index));
    check(map_remove(&bench->map, &needle));
    check(tree_drop(&bench->tree, key_at(index), &needle.item));
}

static void list_push(struct bench *bench, uint32_t index)
{
    struct tree_record record = {.item = item_of(name_at(bench, index))};
    tree_insert(&bench->list, bench->list.count, &record);
}

static void list_index(struct bench *bench, uint32_t index)
{
    struct tree_record record;
    tree_get(&bench->list, index, &record);
    bench->sum += record.item.size;
}

/* ---- Maps alone: sets, hashes ---- */

static void map_add(struct bench *bench, uint32_t index)
{
    struct map_record record = {.name = item_of(name_at(bench, index)), .word = index};
    record.value = item_of(bytes_make("0123456789", 10));
    check(map_put(&bench->map, &record));
}

static void map_look(struct bench *bench, uint32_t index)
{
    struct item_needle needle;
    item_needle_init(&needle, name_at(bench, index));
    bench->sum += map_find(&bench->map, &needle, NULL);
}

static void map_pick(struct bench *bench, uint32_t index)
{
    struct map_record record;
    map_at(&bench->map, index, &record);
    bench->sum += record.name.size;
}

static void map_drop(struct bench *bench, uint32_t index)
{
    struct item_needle needle;
    item_needle_init(&needle, name_at(bench, index));
    check(map_remove(&bench->map, &needle));
}

/* ---- The rival ---- */

static void other_add(struct bench *bench, uint32_t index)
{
    check(rival_find(&bench->rival, name_at(bench, index)) == NULL);
    rival_add(&bench->rival, key_at(index), name_at(bench, index));
}

static void other_score(struct bench *bench, uint32_t index)
{
    bench->sum += rival_find(&bench->rival, name_at(bench, index))->key;
}

static void other_rank(struct bench *bench, uint32_t index)
{
    const struct rival_node *node = rival_find(&bench->rival, name_at(bench, index));
    bench->sum += rival_rank(&bench->rival, node->key, rival_text(node));
}

static void other_range(struct bench *bench, uint32_t index)
{
    const struct rival_node *node = rival_at(&bench->rival, index);
    for (uint32_t left = RANGE; left > 0 && node != NULL; left--) {
        bench->sum += node->key;
        node = node->levels[0].next;
    }
}

static void other_index(struct bench *bench, uint32_t index)
{
    bench->sum += rival_text(rival_at(&bench->rival, index)).size;
}

static void other_remove(struct bench *bench, uint32_t index)
{
    check(rival_remove(&bench->rival, name_at(bench, index)));
}

/* ---- Running ---- */

typedef void bench_step(struct bench *bench, uint32_t index);

#define ROWS_MAX 7

/* The steps of one structure: the first adds, the last but for lists removes. */
struct subject {
    const char *name;
    int map_kind;
    struct {
        const char *name;
        bench_step *step;
    } rows[ROWS_MAX];
};

static const struct subject subjects[] = {
    {"sorted set",
     MAP_WORDS,
     {{"ZADD", zset_add},
      {"ZSCORE", zset_score},
      {"ZRANK", zset_rank},
      {"ZRANGE of 10", zset_range},
      {"ZREM", zset_remove}}},
    {"skiplist and table",
     MAP_NAMES,
     {{"ZADD", other_add},
      {"ZSCORE", other_score},
      {"ZRANK", other_rank},
      {"ZRANGE of 10", other_range},
      {"LINDEX", other_index},
      {"ZREM", other_remove}}},
    {"list", MAP_NAMES, {{"RPUSH", list_push}, {"LINDEX", list_index}}},
    {"set",
     MAP_NAMES,
     {{"SADD", map_add}, {"SISMEMBER", map_look}, {"a pick", map_pick}, {"SREM", map_drop}}},
    {"hash, 10-byte values",
     MAP_ITEMS,
     {{"HSET", map_add}, {"HEXISTS", map_look}, {"a pick", map_pick}, {"HDEL", map_drop}}},
};

static void begin(struct bench *bench, const struct subject *subject)
{
    map_init(&bench->map, (enum map_kind)subject->map_kind, &bench->secret);
    tree_init(&bench->tree, true);
    tree_init(&bench->list, false);
    rival_init(&bench->rival, &bench->secret);
}

static void end(struct bench *bench)
{
    map_clear(&bench->map);
    tree_clear(&bench->tree);
    tree_clear(&bench->list);
    rival_deinit(&bench->rival);
}

static double pass(struct bench *bench, bench_step *step, bool is_in_order)
{
    uint64_t started = clock_ticks();
    for (uint32_t i = 0; i < bench->count; i++) {
        step(bench, is_in_order ? i : bench->order[i]);
    }
    return (double)clock_ticks_to_ns(clock_ticks() - started);
}

static void measure(struct bench *bench, const struct subject *subject, uint32_t times)
{
    double ns[ROWS_MAX] = {0};
    double bytes = 0;
    for (uint32_t round = 0; round < times; round++) {
        begin(bench, subject);
        size_t used = mem_used();
        for (int row = 0; row < ROWS_MAX && subject->rows[row].step != NULL; row++) {
            ns[row] += pass(bench, subject->rows[row].step, row == 0);
            bytes += row == 0 ? (double)(mem_used() - used) : 0;
        }
        end(bench);
    }
    double all = (double)bench->count * times;
    printf("%-22s %8u elements: %6.1f bytes each", subject->name, bench->count, bytes / all);
    for (int row = 0; row < ROWS_MAX && subject->rows[row].step != NULL; row++) {
        printf(", %s %.0f ns", subject->rows[row].name, ns[row] / all);
    }
    printf("\n");
}

static void shuffle(uint32_t *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = i;
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)random_below(i);
        uint32_t number = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = number;
    }
}

static void run(uint32_t count, uint32_t times)
{
    struct bench bench = {.count = count};
    hash_secret_random(&bench.secret);
    bench.names = mem_alloc((size_t)count * sizeof(bench.names[0]));
    bench.order = mem_alloc(count * sizeof(uint32_t));
    shuffle(bench.order, count);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(bench.names[i], NAME_SIZE + 1, "member:%012u", bench.order[i]);
    }
    shuffle(bench.order, count);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        measure(&bench, &subjects[i], times);
    }
    mem_free(bench.names);
    mem_free(bench.order);
}

int main(int argc, char **argv)
{
    bool quick;
    if (!micro_arguments(argc, argv, &quick)) {
        return 2;
    }
    clock_setup();
    thread_adopt();
    run(1000, quick ? 1 : TOUCHED / 1000);
    run(quick ? 5000 : TOUCHED, 1);
    thread_release();
    return 0;
}
