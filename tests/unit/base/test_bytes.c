/* Tests of byte strings, buffers, blobs and status texts. */
#include "pollard/base/blob.h"
#include "pollard/base/mem.h"
#include "pollard/base/status.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>

Test(bytes, compares)
{
    cr_assert(bytes_equal(bytes_text("abc"), bytes_text("abc")));
    cr_assert_not(bytes_equal(bytes_text("abc"), bytes_text("abd")));
    cr_assert(bytes_equal(bytes_make(NULL, 0), bytes_text("")));
    cr_assert_lt(bytes_compare(bytes_text("ab"), bytes_text("abc")), 0);
    cr_assert_gt(bytes_compare(bytes_text("b"), bytes_text("abc")), 0);
    cr_assert_eq(bytes_compare(bytes_make(NULL, 0), bytes_make(NULL, 0)), 0);
    cr_assert_gt(bytes_compare(bytes_text("\xff"), bytes_text("a")), 0);
}

Test(bytes, is_ignores_case_and_minds_length)
{
    cr_assert(bytes_is(bytes_text("GeT"), "get"));
    cr_assert(bytes_is(bytes_text(""), ""));
    cr_assert_not(bytes_is(bytes_text("ge"), "get"));
    cr_assert_not(bytes_is(bytes_text("gets"), "get"));
    cr_assert_not(bytes_is(bytes_make("get\0", 4), "get"));
    /* 'K' | 0x20 trick must not equate other bytes. */
    cr_assert_not(bytes_is(bytes_text("\x5b"), "{"));
}

Test(bytes, secret_equality)
{
    cr_assert(bytes_equal_secret(bytes_text("secret"), bytes_text("secret")));
    cr_assert_not(bytes_equal_secret(bytes_text("secret"), bytes_text("secreT")));
    cr_assert_not(bytes_equal_secret(bytes_text("secret"), bytes_text("secre")));
}

Test(buf, grows_formats_and_frees)
{
    thread_adopt();
    size_t before = mem_used();
    struct buf buf = {0};
    for (int i = 0; i < 1000; i++) {
        buf_append_byte(&buf, (unsigned char)i);
    }
    bool kept = buf.size == 1000 && buf.data[999] == (999 & 255);
    struct buf text = {0};
    buf_append_text(&text, "a");
    buf_append(&text, bytes_make(NULL, 0));
    buf_format(&text, "-%d-%s", 42, "x");
    bool formatted = bytes_equal(buf_bytes(&text), bytes_text("a-42-x"));
    buf_format(&text, "%500d", 7);
    bool grown = text.size == 506 && text.data[505] == '7';
    buf_deinit(&text);
    buf_deinit(&buf);
    size_t after = mem_used();
    cr_assert(kept);
    cr_assert(formatted);
    cr_assert(grown);
    cr_assert_null(buf.data);
    cr_assert_eq(before, after);
}

Test(buf, quotes_as_redis_cli)
{
    struct buf buf = {0};
    buf_append_quoted(&buf, bytes_make("a\n\r\t\a\b\\\"\x00\xff~", 11));
    cr_assert(bytes_equal(buf_bytes(&buf), bytes_text("\"a\\n\\r\\t\\a\\b\\\\\\\"\\x00\\xff~\"")));
    buf_deinit(&buf);
}

Test(blob, counts_references)
{
    thread_adopt();
    size_t before = mem_used();
    struct blob *blob = blob_try_copy(bytes_text("hello"), 100);
    cr_assert_not_null(blob);
    bool content = bytes_equal(blob_bytes(blob), bytes_text("hello"));
    bool unique = blob_is_unique(blob);
    blob_acquire(blob);
    bool shared = !blob_is_unique(blob);
    blob_release(blob);
    bool unique_again = blob_is_unique(blob);
    blob_release(blob);
    blob_release(NULL);
    size_t after = mem_used();
    cr_assert(content && unique && shared && unique_again);
    cr_assert_eq(before, after);
    cr_assert_null(blob_try_create(0, SIZE_MAX));
}

Test(status, has_texts)
{
    cr_assert_str_eq(status_text(STATUS_SYNTAX), "ERR syntax error");
    cr_assert_str_eq(status_text(STATUS_SHUTTING_DOWN), "ERR server is shutting down");
    cr_assert_null(status_text(STATUS_OK));
    cr_assert_null(status_text(STATUS_COUNT));
    cr_assert_null(status_text((enum status)(-1)));
    for (int i = STATUS_SYNTAX; i < STATUS_COUNT; i++) {
        cr_assert_not_null(status_text((enum status)i));
    }
}
