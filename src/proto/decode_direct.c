/* Large arguments, received into blobs of their own.
 *
 * On the data path of values from 16 KB on: the socket is read straight into the block that the key
 * will keep. One thread at a time.
 * An argument that is too large to be kept is read into one small block over and over.
 * Invariant: direct_blob is the frame's argument number done; blobs of complete arguments are in
 * directs, in rising order of index. */
#include "decode_internal.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* What is passed over comes in pieces of this size. */
#define SKIP_PIECE ((size_t)64 * 1024)

bool direct_begin(struct decoder *decoder, struct decode_cursor *cursor, bool skips)
{
    size_t size = skips ? SKIP_PIECE : decoder->body_size;
    decoder->direct_blob = blob_try_create(size, size);
    if (decoder->direct_blob == NULL) {
        return false;
    }
    size_t there = (size_t)(cursor->end - cursor->at);
    check(there < decoder->body_size);
    decoder->direct_skips = skips;
    decoder->is_cut = decoder->is_cut || skips;
    if (!skips) {
        memcpy(decoder->direct_blob->data, cursor->at, there);
    }
    decoder->direct_filled = there;
    decoder->dropped += there;
    decoder->phase = PHASE_DIRECT;
    return true;
}

size_t direct_missing(const struct decoder *decoder)
{
    return decoder->body_size - decoder->direct_filled;
}

bool direct_continue(struct decoder *decoder, struct decode_cursor *cursor)
{
    size_t missing = direct_missing(decoder);
    size_t there = (size_t)(cursor->end - cursor->at);
    size_t piece = there < missing ? there : missing;
    if (piece > 0 && !decoder->direct_skips) {
        memcpy(decoder->direct_blob->data + decoder->direct_filled, cursor->at, piece);
    }
    decoder->direct_filled += piece;
    if (piece < missing) {
        decoder->dropped += piece;
        return false;
    }
    /* The last bytes came with what follows them: they stay in the input, and are skipped. */
    cursor->at += piece;
    return true;
}

bool direct_finish(struct decoder *decoder)
{
    if (decoder->direct_skips) {
        blob_release(decoder->direct_blob);
        decoder->direct_blob = NULL;
        decoder->direct_filled = 0;
        decoder->direct_skips = false;
        return true;
    }
    if (decoder->direct_count == decoder->direct_capacity) {
        uint32_t capacity = decoder->direct_capacity == 0 ? 4 : decoder->direct_capacity * 2;
        struct direct_argument *grown =
            mem_try_realloc(decoder->directs, capacity * sizeof(*decoder->directs));
        if (grown == NULL) {
            return false;
        }
        decoder->directs = grown;
        decoder->direct_capacity = capacity;
    }
    decoder->directs[decoder->direct_count++] = (struct direct_argument){
        .index = decoder->done,
        .blob = decoder->direct_blob,
    };
    decoder->direct_blob = NULL;
    decoder->direct_filled = 0;
    return true;
}

bool direct_deliver(struct decoder *decoder, struct request *request)
{
    size_t size = request->argc * sizeof(struct blob *);
    request->blobs = (struct blob **)(void *)storage_loose(&decoder->storage, size);
    if (request->blobs == NULL) {
        return false;
    }
    memset(request->blobs, 0, size);
    for (uint32_t i = 0; i < decoder->direct_count; i++) {
        struct direct_argument *direct = &decoder->directs[i];
        request->blobs[direct->index] = direct->blob;
        request->argv[direct->index] = blob_bytes(direct->blob);
    }
    request->blob_count = decoder->direct_count;
    decoder->direct_count = 0;
    direct_discard(decoder);
    return true;
}

void direct_discard(struct decoder *decoder)
{
    for (uint32_t i = 0; i < decoder->direct_count; i++) {
        blob_release(decoder->directs[i].blob);
    }
    mem_free(decoder->directs);
    decoder->directs = NULL;
    decoder->direct_count = 0;
    decoder->direct_capacity = 0;
    blob_release(decoder->direct_blob);
    decoder->direct_blob = NULL;
    decoder->direct_filled = 0;
    decoder->direct_skips = false;
}
