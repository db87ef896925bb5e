/* Tests of large arguments: received into blobs, by the socket or through the input. */
#include "decode_support.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define LARGE ((size_t)200000)

/* "*3 SET k <size bytes>" with a pattern, and a PING behind it. */
static struct buf large_frame(size_t size)
{
    struct buf frame = {0};
    buf_format(&frame, "*4\r\n$3\r\nSET\r\n$%zu\r\n", size);
    for (size_t i = 0; i < size; i++) {
        buf_append_byte(&frame, (unsigned char)(i % 251));
    }
    buf_append_text(&frame, "\r\n$1\r\nk\r\n$2\r\nEX\r\n*1\r\n$4\r\nPING\r\n");
    return frame;
}

static bool is_pattern(struct bytes bytes, size_t size)
{
    bool good = bytes.size == size;
    for (size_t i = 0; i < bytes.size && good; i++) {
        good = bytes.data[i] == i % 251;
    }
    return good;
}

/* Reads the frame as a reactor does: into the blob while one is wanted, else behind what is kept;
 * at most step bytes at a time. */
static bool receive(size_t size, size_t first, size_t step, bool uses_direct)
{
    struct buf frame = large_frame(size);
    struct decoder *decoder = decoder_create();
    struct buf input = {0};
    struct request request = {.argc = 0};
    const char *error;
    size_t at = 0;
    bool good = true;
    int requests = 0;
    bool had_blob = false;
    while (at < frame.size) {
        size_t piece = at == 0 ? first : step;
        piece = piece < frame.size - at ? piece : frame.size - at;
        struct direct_target target = decoder_direct(decoder);
        if (uses_direct && target.size > 0) {
            piece = piece < target.size ? piece : target.size;
            memcpy(target.data, frame.data + at, piece);
            decoder_direct_filled(decoder, piece);
            at += piece;
            continue;
        }
        buf_append(&input, bytes_make(frame.data + at, piece));
        at += piece;
        struct bytes rest = buf_bytes(&input);
        while (decoder_next(decoder, &rest, &open_limits, &request, &error) == DECODE_REQUEST) {
            requests++;
            if (request.argc == 4) {
                good = good && is_pattern(request.argv[1], size) &&
                       bytes_equal(request.argv[0], bytes_text("SET")) &&
                       bytes_equal(request.argv[2], bytes_text("k")) &&
                       bytes_equal(request.argv[3], bytes_text("EX")) &&
                       request.wire_size == frame.size - 14;
                had_blob = request.blob_count == 1 && request.blobs[1] != NULL;
            }
            request_deinit(&request);
        }
        decoder_rewind(decoder);
        size_t keep = decoder_keep(decoder);
        memmove(input.data, rest.data, keep);
        input.size = keep;
    }
    /* Whoever got only a part at first must have been offered a blob. */
    bool cut_body = first < 20 + size;
    good = good && requests == 2 && (had_blob || size < BLOB_DIRECT_SIZE || !cut_body);
    decoder_destroy(&decoder);
    buf_deinit(&input);
    buf_deinit(&frame);
    return good;
}

Test(decode_large, arrives_in_pieces)
{
    thread_adopt();
    size_t before = mem_used();
    bool good = true;
    for (size_t first = 1; first < 60; first++) {
        good = good && receive(LARGE, first, 16384, true) && receive(LARGE, first, 16384, false);
    }
    for (size_t back = 0; back < 60; back++) {
        size_t first = LARGE + 60 - back;
        good = good && receive(LARGE, first, 7, true) && receive(LARGE, first, 7, false);
    }
    good = good && receive(LARGE, 1000, 1, true) && receive(LARGE, 1000, 997, false);
    good = good && receive(BLOB_DIRECT_SIZE, 1000, 999, true);
    good = good && receive(BLOB_DIRECT_SIZE - 1, 1000, 999, true);
    good = good && receive(BLOB_DIRECT_SIZE, 1000, 100000, false);
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

Test(decode_large, a_blob_can_be_taken)
{
    thread_adopt();
    size_t before = mem_used();
    struct buf frame = large_frame(LARGE);
    struct decoder *decoder = decoder_create();
    struct bytes rest = bytes_make(frame.data, 100);
    struct request request;
    const char *error;
    enum decode_result first = decoder_next(decoder, &rest, &open_limits, &request, &error);
    struct direct_target target = decoder_direct(decoder);
    size_t keep = decoder_keep(decoder);
    size_t memory = decoder_memory(decoder);
    memcpy(target.data, frame.data + 100, target.size);
    decoder_direct_filled(decoder, target.size);
    bool full = decoder_direct(decoder).size == 0;
    struct buf input = {0};
    buf_append(&input, bytes_make(frame.data, keep));
    buf_append(&input, bytes_make(frame.data + 100 + target.size, frame.size - 100 - target.size));
    rest = buf_bytes(&input);
    enum decode_result second = decoder_next(decoder, &rest, &open_limits, &request, &error);
    struct blob *none = request_take_blob(&request, 0);
    struct blob *blob = request_take_blob(&request, 1);
    struct blob *again = request_take_blob(&request, 1);
    bool right = blob != NULL && blob_is_unique(blob) && is_pattern(blob_bytes(blob), LARGE) &&
                 request.argv[1].data == blob->data && blob->capacity == LARGE;
    request_deinit(&request);
    decoder_destroy(&decoder);
    blob_release(blob);
    buf_deinit(&input);
    buf_deinit(&frame);
    size_t after = mem_used();
    cr_assert_eq(first, DECODE_MORE);
    cr_assert_eq(second, DECODE_REQUEST);
    cr_assert_lt(keep, 100);
    cr_assert_geq(memory, LARGE);
    cr_assert(full && right && none == NULL && again == NULL);
    cr_assert_eq(before, after);
}

Test(decode_large, a_frame_given_up_is_released)
{
    thread_adopt();
    size_t before = mem_used();
    struct decoder *decoder = decoder_create();
    struct bytes rest = bytes_text("*2\r\n$100000\r\nabc");
    struct request request;
    const char *error;
    enum decode_result result = decoder_next(decoder, &rest, &open_limits, &request, &error);
    decoder_destroy(&decoder);
    size_t after = mem_used();
    cr_assert_eq(result, DECODE_MORE);
    cr_assert_eq(before, after);
}

/* "*3 SET k LARGE", the value passed over: through the blob or the input, in pieces. */
static bool passes_over(size_t piece_max, bool uses_direct)
{
    const struct decode_limits limits = {
        .bulk_size_max = UINT64_MAX, .bulk_keep_max = LARGE - 1, .authenticated = true};
    struct decoder *decoder = decoder_create();
    struct buf input = {0};
    struct request request = {.argc = 0};
    const char *error;
    size_t memory = 0;
    enum decode_result result = DECODE_MORE;
    unsigned char *value = mem_alloc(piece_max);
    char head[64];
    memset(value, 'x', piece_max);
    (void)snprintf(head, sizeof(head), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", (int)LARGE);
    buf_append_text(&input, head);
    for (size_t left = LARGE; left > 0;) {
        struct direct_target target = decoder_direct(decoder);
        size_t piece = left < piece_max ? left : piece_max;
        if (uses_direct && target.size > 0) {
            piece = piece < target.size ? piece : target.size;
            memcpy(target.data, value, piece);
            decoder_direct_filled(decoder, piece);
        } else {
            buf_append(&input, bytes_make(value, piece));
            struct bytes rest = buf_bytes(&input);
            result = decoder_next(decoder, &rest, &limits, &request, &error);
            struct buf kept = {0};
            buf_append(&kept, bytes_make(rest.data, decoder_keep(decoder)));
            buf_deinit(&input);
            input = kept;
        }
        left -= piece;
        memory = decoder_memory(decoder) > memory ? decoder_memory(decoder) : memory;
    }
    buf_append_text(&input, "\r\n*1\r\n$4\r\nPING\r\n");
    struct bytes rest = buf_bytes(&input);
    bool good = result == DECODE_MORE && memory < LARGE &&
                decoder_next(decoder, &rest, &limits, &request, &error) == DECODE_REQUEST &&
                request.is_cut && request.argc == 3 && request.argv[2].size == 0 &&
                bytes_equal(request.argv[1], bytes_text("k")) && request.wire_size > LARGE;
    request_deinit(&request);
    good = good && decoder_next(decoder, &rest, &limits, &request, &error) == DECODE_REQUEST &&
           !request.is_cut && bytes_equal(request.argv[0], bytes_text("PING"));
    request_deinit(&request);
    decoder_destroy(&decoder);
    buf_deinit(&input);
    mem_free(value);
    return good;
}

Test(decode_large, what_is_too_large_is_passed_over)
{
    thread_adopt();
    size_t before = mem_used();
    bool good = true;
    for (int uses_direct = 0; uses_direct < 2; uses_direct++) {
        good = good && passes_over(1000, uses_direct) && passes_over(LARGE / 2, uses_direct) &&
               passes_over(100000, uses_direct);
    }
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

Test(decode_large, several_blobs_in_one_frame)
{
    thread_adopt();
    size_t before = mem_used();
    struct decoder *decoder = decoder_create();
    struct buf input = {0};
    struct request request = {.argc = 0};
    const char *error;
    buf_append_text(&input, "*7\r\n$4\r\nMSET\r\n");
    enum decode_result result = DECODE_MORE;
    for (int i = 0; i < 6; i++) {
        buf_append_text(&input, "$20000\r\n");
        struct bytes rest = buf_bytes(&input);
        result = decoder_next(decoder, &rest, &open_limits, &request, &error);
        struct direct_target target = decoder_direct(decoder);
        memset(target.data, 'a' + i, target.size);
        decoder_direct_filled(decoder, target.size);
        buf_append_text(&input, "\r\n");
    }
    struct bytes rest = buf_bytes(&input);
    bool cut = result == DECODE_MORE;
    result = decoder_next(decoder, &rest, &open_limits, &request, &error);
    bool good = cut && result == DECODE_REQUEST && request.blob_count == 6;
    for (uint32_t i = 1; good && i < 7; i++) {
        good = request.argv[i].size == 20000 && request.argv[i].data[19999] == 'a' + i - 1;
    }
    request_detach(&request);
    decoder_rewind(decoder);
    decoder_destroy(&decoder);
    buf_deinit(&input);
    good =
        good && bytes_equal(request.argv[0], bytes_text("MSET")) && request.argv[6].data[5] == 'f';
    request_deinit(&request);
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

#if POLLARD_DEBUG
Test(decode_large, refused_memory_is_an_error)
{
    struct decoder *decoder = decoder_create();
    for (uint64_t nth = 1; nth < 3; nth++) {
        struct bytes rest = bytes_text("*2\r\n$100000\r\nabc");
        struct request request;
        const char *error = NULL;
        mem_fail_at(nth);
        /* The chunk is allocated once: the second round fails at the blob. */
        enum decode_result result = decoder_next(decoder, &rest, &open_limits, &request, &error);
        mem_fail_at(0);
        cr_assert_eq(result, DECODE_ERROR);
        cr_assert_str_eq(error, "out of memory");
    }
    decoder_destroy(&decoder);
}
#endif
