/* Inline commands: one line of words, as typed into telnet.
 *
 * Off the ordinary data path. One thread at a time. The words' bytes live in a loose block of the
 * storage until the next rewind, because quoting changes them. */
#include "decode_internal.h"
#include "pollard/base/text.h"

/* No line has more words than runs of non-space bytes: quotes only join them. */
static size_t count_runs(struct bytes line)
{
    size_t runs = 0;
    bool in_space = true;
    for (size_t i = 0; i < line.size; i++) {
        unsigned char byte = line.data[i];
        bool is_space = byte == ' ' || (byte >= '\t' && byte <= '\r');
        runs += in_space && !is_space;
        in_space = is_space;
    }
    return runs;
}

static enum decode_result split_line(struct decoder *decoder, struct bytes line,
                                     struct request *ret_request, const char **ret_error)
{
    struct decode_storage *storage = &decoder->storage;
    size_t most = count_runs(line);
    if (most == 0) {
        *ret_request = (struct request){.argc = 0};
        return DECODE_REQUEST;
    }
    struct buf words = {.data = storage_loose(storage, line.size), .capacity = line.size};
    bool has_room = most <= storage_room(storage) || storage_grow(storage, 0, most);
    if (words.data == NULL || !has_room) {
        *ret_error = "out of memory";
        return DECODE_ERROR;
    }
    struct bytes *argv = storage_slots(storage);
    int count = text_split_words(line, &words, argv, (int)most);
    if (count < 0) {
        *ret_error = "Protocol error: unbalanced quotes in request";
        return DECODE_ERROR;
    }
    storage->chunk->used += (size_t)count;
    *ret_request = (struct request){.argc = (uint32_t)count, .argv = argv};
    return DECODE_REQUEST;
}

enum decode_result decode_inline(struct decoder *decoder, struct decode_cursor *cursor,
                                 struct request *ret_request, const char **ret_error)
{
    const unsigned char *from = cursor->base + decoder->scanned;
    size_t size = (size_t)(cursor->end - cursor->base);
    const unsigned char *end = memchr(from, '\n', (size_t)(cursor->end - from));
    size_t line_size = end == NULL ? size : (size_t)(end - cursor->base);
    size_t text_size = line_size;
    if (end != NULL && line_size > 0 && end[-1] == '\r') {
        text_size--;
    }
    if (text_size > DECODE_LINE_MAX) {
        *ret_error = "Protocol error: too big inline request";
        return DECODE_ERROR;
    }
    if (end == NULL) {
        decoder->phase = PHASE_INLINE;
        decoder->scanned = size;
        return DECODE_MORE;
    }
    cursor->at = end + 1;
    enum decode_result result =
        split_line(decoder, bytes_make(cursor->base, text_size), ret_request, ret_error);
    if (result == DECODE_REQUEST) {
        ret_request->wire_size = line_size + 1;
    }
    return result;
}
