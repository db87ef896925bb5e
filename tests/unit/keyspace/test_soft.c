/* Tests of soft times: what keeps them and what takes them away. */
#include "fixture.h"
#include <criterion/criterion.h>

#define LARGE 5000

static int64_t soft_of(struct fixture *fixture, struct bytes name)
{
    struct access access;
    struct access_key key = fixture_key(fixture, 0, name);
    fixture_open(fixture, &access, ACCESS_READ, &key, 1);
    int64_t soft_at_ms = key_soft_time(&access, 0);
    fixture_close(fixture, &access);
    return soft_at_ms;
}

static void put_soft(struct fixture *fixture, struct bytes name, size_t size,
                     struct key_times times)
{
    static unsigned char text[LARGE];
    struct access access;
    struct access_key key = fixture_key(fixture, 0, name);
    struct value value = size == 0 ? value_integer(7) : value_raw(bytes_make(text, size));
    fixture_open(fixture, &access, ACCESS_WRITE, &key, 1);
    cr_assert_eq(key_put_soft(&access, 0, &value, times), STATUS_OK);
    fixture_close(fixture, &access);
}

Test(soft, goes_with_the_expiry)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    struct bytes name = bytes_text("k");
    const int64_t ends[] = {KEY_NO_EXPIRY, fixture.now_ms + 1000, INT64_C(1) << 60};
    for (size_t i = 0; i < 3 * 4; i++) {
        const size_t sizes[] = {0, 10, 300, LARGE};
        const struct key_times times = {ends[i % 3], fixture.now_ms + (int64_t)i + 1};
        put_soft(&fixture, name, sizes[i / 3], times);
        cr_assert_eq(soft_of(&fixture, name), times.soft_at_ms);
        cr_assert_eq(fixture_expiry(&fixture, 0, name), ends[i % 3]);
        fixture_put(&fixture, 0, name, value_integer(8), KEY_KEEP_EXPIRY);
        cr_assert_eq(soft_of(&fixture, name), times.soft_at_ms);
        cr_assert_eq(fixture_expiry(&fixture, 0, name), ends[i % 3]);
        put_soft(&fixture, name, 10, (struct key_times){KEY_KEEP_EXPIRY, 5});
        cr_assert_eq(soft_of(&fixture, name), 5);
        cr_assert_eq(fixture_expiry(&fixture, 0, name), ends[i % 3]);
        fixture_put(&fixture, 0, name, value_integer(8), ends[i % 3]);
        cr_assert_eq(soft_of(&fixture, name), 0);
    }
    cr_assert_eq(soft_of(&fixture, bytes_text("none")), 0);
    fixture_end(&fixture);
}

Test(soft, is_kept_by_edits_and_moves)
{
    struct fixture fixture;
    fixture_begin(&fixture, 4);
    const size_t sizes[] = {0, 10, 300, LARGE};
    for (size_t from = 0; from < 4; from++) {
        for (size_t to = 1; to < 4; to++) {
            struct access access;
            unsigned char *data;
            struct access_key keys[3] = {fixture_key(&fixture, 0, bytes_text("a")),
                                         fixture_key(&fixture, 0, bytes_text("b")),
                                         fixture_key(&fixture, 0, bytes_text("c"))};
            put_soft(&fixture, keys[0].name, sizes[from],
                     (struct key_times){fixture.now_ms + 1000, 77});
            fixture_open(&fixture, &access, ACCESS_WRITE, keys, 3);
            cr_assert_eq(key_edit(&access, 0, sizes[to], true, &data), STATUS_OK);
            cr_assert_eq(key_soft_time(&access, 0), 77);
            cr_assert(key_set_expiry(&access, 0, KEY_NO_EXPIRY));
            cr_assert_eq(key_soft_time(&access, 0), 77);
            cr_assert(key_set_expiry(&access, 0, INT64_C(1) << 50));
            cr_assert_eq(key_soft_time(&access, 0), 77);
            cr_assert_eq(key_copy(&access, 0, 1), STATUS_OK);
            cr_assert_eq(key_move(&access, 0, 2), STATUS_OK);
            cr_assert_eq(key_soft_time(&access, 0), 0);
            cr_assert_eq(key_soft_time(&access, 1), 77);
            cr_assert_eq(key_soft_time(&access, 2), 77);
            cr_assert(key_delete(&access, 1) && key_delete(&access, 2));
            fixture_close(&fixture, &access);
        }
    }
    fixture_end(&fixture);
}
