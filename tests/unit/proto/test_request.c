/* Tests of requests that outlive their input. */
#include "decode_support.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>

Test(request, detaches)
{
    thread_adopt();
    size_t before = mem_used();
    struct decoder *decoder = decoder_create();
    struct buf input = {0};
    buf_append_text(&input, "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\nvalue\r\n");
    struct bytes rest = buf_bytes(&input);
    struct request request;
    const char *error;
    enum decode_result result = decoder_next(decoder, &rest, &open_limits, &request, &error);
    request_detach(&request);
    request_detach(&request);
    memset(input.data, 'x', input.size);
    buf_deinit(&input);
    decoder_destroy(&decoder);
    struct buf text = {0};
    describe(&text, &request);
    bool good = bytes_equal(buf_bytes(&text), bytes_text("3:3=SET,0=,5=value,;"));
    bool none = request_take_blob(&request, 2) == NULL;
    buf_deinit(&text);
    request_deinit(&request);
    request_deinit(&request);
    size_t after = mem_used();
    cr_assert_eq(result, DECODE_REQUEST);
    cr_assert(good && none);
    cr_assert_eq(before, after);
}
