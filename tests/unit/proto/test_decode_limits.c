/* Tests of the decoder's limits, as a client before and after AUTH meets them. */
#include "decode_support.h"
#include <criterion/criterion.h>

static const struct decode_limits closed_limits = {
    .bulk_size_max = (uint64_t)512 << 20,
    .bulk_keep_max = UINT64_MAX,
    .authenticated = false,
};

/* The error that text meets, "more" or "request". */
static const char *meets(struct bytes text, const struct decode_limits *limits)
{
    static char answer[80];
    struct decoder *decoder = decoder_create();
    struct request request;
    const char *error = NULL;
    enum decode_result result = decoder_next(decoder, &text, limits, &request, &error);
    struct bytes said = bytes_text(result == DECODE_MORE      ? "more"
                                   : result == DECODE_REQUEST ? "request"
                                                              : error);
    memcpy(answer, said.data, said.size);
    answer[said.size] = '\0';
    if (result == DECODE_REQUEST) {
        request_deinit(&request);
    }
    decoder_destroy(&decoder);
    return answer;
}

static const char *text_meets(const char *text, const struct decode_limits *limits)
{
    return meets(bytes_text(text), limits);
}

/* head, then size bytes, then tail. */
static const char *padded_meets(const char *head, size_t size, const char *tail)
{
    struct buf text = {0};
    buf_append_text(&text, head);
    for (size_t i = 0; i < size; i++) {
        buf_append_byte(&text, '1');
    }
    buf_append_text(&text, tail);
    const char *answer = meets(buf_bytes(&text), &open_limits);
    buf_deinit(&text);
    return answer;
}

Test(limits, before_authentication)
{
    cr_assert_str_eq(text_meets("*10\r\n", &closed_limits), "more");
    cr_assert_str_eq(text_meets("*11\r\n", &closed_limits),
                     "Protocol error: unauthenticated multibulk length");
    cr_assert_str_eq(text_meets("*1\r\n$16384\r\n", &closed_limits), "more");
    cr_assert_str_eq(text_meets("*1\r\n$16385\r\n", &closed_limits),
                     "Protocol error: unauthenticated bulk length");
    cr_assert_str_eq(text_meets("*1\r\n$536870913\r\n", &closed_limits),
                     "Protocol error: invalid bulk length");
    cr_assert_str_eq(text_meets("*2147483648\r\n", &closed_limits),
                     "Protocol error: invalid multibulk length");
    cr_assert_str_eq(text_meets("*1\r\n$4\r\nPING\r\n", &closed_limits), "request");
    cr_assert_str_eq(text_meets("*-7\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", &closed_limits), "request");
    cr_assert_str_eq(text_meets("a b c d e f g h i j k l m\n", &closed_limits), "request");
}

Test(limits, after_authentication)
{
    cr_assert_str_eq(text_meets("*2147483647\r\n", &open_limits), "more");
    cr_assert_str_eq(text_meets("*1073741824\r\n$1\r\na\r\n", &open_limits), "more");
    cr_assert_str_eq(text_meets("*1\r\n$16385\r\n", &open_limits), "more");
    struct decode_limits small = {
        .bulk_size_max = 5, .bulk_keep_max = UINT64_MAX, .authenticated = true};
    cr_assert_str_eq(text_meets("*1\r\n$5\r\nabcde\r\n", &small), "request");
    cr_assert_str_eq(text_meets("*1\r\n$6\r\nabcdef\r\n", &small),
                     "Protocol error: invalid bulk length");
    struct decode_limits none = {
        .bulk_size_max = UINT64_MAX, .bulk_keep_max = UINT64_MAX, .authenticated = true};
    cr_assert_str_eq(text_meets("*1\r\n$18446744073709551615\r\nabc", &none),
                     "Protocol error: invalid bulk length");
    cr_assert_str_eq(text_meets("*1\r\n$9223372036854775807\r\nabc", &none), "out of memory");
}

Test(limits, endless_lines)
{
    cr_assert_str_eq(padded_meets("", 65536, ""), "more");
    cr_assert_str_eq(padded_meets("", 65537, ""), "Protocol error: too big inline request");
    cr_assert_str_eq(padded_meets("", 65536, "\r\n"), "request");
    cr_assert_str_eq(padded_meets("", 65537, "\r\n"), "Protocol error: too big inline request");
    cr_assert_str_eq(padded_meets("*", 65535, ""), "more");
    cr_assert_str_eq(padded_meets("*", 65536, ""), "Protocol error: too big mbulk count string");
    cr_assert_str_eq(padded_meets("*", 70000, "\r\n"), "Protocol error: invalid multibulk length");
    cr_assert_str_eq(padded_meets("*1\r\n$", 65535, ""), "more");
    cr_assert_str_eq(padded_meets("*1\r\n$", 65536, ""),
                     "Protocol error: too big bulk count string");
    cr_assert_str_eq(padded_meets("*1\r\n$", 70000, "\r\n"), "Protocol error: invalid bulk length");
}
