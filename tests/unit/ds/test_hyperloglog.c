/* Tests of HyperLogLog sketches: the two forms against an array of registers, what corrupt bytes
 * do, estimates, and the published format byte for byte. */
#include "pollard/ds/hyperloglog.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define ROOM (HLL_SPARSE_SIZE_MAX + HLL_SPARSE_GROWTH)

/* A generator of its own, so that a failure repeats. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void make_dense(unsigned char *dense)
{
    unsigned char empty[HLL_EMPTY_SIZE];
    hll_make_empty(empty);
    cr_assert(hll_sparse_to_dense(bytes_make(empty, sizeof(empty)), dense));
}

static void expect_registers(struct bytes sketch, const struct hll_registers *expected)
{
    struct hll_registers found = {{0}};
    cr_assert(hll_is_valid(sketch));
    cr_assert(hll_merge(&found, sketch));
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        cr_assert_eq(found.values[i], expected->values[i], "register %" PRIu32, i);
    }
}

Test(hyperloglog, elements_say_what_others_say)
{
    /* Found in sketches that Redis made: PFADD k ELEMENT, PFDEBUG DECODE k. */
    static const struct {
        const char *element;
        uint32_t index;
        uint32_t value;
    } rows[] = {
        {"a", 12711, 2},        {"", 5938, 2},
        {"b", 15780, 1},        {"abc", 9474, 1},
        {"hello", 9216, 1},     {"12345678", 10579, 3},
        {"123456789", 9293, 2}, {"the quick brown fox", 15795, 1},
        {"e0", 1318, 1},        {"e1", 15949, 2},
        {"e2", 15703, 2},       {"e12737", 10665, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hll_sample sample = hll_sample_of(bytes_text(rows[i].element));
        cr_expect_eq(sample.index, rows[i].index, "%s: %" PRIu32, rows[i].element, sample.index);
        cr_expect_eq(sample.value, rows[i].value, "%s: %" PRIu32, rows[i].element, sample.value);
    }
}

Test(hyperloglog, dense_registers_hold_what_was_put)
{
    static unsigned char dense[HLL_DENSE_SIZE];
    static struct hll_registers expected;
    uint64_t state = 1;
    make_dense(dense);
    for (uint32_t i = 0; i < 200000; i++) {
        const struct hll_sample sample = {.index = (uint32_t)(next_random(&state) % HLL_REGISTERS),
                                          .value = (uint32_t)(next_random(&state) % 64)};
        bool is_higher = sample.value > expected.values[sample.index];
        cr_assert_eq(hll_dense_raise(dense, sample), is_higher ? HLL_RAISED : HLL_SAME);
        if (is_higher) {
            expected.values[sample.index] = (uint8_t)sample.value;
        }
        cr_assert_eq(hll_dense_get(dense, sample.index), expected.values[sample.index]);
    }
    expect_registers(bytes_make(dense, sizeof(dense)), &expected);
    uint64_t count = 0;
    cr_assert(hll_count(bytes_make(dense, sizeof(dense)), &count));
    cr_expect_eq(count, hll_count_registers(&expected));
}

/* Few indexes and values, so that runs of all kinds meet; the whole is checked now and then. */
Test(hyperloglog, sparse_runs_are_split_and_joined)
{
    static unsigned char sparse[ROOM];
    static struct hll_registers expected;
    uint64_t state = 2;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t indexes = 1u << (3 + round % 12);
        uint32_t values = 1 + round % 32;
        size_t size = HLL_EMPTY_SIZE;
        hll_make_empty(sparse);
        expected = (struct hll_registers){{0}};
        for (uint32_t i = 0; i < 2000; i++) {
            const struct hll_sample sample = {
                .index = (uint32_t)(next_random(&state) % indexes) + (round % 2) * 300,
                .value = 1 + (uint32_t)(next_random(&state) % values)};
            uint8_t *value = &expected.values[sample.index % HLL_REGISTERS];
            const struct hll_sample within = {.index = sample.index % HLL_REGISTERS,
                                              .value = sample.value};
            enum hll_result wanted = within.value > *value ? HLL_RAISED : HLL_SAME;
            struct hll_place place;
            cr_assert_eq(hll_sparse_find(bytes_make(sparse, size), within, &place), wanted);
            cr_assert_eq(hll_sparse_raise(sparse, &size, within, HLL_SPARSE_SIZE_MAX), wanted);
            *value = wanted == HLL_RAISED ? (uint8_t)within.value : *value;
            if (i % 100 == 0) {
                expect_registers(bytes_make(sparse, size), &expected);
            }
        }
        static unsigned char dense[HLL_DENSE_SIZE];
        expect_registers(bytes_make(sparse, size), &expected);
        cr_assert(hll_sparse_to_dense(bytes_make(sparse, size), dense));
        expect_registers(bytes_make(dense, sizeof(dense)), &expected);
        uint64_t sparse_count = 0;
        uint64_t dense_count = 1;
        cr_assert(hll_count(bytes_make(sparse, size), &sparse_count));
        cr_assert(hll_count(bytes_make(dense, sizeof(dense)), &dense_count));
        cr_assert_eq(sparse_count, dense_count);
    }
}

/* Every first opcode but eight wide: the steps of eight bytes meet each kind at each place. */
Test(hyperloglog, steps_and_single_opcodes_agree)
{
    static unsigned char sparse[ROOM];
    uint64_t state = 3;
    for (uint32_t round = 0; round < 300; round++) {
        hll_make_empty(sparse);
        size_t size = HLL_HEADER_SIZE;
        uint32_t left = HLL_REGISTERS;
        static struct hll_registers expected;
        expected = (struct hll_registers){{0}};
        while (left > 0) {
            uint64_t kind = next_random(&state) % (round % 3 + 2);
            uint32_t most = kind == 0 ? 64 : kind == 1 ? 4 : 200;
            uint32_t length = 1 + (uint32_t)(next_random(&state) % most);
            length = length < left ? length : left;
            if (kind == 0) {
                sparse[size++] = (unsigned char)(length - 1);
            } else if (kind == 1) {
                uint32_t value = 1 + (uint32_t)(next_random(&state) % 32);
                sparse[size++] = (unsigned char)(0x80 | (value - 1) << 2 | (length - 1));
                memset(expected.values + HLL_REGISTERS - left, (int)value, length);
            } else {
                sparse[size++] = (unsigned char)(0x40 | (length - 1) >> 8);
                sparse[size++] = (unsigned char)(length - 1);
            }
            left -= length;
        }
        struct bytes sketch = bytes_make(sparse, size);
        expect_registers(sketch, &expected);
        for (uint32_t i = 0; i < HLL_REGISTERS; i += 1 + (uint32_t)(next_random(&state) % 50)) {
            uint32_t value = expected.values[i];
            const struct hll_sample same = {.index = i, .value = value};
            const struct hll_sample more = {.index = i, .value = value + 1};
            struct hll_place place;
            cr_assert_eq(hll_sparse_find(sketch, same, &place), HLL_SAME);
            cr_assert_eq(hll_sparse_find(sketch, more, &place), HLL_RAISED);
            cr_assert_eq(place.run.value, value);
            cr_assert(place.first <= i && i - place.first < place.run.length);
        }
    }
}

/* All at once writes what one after the other writes. */
Test(hyperloglog, sparse_sketches_are_raised_as_a_whole)
{
    static unsigned char one_by_one[ROOM];
    static unsigned char at_once[ROOM];
    static struct hll_registers registers;
    uint64_t state = 5;
    for (uint32_t round = 0; round < 400; round++) {
        size_t size = HLL_EMPTY_SIZE;
        hll_make_empty(one_by_one);
        uint32_t values = 1 + round % 4;
        uint32_t spacing = 1u << round % 10;
        for (uint32_t i = 0; i < 300; i++) {
            const struct hll_sample sample = {
                .index = (uint32_t)(next_random(&state) % (HLL_REGISTERS / spacing)),
                .value = 1 + (uint32_t)(next_random(&state) % values)};
            (void)hll_sparse_raise(one_by_one, &size, sample, HLL_SPARSE_SIZE_MAX);
        }
        memcpy(at_once, one_by_one, size);
        size_t size_at_once = size;
        registers = (struct hll_registers){{0}};
        size_t size_max = round % 3 == 0 ? size + 50 : HLL_SPARSE_SIZE_MAX;
        for (uint32_t i = 0; i < 500; i++) {
            uint32_t index = (uint32_t)(next_random(&state) % (HLL_REGISTERS / spacing));
            registers.values[index] = (uint8_t)(1 + next_random(&state) % values);
        }
        enum hll_result result = HLL_RAISED;
        for (uint32_t i = 0; i < HLL_REGISTERS && result != HLL_FULL; i++) {
            const struct hll_sample sample = {.index = i, .value = registers.values[i]};
            if (sample.value > 0) {
                result = hll_sparse_raise(one_by_one, &size, sample, size_max);
            }
        }
        enum hll_result all = hll_sparse_raise_all(at_once, &size_at_once, &registers, size_max);
        cr_assert_eq(all, result == HLL_FULL ? HLL_FULL : HLL_RAISED);
        cr_assert_eq(size_at_once, size, "round %" PRIu32, round);
        cr_assert_arr_eq(at_once, one_by_one, size);
    }
}

Test(hyperloglog, sparse_limits)
{
    unsigned char sparse[64] = {0};
    size_t size = HLL_EMPTY_SIZE;
    hll_make_empty(sparse);
    cr_expect_eq(hll_sparse_raise(sparse, &size, (struct hll_sample){5, 33}, 64), HLL_FULL);
    cr_expect_eq(hll_sparse_raise(sparse, &size, (struct hll_sample){5, 32}, 19), HLL_FULL);
    cr_expect_eq(size, HLL_EMPTY_SIZE);
    cr_expect_eq(hll_sparse_raise(sparse, &size, (struct hll_sample){5, 32}, 20), HLL_RAISED);
    cr_expect_eq(size, 20);
    /* In place whatever the limit says. */
    cr_expect_eq(hll_sparse_raise(sparse, &size, (struct hll_sample){5, 32}, 0), HLL_SAME);
    cr_expect_eq(hll_sparse_raise(sparse, &size, (struct hll_sample){5, 51}, 64), HLL_FULL);
}

Test(hyperloglog, the_estimate_is_cached_in_the_header)
{
    unsigned char sparse[HLL_EMPTY_SIZE] = {0};
    struct bytes sketch = bytes_make(sparse, sizeof(sparse));
    uint64_t count = 1;
    hll_make_empty(sparse);
    cr_expect(hll_cached(sketch, &count));
    cr_expect_eq(count, 0);
    hll_uncache(sparse);
    cr_expect_not(hll_cached(sketch, &count));
    cr_expect_eq(sparse[15], 0x80);
    hll_cache(sparse, UINT64_C(0x0123456789abcdef));
    cr_expect(hll_cached(sketch, &count));
    cr_expect_eq(count, UINT64_C(0x0123456789abcdef));
    cr_expect_eq(sparse[8], 0xef);
}

Test(hyperloglog, corrupt_bytes_are_refused)
{
    static const struct {
        unsigned char opcodes[6];
        size_t size;
    } rows[] = {
        {{0}, 0},
        {{0x7f}, 1},
        {{0x7f, 0xfe}, 2},
        {{0x7f, 0xff, 0x00}, 3},
        {{0x7f, 0xff, 0x80}, 3},
        {{0x7f, 0xff, 0x40}, 3},
        {{0x3f}, 1},
        {{0x83, 0x7f, 0xff}, 3},
    };
    static unsigned char dense[HLL_DENSE_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char sparse[64] = {0};
        hll_make_empty(sparse);
        memcpy(sparse + HLL_HEADER_SIZE, rows[i].opcodes, rows[i].size);
        struct bytes sketch = bytes_make(sparse, HLL_HEADER_SIZE + rows[i].size);
        struct hll_registers registers = {{0}};
        uint64_t count;
        cr_expect(hll_is_valid(sketch));
        cr_expect_not(hll_count(sketch, &count), "row %zu", i);
        cr_expect_not(hll_merge(&registers, sketch), "row %zu", i);
        cr_expect_not(hll_sparse_to_dense(sketch, dense), "row %zu", i);
    }
    unsigned char sketch[HLL_EMPTY_SIZE];
    hll_make_empty(sketch);
    cr_expect_not(hll_is_valid(bytes_make(sketch, 15)));
    sketch[4] = 2;
    cr_expect_not(hll_is_valid(bytes_make(sketch, sizeof(sketch))));
    sketch[4] = HLL_DENSE;
    cr_expect_not(hll_is_valid(bytes_make(sketch, sizeof(sketch))));
    sketch[4] = HLL_SPARSE;
    sketch[0] = 'h';
    cr_expect_not(hll_is_valid(bytes_make(sketch, sizeof(sketch))));
}

Test(hyperloglog, estimates_are_within_bounds)
{
    static unsigned char dense[HLL_DENSE_SIZE];
    make_dense(dense);
    uint64_t next = 1;
    for (uint64_t i = 1; i <= 1000000; i++) {
        char text[24];
        int length = snprintf(text, sizeof(text), "element:%" PRIu64, i);
        (void)hll_dense_raise(dense, hll_sample_of(bytes_make(text, (size_t)length)));
        if (i == next) {
            uint64_t count = 0;
            cr_assert(hll_count(bytes_make(dense, sizeof(dense)), &count));
            double error = fabs((double)count - (double)i);
            cr_expect_leq(error, (double)i * 0.0081 * 4 + 2, "%" PRIu64 " for %" PRIu64, count, i);
            next *= 10;
        }
    }
}

Test(hyperloglog, merges_take_the_highest)
{
    static unsigned char dense[HLL_DENSE_SIZE];
    static struct hll_registers expected;
    static struct hll_registers more;
    uint64_t state = 4;
    make_dense(dense);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        uint32_t value = (uint32_t)(next_random(&state) % 64);
        more.values[i] = (uint8_t)(next_random(&state) % 64);
        (void)hll_dense_raise(dense, (struct hll_sample){.index = i, .value = value});
        expected.values[i] = more.values[i] > value ? more.values[i] : (uint8_t)value;
    }
    hll_dense_raise_all(dense, &more);
    expect_registers(bytes_make(dense, sizeof(dense)), &expected);
}
