/* Tests of the pure operations on strings: slices, numbers, digests, common subsequences. */
#include "pollard/base/mem.h"
#include "pollard/value/string.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(string, slices_as_redis_does)
{
    static const struct {
        size_t size;
        int64_t start;
        int64_t end;
        size_t offset;
        size_t length;
    } rows[] = {
        {10, 0, -1, 0, 10},
        {10, 0, 0, 0, 1},
        {10, 3, 5, 3, 3},
        {10, -3, -1, 7, 3},
        {10, -1, -3, 0, 0},
        {10, 5, 3, 0, 0},
        {10, 9, 100, 9, 1},
        {10, 10, 100, 0, 0},
        {10, -100, 2, 0, 3},
        {10, -100, -50, 0, 1},
        {10, INT64_MIN, INT64_MAX, 0, 10},
        {10, INT64_MAX, INT64_MIN, 0, 0},
        {0, 0, -1, 0, 0},
        {0, -1, 0, 0, 0},
        {1, -1, -1, 0, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct string_slice slice = string_slice_of(rows[i].size, rows[i].start, rows[i].end);
        cr_expect_eq(slice.size, rows[i].length, "row %zu: size %zu", i, slice.size);
        if (rows[i].length > 0) {
            cr_expect_eq(slice.offset, rows[i].offset, "row %zu: offset %zu", i, slice.offset);
        }
        cr_expect_leq(slice.offset + slice.size, rows[i].size, "row %zu is within", i);
    }
}

Test(string, reads_numbers_of_any_encoding)
{
    int64_t integer = 0;
    long double number = 0;
    struct value value = value_integer(-7);
    cr_expect(string_integer(&value, &integer));
    cr_expect_eq(integer, -7);
    cr_expect(string_float(&value, &number));
    cr_expect_float_eq((double)number, -7.0, 0.0);
    value = value_raw(bytes_text("42"));
    cr_expect(string_integer(&value, &integer));
    cr_expect_eq(integer, 42);
    value = value_string(bytes_text("1.5"));
    cr_expect_not(string_integer(&value, &integer));
    cr_expect(string_float(&value, &number));
    cr_expect_float_eq((double)number, 1.5, 0.0);
    value = value_string(bytes_text(""));
    cr_expect_not(string_integer(&value, &integer));
    cr_expect_not(string_float(&value, &number));
}

Test(string, keeps_text_unencoded)
{
    struct value value = string_unencoded(bytes_text("11"));
    cr_expect_eq(value.encoding, ENCODING_EMBSTR);
    unsigned char text[VALUE_EMBSTR_SIZE_MAX + 1];
    memset(text, '1', sizeof(text));
    value = string_unencoded(bytes_make(text, VALUE_EMBSTR_SIZE_MAX));
    cr_expect_eq(value.encoding, ENCODING_EMBSTR);
    value = string_unencoded(bytes_make(text, sizeof(text)));
    cr_expect_eq(value.encoding, ENCODING_RAW);
}

Test(string, digests)
{
    unsigned char digest[STRING_DIGEST_SIZE];
    struct value value = value_string(bytes_text("Hello world"));
    string_digest(&value, digest);
    cr_expect(bytes_equal(bytes_make(digest, sizeof(digest)), bytes_text("b6acb9d84a38ff74")));
    /* An integer is digested as its text. */
    unsigned char other[STRING_DIGEST_SIZE];
    value = value_integer(12345);
    string_digest(&value, digest);
    value = value_raw(bytes_text("12345"));
    string_digest(&value, other);
    cr_expect_arr_eq(digest, other, sizeof(digest));
}

#define TEXT_MAX 24

/* The textbook matrix, to compare with. */
static size_t naive_length(struct bytes a, struct bytes b)
{
    size_t best[TEXT_MAX + 1][TEXT_MAX + 1] = {{0}};
    for (size_t i = 1; i <= a.size; i++) {
        for (size_t j = 1; j <= b.size; j++) {
            size_t up = best[i - 1][j];
            size_t left = best[i][j - 1];
            best[i][j] = up > left ? up : left;
            if (a.data[i - 1] == b.data[j - 1]) {
                best[i][j] = best[i - 1][j - 1] + 1;
            }
        }
    }
    return best[a.size][b.size];
}

static void run(struct lcs *lcs, struct bytes a, struct bytes b, bool steps)
{
    cr_assert(lcs_init(lcs, a, b, steps, 1 << 20));
    while (lcs_row(lcs)) {
    }
}

/* Matches are equal stretches, in strictly falling order, as long together as the length. */
static void check_matches(struct lcs *lcs)
{
    size_t total = 0;
    size_t a_end = lcs->a.size;
    size_t b_end = lcs->b.size;
    struct lcs_match match;
    while (lcs_next(lcs, &match)) {
        cr_assert_lt(match.a_end, a_end);
        cr_assert_lt(match.b_end, b_end);
        size_t size = match.a_end - match.a_start + 1;
        cr_assert_eq(size, match.b_end - match.b_start + 1);
        cr_assert_arr_eq(lcs->a.data + match.a_start, lcs->b.data + match.b_start, size);
        total += size;
        a_end = match.a_start;
        b_end = match.b_start;
    }
    cr_assert_eq(total, lcs->length);
}

Test(string, finds_common_subsequences)
{
    struct lcs lcs;
    run(&lcs, bytes_text("ohmytext"), bytes_text("mynewtext"), true);
    cr_expect_eq(lcs.length, 6);
    struct lcs_match match;
    cr_assert(lcs_next(&lcs, &match));
    cr_expect_eq(match.a_start, 4);
    cr_expect_eq(match.a_end, 7);
    cr_expect_eq(match.b_start, 5);
    cr_expect_eq(match.b_end, 8);
    cr_assert(lcs_next(&lcs, &match));
    cr_expect_eq(match.a_start, 2);
    cr_expect_eq(match.a_end, 3);
    cr_expect_eq(match.b_start, 0);
    cr_expect_eq(match.b_end, 1);
    cr_expect_not(lcs_next(&lcs, &match));
    lcs_deinit(&lcs);
}

Test(string, finds_nothing_in_empty_strings)
{
    const struct bytes empty = {0};
    struct lcs lcs;
    struct lcs_match match;
    for (int which = 0; which < 3; which++) {
        run(&lcs, which == 1 ? bytes_text("abc") : empty, which == 2 ? bytes_text("abc") : empty,
            true);
        cr_expect_eq(lcs.length, 0);
        cr_expect_not(lcs_next(&lcs, &match));
        lcs_deinit(&lcs);
    }
}

Test(string, agrees_with_the_textbook)
{
    uint32_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        unsigned char text[2][TEXT_MAX];
        struct bytes bytes[2];
        for (int which = 0; which < 2; which++) {
            seed = seed * 1103515245u + 12345u;
            size_t size = (seed >> 16) % (TEXT_MAX + 1);
            for (size_t i = 0; i < size; i++) {
                seed = seed * 1103515245u + 12345u;
                text[which][i] = (unsigned char)('a' + (seed >> 16) % 3);
            }
            bytes[which] = bytes_make(text[which], size);
        }
        struct lcs lcs;
        run(&lcs, bytes[0], bytes[1], true);
        cr_assert_eq(lcs.length, naive_length(bytes[0], bytes[1]), "round %d", round);
        check_matches(&lcs);
        lcs_deinit(&lcs);
        run(&lcs, bytes[0], bytes[1], false);
        cr_assert_eq(lcs.length, naive_length(bytes[0], bytes[1]), "round %d", round);
        lcs_deinit(&lcs);
    }
}

Test(string, bounds_the_memory_of_matches)
{
    unsigned char *text = mem_alloc_zero(100000);
    struct lcs lcs;
    struct bytes bytes = bytes_make(text, 100000);
    cr_expect_not(lcs_init(&lcs, bytes, bytes, true, 1 << 20));
    cr_expect(lcs_init(&lcs, bytes, bytes, false, 1 << 20));
    lcs_deinit(&lcs);
    mem_free(text);
}
