/* Tests of the operations on bitmaps, each against a loop over single bits. */
#include "pollard/value/bitmap.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROOM 5000

/* A generator of its own, so that a failure repeats. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Mostly zeroes, mostly ones, or anything. */
static void fill(unsigned char *data, size_t size, uint64_t *state)
{
    uint64_t kind = next_random(state) % 3;
    for (size_t i = 0; i < size; i++) {
        unsigned char noise = (unsigned char)next_random(state);
        unsigned char rare = next_random(state) % 1000 == 0 ? noise : 0;
        data[i] = kind == 0 ? noise : kind == 1 ? rare : (unsigned char)~rare;
    }
}

static struct bitmap_range random_range(size_t size, uint64_t *state)
{
    uint64_t a = next_random(state) % (size * 8);
    uint64_t b = next_random(state) % (size * 8);
    return (struct bitmap_range){.first = a < b ? a : b, .last = a < b ? b : a};
}

Test(bitmap, counts_and_finds_as_bit_by_bit)
{
    static unsigned char data[ROOM];
    uint64_t state = 1;
    for (uint32_t round = 0; round < 3000; round++) {
        size_t size = 1 + next_random(&state) % (round % 4 == 0 ? ROOM : 40);
        unsigned char *at = data + ROOM - size;
        fill(at, size, &state);
        struct bytes bytes = bytes_make(at, size);
        struct bitmap_range range = random_range(size, &state);
        bool bit = next_random(&state) % 2 == 0;
        uint64_t count = 0;
        int64_t position = -1;
        for (uint64_t i = range.first; i <= range.last; i++) {
            bool is_set = bitmap_get(bytes, i);
            count += is_set;
            position = position < 0 && is_set == bit ? (int64_t)i : position;
        }
        cr_assert_eq(bitmap_count_range(bytes, range), count, "round %" PRIu32, round);
        cr_assert_eq(bitmap_position(bytes, bit, range), position, "round %" PRIu32, round);
        struct bitmap_range all = {.first = 0, .last = size * 8 - 1};
        cr_assert_eq(bitmap_count(bytes), bitmap_count_range(bytes, all));
    }
    const struct bitmap_range nothing = {.first = 1, .last = 0};
    cr_expect_eq(bitmap_count_range(bytes_make(data, 1), nothing), 0);
    cr_expect_eq(bitmap_position(bytes_make(data, 1), true, nothing), -1);
    cr_expect_eq(bitmap_count((struct bytes){0}), 0);
}

Test(bitmap, sets_single_bits)
{
    unsigned char data[3] = {0};
    cr_expect_not(bitmap_set(data, 0, true));
    cr_expect_eq(data[0], 0x80);
    cr_expect(bitmap_set(data, 0, true));
    cr_expect_not(bitmap_set(data, 23, true));
    cr_expect_eq(data[2], 1);
    cr_expect(bitmap_get(bytes_make(data, 3), 23));
    cr_expect_not(bitmap_get(bytes_make(data, 3), 24));
    cr_expect_not(bitmap_get(bytes_make(data, 3), UINT64_MAX));
    cr_expect(bitmap_set(data, 0, false));
    cr_expect_eq(data[0], 0);
}

Test(bitmap, ranges_of_bytes_and_bits)
{
    static const struct {
        size_t size;
        int64_t start;
        int64_t end;
        uint32_t unit;
        bool is_something;
        uint64_t first;
        uint64_t last;
    } rows[] = {
        {6, 0, -1, 8, true, 0, 47},
        {6, 1, 1, 8, true, 8, 15},
        {6, 5, 30, 1, true, 5, 30},
        {6, -7, -1, 1, true, 41, 47},
        {6, -100, -50, 8, true, 0, 7},
        {6, -50, -100, 8, true, 0, 7},
        {6, 6, 9, 8, false, 0, 0},
        {0, 0, -1, 8, false, 0, 0},
        {6, 47, 100, 1, true, 47, 47},
        {6, 48, 100, 1, false, 0, 0},
        {6, INT64_MIN, INT64_MAX, 1, true, 0, 47},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bitmap_range range = {0};
        bool is_something =
            bitmap_range_of(rows[i].size, rows[i].start, rows[i].end, rows[i].unit, &range);
        cr_expect_eq(is_something, rows[i].is_something, "row %zu", i);
        cr_expect_eq(range.first, rows[i].first, "row %zu", i);
        cr_expect_eq(range.last, rows[i].last, "row %zu", i);
    }
}

static bool combined_bit(enum bitmap_operation operation, const struct bitmap_sources *sources,
                         uint64_t bit)
{
    bool first = bitmap_get(sources->items[0], bit);
    size_t ones = 0;
    for (size_t i = 0; i < sources->count; i++) {
        ones += bitmap_get(sources->items[i], bit);
    }
    size_t others = ones - first;
    switch (operation) {
    case BITMAP_AND:
        return ones == sources->count;
    case BITMAP_OR:
        return ones > 0;
    case BITMAP_XOR:
        return ones % 2 == 1;
    case BITMAP_NOT:
        return !first;
    case BITMAP_DIFF:
        return first && others == 0;
    case BITMAP_DIFF1:
        return !first && others > 0;
    case BITMAP_ANDOR:
        return first && others > 0;
    case BITMAP_ONE:
        return ones == 1;
    }
    return false;
}

Test(bitmap, combines_as_bit_by_bit)
{
    static unsigned char data[4][ROOM];
    static unsigned char out[ROOM];
    uint64_t state = 2;
    for (uint32_t round = 0; round < 400; round++) {
        enum bitmap_operation operation = (enum bitmap_operation)(round % 8);
        struct bytes items[4];
        size_t size = 1;
        size_t count = operation == BITMAP_NOT ? 1 : 1 + next_random(&state) % 4;
        for (size_t i = 0; i < count; i++) {
            size_t length = next_random(&state) % (round % 5 == 0 ? ROOM : 50);
            fill(data[i], length, &state);
            items[i] = bytes_make(length == 0 ? NULL : data[i], length);
            size = length > size ? length : size;
        }
        const struct bitmap_sources sources = {.items = items, .count = count};
        /* In two pieces. */
        size_t cut = next_random(&state) % size;
        bitmap_combine(operation, &sources, 0, cut, out);
        bitmap_combine(operation, &sources, cut, size - cut, out);
        for (uint64_t bit = 0; bit < size * 8; bit++) {
            cr_assert_eq(bitmap_get(bytes_make(out, size), bit),
                         combined_bit(operation, &sources, bit), "round %" PRIu32, round);
        }
    }
}

Test(bitmap, fields_are_written_and_read)
{
    unsigned char data[40];
    unsigned char before[40];
    uint64_t state = 3;
    for (uint32_t round = 0; round < 20000; round++) {
        bool is_signed = next_random(&state) % 2 == 0;
        struct bitmap_field field = {
            .offset = next_random(&state) % 200,
            .bits = (uint8_t)(1 + next_random(&state) % (is_signed ? 64 : 63)),
            .is_signed = is_signed,
        };
        fill(data, sizeof(data), &state);
        memcpy(before, data, sizeof(data));
        int64_t value = (int64_t)(next_random(&state) << 33 ^ next_random(&state));
        bitmap_field_set(data, &field, value);
        int64_t wrapped = 0;
        cr_assert(bitmap_field_add(&field, BITMAP_WRAP, value, 0, &wrapped));
        cr_assert_eq(bitmap_field_get(bytes_make(data, sizeof(data)), &field), wrapped);
        for (uint64_t i = 0; i < sizeof(data) * 8; i++) {
            bool is_within = i >= field.offset && i < field.offset + field.bits;
            bool bit = is_within
                           ? ((uint64_t)value >> (field.bits - 1 - (i - field.offset)) & 1) != 0
                           : bitmap_get(bytes_make(before, sizeof(before)), i);
            cr_assert_eq(bitmap_get(bytes_make(data, sizeof(data)), i), bit);
        }
    }
    const struct bitmap_field beyond = {.offset = 4, .bits = 8, .is_signed = true};
    cr_expect_eq(bitmap_field_get(bytes_text("\x0f"), &beyond), -16);
    cr_expect_eq(bitmap_field_get((struct bytes){0}, &beyond), 0);
}

Test(bitmap, fields_overflow_in_three_ways)
{
    static const struct {
        uint8_t bits;
        bool is_signed;
        int64_t value;
        int64_t increment;
        bool fails;
        int64_t wrapped;
        int64_t saturated;
    } rows[] = {
        {8, false, 250, 5, false, 255, 255},
        {8, false, 250, 6, true, 0, 255},
        {8, false, 3, -4, true, 255, 0},
        {8, false, 255, INT64_MIN, true, 255, 0},
        {8, false, 255, INT64_MAX, true, 254, 255},
        {8, false, -1, 0, true, 255, 255},
        {63, false, INT64_MAX, 1, true, 0, INT64_MAX},
        {63, false, INT64_MAX, INT64_MIN, true, INT64_MAX, 0},
        {63, false, -5, 0, true, INT64_MAX - 4, INT64_MAX},
        {8, true, 127, 1, true, -128, 127},
        {8, true, -128, -1, true, 127, -128},
        {8, true, 200, 0, true, -56, 127},
        {8, true, -200, 0, true, 56, -128},
        {5, true, 15, INT64_MIN, true, 15, -16},
        {64, true, INT64_MAX, 1, true, INT64_MIN, INT64_MAX},
        {64, true, INT64_MIN, -1, true, INT64_MAX, INT64_MIN},
        {64, true, INT64_MIN, INT64_MAX, false, -1, -1},
        {1, true, 0, 1, true, -1, 0},
        {1, true, 0, -1, false, -1, -1},
        {1, false, 1, 1, true, 0, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct bitmap_field field = {.bits = rows[i].bits, .is_signed = rows[i].is_signed};
        int64_t value = rows[i].value;
        int64_t increment = rows[i].increment;
        int64_t sum = 0;
        cr_expect(bitmap_field_add(&field, BITMAP_WRAP, value, increment, &sum));
        cr_expect_eq(sum, rows[i].wrapped, "row %zu wraps to %" PRId64, i, sum);
        cr_expect(bitmap_field_add(&field, BITMAP_SATURATE, value, increment, &sum));
        cr_expect_eq(sum, rows[i].saturated, "row %zu saturates at %" PRId64, i, sum);
        bool is_done = bitmap_field_add(&field, BITMAP_FAIL, value, increment, &sum);
        cr_expect_eq(is_done, !rows[i].fails, "row %zu", i);
    }
}
