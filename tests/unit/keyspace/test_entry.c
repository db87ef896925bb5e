/* Tests of entries: their sizes, which the memory figures rest on, and what they keep. */
#include "entry.h"
#include "pollard/base/mem.h"
#include <criterion/criterion.h>

static const unsigned char text[4096] = "0123456789abcdefghijklmnopqrstuvwxyz";

static size_t size_of(size_t key_size, struct value value, int64_t expires_at_ms)
{
    const struct entry_parts parts = {
        .key = bytes_make(text, key_size), .value = value, .expires_at_ms = expires_at_ms};
    struct entry *entry = entry_make(&parts, 7);
    cr_assert_not_null(entry);
    struct value found;
    unsigned char scratch[24];
    unsigned char other[24];
    entry_value(entry, &found);
    cr_assert(bytes_equal(entry_key(entry), parts.key));
    cr_assert(entry_has_key(entry, parts.key));
    cr_assert(bytes_equal(value_string_bytes(&found, scratch), value_string_bytes(&value, other)));
    cr_assert_eq(found.encoding, value.encoding);
    cr_assert_eq(entry_expiry(entry), expires_at_ms);
    size_t size = entry_size(entry);
    entry_free(entry);
    return size;
}

static struct value string_of(size_t size)
{
    return value_raw(bytes_make(text, size));
}

Test(entry, has_the_sizes_that_were_promised)
{
    const int64_t at_ms = INT64_C(1800000000000);
    /* Small ones are allocated in steps of 16 bytes: 56 is asked for as 64. */
    cr_expect_eq(size_of(16, string_of(32), -1), 64);
    cr_expect_eq(size_of(16, string_of(32), at_ms), 64);
    cr_expect_eq(size_of(16, value_integer(-5), -1), 32);
    cr_expect_eq(size_of(16, value_integer(INT64_MIN), at_ms), 48);
    cr_expect_eq(size_of(16, string_of(100), -1), 128);
    cr_expect_eq(size_of(0, string_of(0), -1), 16);
    /* A long value lives elsewhere and costs a pointer. */
    cr_expect_eq(size_of(16, string_of(ENTRY_EMBED_MAX + 1), -1), 32);
}

Test(entry, keeps_every_form)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 255, 256, ENTRY_EMBED_MAX, 2000};
    static const int64_t times[] = {-1, 0, 1, (INT64_C(1) << 48) - 1, INT64_C(1) << 48, INT64_MAX};
    size_t before = mem_used();
    for (size_t key = 0; key < 7; key++) {
        for (size_t value = 0; value < 9; value++) {
            for (size_t time = 0; time < 6; time++) {
                cr_expect_gt(size_of(sizes[key], string_of(sizes[value]), times[time]), 0);
                cr_expect_gt(size_of(sizes[key], value_integer(42), times[time]), 0);
            }
        }
    }
    cr_expect_eq(mem_used(), before);
}

Test(entry, overwrites_in_place_only_what_fits)
{
    struct entry_parts parts = {
        .key = bytes_make(text, 16), .value = string_of(32), .expires_at_ms = -1};
    struct entry *entry = entry_make(&parts, 0);
    struct value found;
    parts.value = string_of(25);
    cr_assert(entry_overwrite(entry, &parts));
    entry_value(entry, &found);
    cr_assert_eq(found.bytes.size, 25);
    parts.value = string_of(41);
    cr_assert_not(entry_overwrite(entry, &parts), "another block is needed");
    parts.value = value_integer(1);
    cr_assert_not(entry_overwrite(entry, &parts), "another layout");
    parts.value = string_of(25);
    parts.expires_at_ms = 5;
    cr_assert_not(entry_overwrite(entry, &parts), "a field more");
    entry_free(entry);
}

Test(entry, shares_a_blob)
{
    struct blob *blob = blob_try_copy(bytes_make(text, 2000), 2000);
    const struct entry_parts parts = {
        .key = bytes_make(text, 3), .value = value_blob(blob), .expires_at_ms = -1};
    struct entry *entry = entry_make(&parts, 0);
    cr_assert_eq(entry_blob(entry), blob);
    cr_assert_not(blob_is_unique(blob));
    entry_free(entry);
    cr_assert(blob_is_unique(blob));
    blob_release(blob);
}

/* Makes an entry with a soft time, checks what it keeps, returns its size. */
static size_t size_with_soft(size_t key_size, struct value value, int64_t expires_at_ms,
                             int64_t soft_at_ms)
{
    const struct entry_parts parts = {.key = bytes_make(text, key_size),
                                      .value = value,
                                      .expires_at_ms = expires_at_ms,
                                      .soft_at_ms = soft_at_ms};
    struct entry *entry = entry_make(&parts, 7);
    struct value found;
    unsigned char scratch[24];
    unsigned char other[24];
    entry_value(entry, &found);
    cr_assert(entry_has_key(entry, parts.key));
    cr_assert(bytes_equal(entry_key(entry), parts.key));
    cr_assert(bytes_equal(value_string_bytes(&found, scratch), value_string_bytes(&value, other)));
    cr_assert_eq(entry_soft(entry), soft_at_ms);
    cr_assert_eq(entry_expiry(entry), expires_at_ms);
    if (expires_at_ms >= 0) {
        entry_set_slot(entry, 77);
        cr_assert(entry_set_expiry(entry, expires_at_ms));
        cr_assert_eq(entry_slot(entry), 77);
        cr_assert_eq(entry_soft(entry), soft_at_ms, "another field");
    }
    cr_assert_not(entry_overwrite_bytes(entry, &value), "the soft time would stay");
    size_t size = entry_size(entry);
    entry_free(entry);
    return size;
}

Test(entry, keeps_a_soft_time_in_every_form)
{
    static const size_t sizes[] = {0, 1, 8, 255, 256, ENTRY_EMBED_MAX, 2000};
    static const int64_t times[] = {-1, 1, (INT64_C(1) << 48) - 1, INT64_C(1) << 48, INT64_MAX};
    size_t before = mem_used();
    for (size_t key = 0; key < 6; key++) {
        for (size_t value = 0; value < 7; value++) {
            for (size_t time = 0; time < 5; time++) {
                cr_expect_gt(
                    size_with_soft(sizes[key], string_of(sizes[value]), times[time], INT64_MAX), 0);
                cr_expect_gt(size_with_soft(sizes[key], value_integer(42), times[time], 1), 0);
            }
        }
    }
    cr_expect_eq(mem_used(), before);
}

Test(entry, pays_eight_bytes_for_a_soft_time)
{
    const int64_t at_ms = INT64_C(1800000000000);
    cr_expect_eq(size_with_soft(16, string_of(32), -1, at_ms), 64);
    cr_expect_eq(size_with_soft(16, string_of(32), at_ms, at_ms), 80);
    cr_expect_eq(size_with_soft(16, value_integer(5), at_ms, at_ms), 48);
    cr_expect_eq(size_of(16, value_integer(5), at_ms), 48);
}
