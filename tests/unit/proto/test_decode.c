/* Tests of the decoder on small frames: forms, pipelines, every split point, storage. */
#include "decode_support.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>
#include <stdio.h>

/* Does the input give these requests, whole, cut in two anywhere, in three, and byte by byte? */
static bool gives(struct bytes input, const char *expected)
{
    struct buf text = {0};
    bool good = true;
    size_t ends[4096];
    for (size_t first = 0; first <= input.size && good; first++) {
        text.size = 0;
        ends[0] = first;
        ends[1] = first + (input.size - first) / 2;
        ends[2] = input.size;
        feed(input, ends, 3, &text);
        good = bytes_equal(buf_bytes(&text), bytes_text(expected));
    }
    for (size_t i = 0; i < input.size; i++) {
        ends[i] = i + 1;
    }
    text.size = 0;
    feed(input, ends, input.size, &text);
    good = good && bytes_equal(buf_bytes(&text), bytes_text(expected));
    buf_deinit(&text);
    return good;
}

static bool text_gives(const char *input, const char *expected)
{
    return gives(bytes_text(input), expected);
}

Test(decode, arrays_at_every_split_point)
{
    cr_assert(text_gives("*1\r\n$4\r\nPING\r\n", "1:4=PING,;"));
    cr_assert(text_gives("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello\r\nworld\r\n",
                         "3:3=SET,1=k,12=hello\r\nworld,;"));
    cr_assert(text_gives("*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$1\r\nX\r\n", "2:3=GET,0=,;1:1=X,;"));
    cr_assert(text_gives("*0\r\n*-1\r\n*-7\r\n*1\r\n$1\r\nA\r\n*0\r\n", "1:1=A,;"));
    cr_assert(text_gives("*12\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n"
                         "$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n$1\r\na\r\n$1\r\nb\r\n",
                         "12:1=0,1=1,1=2,1=3,1=4,1=5,1=6,1=7,1=8,1=9,1=a,1=b,;"));
}

Test(decode, inline_lines_at_every_split_point)
{
    cr_assert(text_gives("PING\r\n", "1:4=PING,;"));
    cr_assert(text_gives("PING\n", "1:4=PING,;"));
    cr_assert(text_gives("\r\n\n   \r\nset k 'a b'\r\n", "3:3=set,1=k,3=a b,;"));
    cr_assert(
        text_gives("x \"\\x41\\t\" y\n*1\r\n$1\r\nB\r\nc\n", "3:1=x,2=A\t,1=y,;1:1=B,;1:1=c,;"));
    cr_assert(text_gives("\"\"\n", "1:0=,;"));
    cr_assert(text_gives("POST / HTTP/1.1\r\n", "3:4=POST,1=/,8=HTTP/1.1,;"));
    cr_assert(text_gives("PING\rfoo\n", "2:4=PING,3=foo,;"));
}

Test(decode, errors_at_every_split_point)
{
    static const char *const cases[][2] = {
        {"*a\r\n", "!Protocol error: invalid multibulk length"},
        {"*\r\n", "!Protocol error: invalid multibulk length"},
        {"*01\r\n", "!Protocol error: invalid multibulk length"},
        {"*+1\r\n", "!Protocol error: invalid multibulk length"},
        {"*-0\r\n", "!Protocol error: invalid multibulk length"},
        {"*2147483648\r\n", "!Protocol error: invalid multibulk length"},
        {"*99999999999999999999\r\n", "!Protocol error: invalid multibulk length"},
        {"*1\r\nPING\r\n", "!Protocol error: expected '$', got 'P'"},
        {"*1\r\n\r\n", "!Protocol error: expected '$', got '\r'"},
        {"*1\r\n$-1\r\n", "!Protocol error: invalid bulk length"},
        {"*1\r\n$\r\n", "!Protocol error: invalid bulk length"},
        {"*1\r\n$04\r\n", "!Protocol error: invalid bulk length"},
        {"*1\r\n$4x\r\n", "!Protocol error: invalid bulk length"},
        {"*1\r\n$536870913\r\n", "!Protocol error: invalid bulk length"},
        {"*2\r\n$3\r\nSET\r\n$x\r\n", "!Protocol error: invalid bulk length"},
        {"PING \"a\r\n", "!Protocol error: unbalanced quotes in request"},
        {"PING 'a'b\n", "!Protocol error: unbalanced quotes in request"},
        {"*1\r\n$1\r\nA\r\n*x\r\n", "1:1=A,;!Protocol error: invalid multibulk length"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert(text_gives(cases[i][0], cases[i][1]), "%s", cases[i][0]);
    }
}

Test(decode, line_ends_are_taken_on_trust)
{
    /* As Redis: the byte after CR, and the two after an argument, are skipped unseen. */
    cr_assert(text_gives("*1\rx$4\rxPINGxx*1\r\n$1\r\nA\r\n", "1:4=PING,;1:1=A,;"));
}

Test(decode, pipelined_requests_stay_valid_until_rewind)
{
    struct buf input = {0};
    for (int i = 0; i < 500; i++) {
        buf_format(&input, "*%d\r\n", i % 40 + 1);
        for (int j = 0; j <= i % 40; j++) {
            buf_format(&input, "$6\r\n%03d-%02d\r\n", i, j);
        }
    }
    struct decoder *decoder = decoder_create();
    struct bytes rest = buf_bytes(&input);
    struct request requests[500];
    const char *error;
    for (int i = 0; i < 500; i++) {
        cr_assert_eq(decoder_next(decoder, &rest, &open_limits, &requests[i], &error),
                     DECODE_REQUEST);
    }
    struct request none;
    cr_assert_eq(decoder_next(decoder, &rest, &open_limits, &none, &error), DECODE_MORE);
    cr_assert_not(decoder_is_mid_frame(decoder));
    cr_assert_eq(rest.size, 0);
    size_t wire_size = 0;
    for (int i = 0; i < 500; i++) {
        wire_size += requests[i].wire_size;
        cr_assert_eq(requests[i].argc, (uint32_t)i % 40 + 1);
        char expected[16];
        snprintf(expected, sizeof(expected), "%03d-%02d", i, i % 40);
        cr_assert(bytes_equal(requests[i].argv[i % 40], bytes_text(expected)));
    }
    cr_assert_eq(wire_size, input.size);
    size_t before = decoder_memory(decoder);
    decoder_rewind(decoder);
    cr_assert_lt(decoder_memory(decoder), before);
    decoder_destroy(&decoder);
    cr_assert_null(decoder);
    decoder_destroy(&decoder);
    buf_deinit(&input);
}

Test(decode, a_cut_frame_survives_a_rewind)
{
    struct decoder *decoder = decoder_create();
    struct buf input = {0};
    buf_append_text(&input, "*1\r\n$1\r\nA\r\n*3\r\n$1\r\nx\r\n$2\r\nyy\r\n$3\r\nz");
    struct bytes rest = buf_bytes(&input);
    struct request request;
    const char *error;
    cr_assert_eq(decoder_next(decoder, &rest, &open_limits, &request, &error), DECODE_REQUEST);
    cr_assert_eq(decoder_next(decoder, &rest, &open_limits, &request, &error), DECODE_MORE);
    cr_assert(decoder_is_mid_frame(decoder));
    cr_assert_eq(decoder_keep(decoder), rest.size);
    decoder_rewind(decoder);
    struct buf moved = {0};
    buf_append(&moved, rest);
    buf_append_text(&moved, "zz\r\n");
    buf_deinit(&input);
    rest = buf_bytes(&moved);
    cr_assert_eq(decoder_next(decoder, &rest, &open_limits, &request, &error), DECODE_REQUEST);
    struct buf text = {0};
    describe(&text, &request);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_text("3:1=x,2=yy,3=zzz,;")));
    cr_assert_eq(request.wire_size, moved.size);
    buf_deinit(&text);
    buf_deinit(&moved);
    decoder_destroy(&decoder);
}

Test(decode, many_arguments_cut_often_stay_linear)
{
    thread_adopt();
    size_t before = mem_used();
    struct buf input = {0};
    size_t count = 200000;
    buf_format(&input, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_append_text(&input, "$2\r\nab\r\n");
    }
    struct decoder *decoder = decoder_create();
    struct request request;
    const char *error;
    enum decode_result result = DECODE_MORE;
    /* 16,000 calls: were each to look at all arguments again, it would be 1.6 thousand million. */
    for (size_t size = 100; result == DECODE_MORE; size += 100) {
        struct bytes rest = bytes_make(input.data, size < input.size ? size : input.size);
        result = decoder_next(decoder, &rest, &open_limits, &request, &error);
    }
    bool good = result == DECODE_REQUEST && request.argc == count &&
                bytes_equal(request.argv[count - 1], bytes_text("ab")) &&
                request.argv[0].data == input.data + 13;
    decoder_rewind(decoder);
    bool small = decoder_memory(decoder) < 8192;
    decoder_destroy(&decoder);
    buf_deinit(&input);
    size_t after = mem_used();
    cr_assert(good);
    cr_assert(small);
    cr_assert_eq(before, after);
}

Test(decode, leaks_nothing)
{
    thread_adopt();
    size_t before = mem_used();
    bool good = text_gives("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nGET 'k'\r\n*2\r\n$3\r\nGE",
                           "2:3=GET,1=k,;2:3=GET,1=k,;");
    good = good && text_gives("GET 'k'\r\nGET \"", "2:3=GET,1=k,;");
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}
