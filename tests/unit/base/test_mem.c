/* Tests of allocation, its accounting, and fault injection. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

Test(mem, counts_what_is_held)
{
    thread_adopt();
    size_t before = mem_used();
    void *block = mem_alloc(100000);
    size_t held = mem_used();
    size_t size = mem_block_size(block);
    block = mem_realloc(block, 300000);
    size_t grown = mem_used();
    mem_free(block);
    size_t after = mem_used();
    cr_assert_geq(size, 100000);
    cr_assert_eq(held - before, size);
    cr_assert_geq(grown - before, 300000);
    cr_assert_eq(before, after);
}

Test(mem, aligns_multiples_of_a_line)
{
    bool aligned = true;
    for (size_t size = 64; size <= 70000; size += 64) {
        void *block = mem_alloc(size);
        void *other = mem_alloc(size);
        aligned = aligned && (uintptr_t)block % 64 == 0 && (uintptr_t)other % 64 == 0;
        other = mem_realloc(other, size + 64);
        aligned = aligned && (uintptr_t)other % 64 == 0;
        mem_free_sized(block, size);
        mem_free(other);
    }
    cr_assert(aligned);
}

Test(mem, odd_sizes)
{
    thread_adopt();
    size_t before = mem_used();
    void *none = mem_alloc(0);
    bool valid = none != NULL;
    mem_free_sized(none, 0);
    mem_free(NULL);
    mem_free_sized(NULL, 10);
    void *grown = mem_realloc(NULL, 10);
    grown = mem_realloc(grown, 0);
    valid = valid && grown != NULL;
    mem_free(grown);
    unsigned char *zeroed = mem_alloc_zero(1000);
    for (size_t i = 0; i < 1000; i++) {
        valid = valid && zeroed[i] == 0;
    }
    mem_free_sized(zeroed, 1000);
    char *text = mem_copy_text(bytes_make("abcdef", 3));
    valid = valid && strcmp(text, "abc") == 0;
    mem_free(text);
    size_t after = mem_used();
    cr_assert(valid);
    cr_assert_eq(mem_block_size(NULL), 0);
    cr_assert_geq(mem_good_size(1), 1);
    cr_assert_geq(mem_good_size(100), 100);
    cr_assert_eq(before, after);
}

static void allocate(void *argument)
{
    void **blocks = argument;
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = mem_alloc(5000);
    }
}

Test(mem, survives_the_thread_that_allocated)
{
    thread_adopt();
    void *blocks[100];
    size_t before = mem_used();
    struct thread *thread = thread_start("allocator", allocate, blocks);
    thread_join(&thread);
    size_t held = mem_used();
    for (size_t i = 0; i < 100; i++) {
        mem_free(blocks[i]);
    }
    size_t after = mem_used();
    cr_assert_geq(held - before, 500000);
    /* What the C library keeps of a thread (its name, its stack's record) is not ours. */
    cr_assert_leq(after > before ? after - before : before - after, 4096);
    /* Counted once, however often a thread comes and goes. */
    size_t whole = mem_used();
    thread_release();
    thread_adopt();
    cr_assert_leq(mem_used() - whole + 4096, 8192);
}

Test(mem, tells_figures)
{
    thread_adopt();
    void *block = mem_alloc(1 << 20);
    memset(block, 1, 1 << 20);
    struct mem_figures figures;
    mem_figures(&figures);
    cr_assert_geq(figures.used_bytes, 1 << 20);
    cr_assert_geq(figures.allocated_bytes, 1 << 20);
    cr_assert_geq(figures.rss_bytes, 1 << 20);
    cr_assert_geq(figures.resident_bytes, figures.muzzy_bytes);
    cr_assert_gt(strlen(mem_allocator_name()), 3);
    mem_free(block);
    mem_purge();
    struct buf text = {0};
    mem_stats_text(&text);
    cr_assert_gt(text.size, 10);
    buf_deinit(&text);
}

#if POLLARD_DEBUG
Test(mem, fails_on_demand)
{
    mem_fail_at(2);
    void *first = mem_try_alloc(10);
    void *second = mem_try_alloc(10);
    void *third = mem_try_alloc(10);
    cr_assert_not_null(first);
    cr_assert_null(second);
    cr_assert_not_null(third);
    mem_fail_at(1);
    cr_assert_null(mem_try_realloc(first, 20));
    mem_free(first);
    mem_free(third);
}
#endif

/* ---- Limits of cgroups ---- */

static void put(const char *root, const char *path, const char *text)
{
    char name[512];
    (void)snprintf(name, sizeof(name), "%s/%s", root, path);
    for (char *at = name + strlen(root) + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(name, 0700);
            *at = '/';
        }
    }
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file, "%s", name);
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
}

static uint64_t limit(const char *membership, const char *root)
{
    return mem_cgroup_limit(bytes_text(membership), root);
}

Test(mem, limits_of_cgroups)
{
    char root[] = "/tmp/pollard-cgroup-XXXXXX";
    cr_assert_not_null(mkdtemp(root));
    put(root, "a/b/memory.max", "max\n");
    put(root, "a/memory.max", "1000000\n");
    put(root, "c/memory.max", "2000000\n");
    put(root, "memory/d/e/memory.limit_in_bytes", "3000000\n");
    put(root, "memory/d/memory.limit_in_bytes", "9223372036854771712\n");
    cr_expect_eq(limit("0::/a/b\n", root), 1000000, "an ancestor's limit holds");
    cr_expect_eq(limit("0::/c\n", root), 2000000);
    cr_expect_eq(limit("0::/c/gone/under\n", root), 2000000, "what is not there does not count");
    cr_expect_eq(limit("0::/elsewhere\n", root), UINT64_MAX);
    cr_expect_eq(limit("5:cpu,memory:/d/e\n0::/\n", root), 3000000, "version 1");
    cr_expect_eq(limit("5:memoryless:/d/e\n", root), UINT64_MAX);
    cr_expect_eq(limit("4:memory:/d/e\n0::/a\n", root), 1000000, "the lowest of both");
    cr_expect_eq(limit("", root), UINT64_MAX);
    cr_expect_eq(limit("x\n:\n0:\n::\n", root), UINT64_MAX);
    cr_expect_gt(mem_system_size(), 0);
    cr_expect_leq((uint64_t)mem_system_size(), mem_machine_size());
}

/* ---- Compaction ---- */

#define MANY 20000

Test(mem, finds_sparse_slabs)
{
    thread_adopt();
    static void *blocks[MANY];
    static uint8_t places[MANY];
    struct mem_class classes[MEM_CLASSES_MAX];
    _Atomic uint8_t fills[MEM_CLASSES_MAX];
    if (!mem_tells_slabs()) {
        cr_skip("this allocator does not tell");
    }
    size_t count = mem_classes(classes);
    for (size_t i = 0; i < MEM_CLASSES_MAX; i++) {
        atomic_init(&fills[i], 50);
    }
    for (size_t i = 0; i < MANY; i++) {
        blocks[i] = mem_alloc(80);
    }
    mem_find_sparse(blocks, MANY / 2, fills, places);
    cr_expect_eq(places[MANY / 4], 0, "a full slab is not sparse");
    size_t left = 0;
    for (size_t i = 0; i < MANY; i++) {
        if (i % 10 == 0) {
            blocks[left++] = blocks[i];
        } else {
            mem_free_dense(blocks[i]);
        }
    }
    mem_find_sparse(blocks, left, fills, places);
    size_t sparse = 0;
    for (size_t i = 0; i < left; i++) {
        sparse += places[i] != 0;
        if (places[i] != 0) {
            cr_assert_lt((size_t)places[i] - 1, count);
            cr_assert_eq(classes[places[i] - 1].block_size, 80);
        }
    }
    cr_expect_gt(sparse, left * 8 / 10);
    for (size_t i = 0; i < left; i++) {
        void *copy = mem_alloc_dense(80);
        mem_free_dense(blocks[i]);
        mem_free(copy);
    }
}
