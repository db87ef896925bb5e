/* Fuzz target of inline lines: words are split, quoted again and split again, which must give the
 * same words. */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/base/text.h"
#include "pollard/proto/decode.h"

#define WORDS_MAX 256

static void check_words(struct bytes line)
{
    struct buf storage = {0};
    struct buf again_storage = {0};
    struct buf quoted = {0};
    struct bytes words[WORDS_MAX];
    struct bytes again[WORDS_MAX];
    int count = text_split_words(line, &storage, words, WORDS_MAX);
    for (int i = 0; i < count; i++) {
        buf_append_quoted(&quoted, words[i]);
        buf_append_byte(&quoted, ' ');
    }
    if (count > 0) {
        check(text_split_words(buf_bytes(&quoted), &again_storage, again, WORDS_MAX) == count);
    }
    for (int i = 0; i < count; i++) {
        check(bytes_equal(words[i], again[i]));
    }
    buf_deinit(&quoted);
    buf_deinit(&again_storage);
    buf_deinit(&storage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct decode_limits limits = {
        .bulk_size_max = 1 << 20, .bulk_keep_max = UINT64_MAX, .authenticated = true};
    struct bytes line = bytes_make(data, size);
    check_words(line);
    /* The same bytes as lines of a client. */
    struct buf input = {0};
    buf_append(&input, line);
    buf_append_byte(&input, '\n');
    struct decoder *decoder = decoder_create();
    struct bytes rest = buf_bytes(&input);
    struct request request;
    const char *error;
    size_t total = 0;
    while (decoder_next(decoder, &rest, &limits, &request, &error) == DECODE_REQUEST) {
        for (uint32_t i = 0; i < request.argc; i++) {
            total += request.argv[i].size;
        }
        request_deinit(&request);
    }
    check(total <= input.size);
    decoder_destroy(&decoder);
    buf_deinit(&input);
    return 0;
}
