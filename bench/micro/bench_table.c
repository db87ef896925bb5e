/* What keys cost: bytes of resident memory a key, and nanoseconds a put and a find when hashes are
 * prefetched in batches, as the reactors do.
 *
 *   bench_table [--quick] [KEYS ...]      (thousands; default: 700 1000 1400 2000, quick: 10)
 *
 * Each row runs in a process of its own, on one thread, so that no row inherits another's heap. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/base/thread.h"
#include "pollard/keyspace/access.h"
#include "pollard/stats/stats.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 64
#define NAME_SIZE 16
#define THOUSANDS_MAX 100000
#define FINDS UINT64_C(4000000)
#define FINDS_QUICK UINT64_C(10000)

enum shape { SHAPE_32, SHAPE_INTEGER, SHAPE_100, SHAPE_32_TTL, SHAPES };

static const char *const shape_names[SHAPES] = {"32 bytes", "integer", "100 bytes", "32 + TTL"};

struct bench {
    struct keyspace_options options;
    struct keyspace *keyspace;
    enum shape shape;
    uint64_t keys;
    uint64_t finds;
    int64_t now_ms;
    unsigned char names[BATCH][NAME_SIZE + 1];
    struct access_key batch[BATCH];
};

/* A bijection, so that keys come in no order and each once. */
static uint64_t scramble(uint64_t number)
{
    number *= UINT64_C(0x9e3779b97f4a7c15);
    return number ^ number >> 32;
}

static void make_batch(struct bench *bench, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        (void)snprintf((char *)bench->names[i], NAME_SIZE + 1, "%016llx",
                       (unsigned long long)scramble(first + i));
        struct access_key *key = &bench->batch[i];
        key->name = bytes_make(bench->names[i], NAME_SIZE);
        key->db = 0;
    }
}

static void prefetch_batch(struct bench *bench, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct access_key *key = &bench->batch[i];
        key->hash = keyspace_hash(bench->keyspace, key->name);
    }
    keyspace_prefetch(bench->keyspace, bench->batch, (uint32_t)count);
}

static void put_batch(struct bench *bench, uint64_t count)
{
    static const unsigned char text[100] =
        "the bytes of a value, none of which looks like a number";
    int64_t expires_at_ms = KEY_NO_EXPIRY;
    struct value value = value_integer(123456);
    if (bench->shape != SHAPE_INTEGER) {
        value = value_string(bytes_make(text, bench->shape == SHAPE_100 ? 100 : 32));
    }
    for (uint64_t i = 0; i < count; i++) {
        struct access access;
        if (bench->shape == SHAPE_32_TTL) {
            /* Within an hour, as caches have it. */
            expires_at_ms = bench->now_ms + 1000 + (int64_t)(bench->batch[i].hash % 3600000);
        }
        access_init(&access, bench->keyspace, ACCESS_WRITE, (struct key_list){&bench->batch[i], 1},
                    bench->now_ms);
        check(access_try(&access) == ACCESS_GRANTED);
        check(key_put(&access, 0, &value, expires_at_ms) == STATUS_OK);
        key_event(&access, 0, EVENT_set);
        access_end(&access);
    }
}

static void find_batch(struct bench *bench, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct access access;
        struct value value;
        access_init(&access, bench->keyspace, ACCESS_READ, (struct key_list){&bench->batch[i], 1},
                    bench->now_ms);
        check(access_try(&access) == ACCESS_GRANTED);
        check(key_find(&access, 0, 0, &value));
        access_end(&access);
    }
}

/* Runs over the keys in batches; returns the ns a key, names not counted. */
static double run(struct bench *bench, uint64_t total, uint64_t stride,
                  void (*step)(struct bench *bench, uint64_t count))
{
    uint64_t ticks = 0;
    for (uint64_t done = 0; done < total; done += BATCH) {
        uint64_t first = done * stride % bench->keys / BATCH * BATCH;
        uint64_t count = bench->keys - first < BATCH ? bench->keys - first : BATCH;
        make_batch(bench, first, count);
        keyspace_enter(bench->keyspace);
        uint64_t begin = clock_ticks();
        prefetch_batch(bench, count);
        step(bench, count);
        ticks += clock_ticks() - begin;
        keyspace_leave(bench->keyspace);
    }
    return (double)clock_ticks_to_ns(ticks) / (double)total;
}

static uint64_t resident(void)
{
    struct mem_figures figures;
    mem_figures(&figures);
    return figures.rss_bytes;
}

static void run_row(struct bench *bench)
{
    const struct keyspace_hooks hooks = {0};
    struct keyspace_figures figures;
    thread_adopt();
    clock_setup();
    stats_setup(1);
    bench->now_ms = clock_ms();
    option_put(&bench->options.databases, 16);
    bench->keyspace = keyspace_create(&bench->options, &hooks, 2);
    uint64_t before = resident();
    double put_ns = run(bench, bench->keys, 1, put_batch);
    uint64_t after = resident();
    double again_ns = run(bench, bench->finds, 7919, put_batch);
    double find_ns = run(bench, bench->finds, 7919, find_batch);
    keyspace_figures(bench->keyspace, 0, &figures);
    double keys = (double)bench->keys;
    printf("%-10s %5llu k: %6.1f bytes a key (table %4.1f, expiry %4.1f, overflow %4.1f %%), "
           "first put %5.1f, put %5.1f, find %5.1f ns\n",
           shape_names[bench->shape], (unsigned long long)(bench->keys / 1000),
           (double)(after - before) / keys, (double)figures.table_bytes / keys,
           (double)figures.expiry_bytes / keys,
           100.0 * (double)figures.overflow_buckets / (double)figures.buckets, put_ns, again_ns,
           find_ns);
    (void)fflush(stdout);
}

static bool run_apart(enum shape shape, uint64_t keys, uint64_t finds)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        static struct bench bench;
        bench.shape = shape;
        bench.keys = keys;
        bench.finds = finds;
        run_row(&bench);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    static const char *const defaults[] = {"700", "1000", "1400", "2000"};
    static const char *const quick_rows[] = {"10"};
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    int first = quick ? 2 : 1;
    const char *const *rows = (const char *const *)argv + first;
    int row_count = argc - first;
    if (row_count <= 0) {
        rows = quick ? quick_rows : defaults;
        row_count = quick ? 1 : 4;
    }
    for (int shape = 0; shape < SHAPES; shape++) {
        for (int i = 0; i < row_count; i++) {
            int64_t thousands = 0;
            if (!number_parse_i64(bytes_text(rows[i]), &thousands) || thousands < 1 ||
                thousands > THOUSANDS_MAX) {
                (void)fprintf(stderr, "usage: bench_table [--quick] [THOUSANDS_OF_KEYS ...]\n");
                return 2;
            }
            if (!run_apart((enum shape)shape, (uint64_t)thousands * 1000,
                           quick ? FINDS_QUICK : FINDS)) {
                return 1;
            }
        }
    }
    return 0;
}
