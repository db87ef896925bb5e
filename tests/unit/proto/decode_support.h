/* What the decoder's tests share: building frames, and the loop that a connection runs. */
#ifndef POLLARD_TESTS_DECODE_SUPPORT_H
#define POLLARD_TESTS_DECODE_SUPPORT_H

#include "pollard/proto/decode.h"

static const struct decode_limits open_limits = {
    .bulk_size_max = (uint64_t)512 << 20,
    .bulk_keep_max = UINT64_MAX,
    .authenticated = true,
};

/* Appends what a request says: "argc:size=bytes,size=bytes;". */
static inline void describe(struct buf *out, const struct request *request)
{
    buf_format(out, "%u:", request->argc);
    for (uint32_t i = 0; i < request->argc; i++) {
        buf_format(out, "%zu=", request->argv[i].size);
        buf_append(out, request->argv[i]);
        buf_append_byte(out, ',');
    }
    buf_append_byte(out, ';');
}

/* Feeds input in pieces that end at the given offsets, the way a connection does: what must be kept
 * is moved to a new block for each call, so that stale pointers show. Describes every request, and
 * an error as "!text". */
static inline void feed(struct bytes input, const size_t *ends, size_t count, struct buf *ret_text)
{
    struct decoder *decoder = decoder_create();
    struct buf kept = {0};
    size_t from = 0;
    for (size_t i = 0; i < count; i++) {
        struct buf fresh = {0};
        buf_append(&fresh, buf_bytes(&kept));
        buf_append(&fresh, bytes_make(input.data + from, ends[i] - from));
        from = ends[i];
        struct bytes rest = buf_bytes(&fresh);
        struct request request;
        const char *error = NULL;
        enum decode_result result;
        while ((result = decoder_next(decoder, &rest, &open_limits, &request, &error)) ==
               DECODE_REQUEST) {
            describe(ret_text, &request);
            request_deinit(&request);
        }
        if (result == DECODE_ERROR) {
            buf_format(ret_text, "!%s", error);
            i = count;
        }
        buf_deinit(&kept);
        if (result == DECODE_MORE) {
            buf_append(&kept, bytes_make(rest.data, decoder_keep(decoder)));
        }
        decoder_rewind(decoder);
        buf_deinit(&fresh);
    }
    buf_deinit(&kept);
    decoder_destroy(&decoder);
}

#endif
