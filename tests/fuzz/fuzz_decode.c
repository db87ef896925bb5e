/* Fuzz target of the request decoder: the bytes are decoded whole, and again cut in pieces that the
 * input itself chooses, each piece from fresh memory; both must say the same. */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/proto/decode.h"

/* Enough to hold a direct argument and little enough to be quick. */
static const struct decode_limits limits = {
    .bulk_size_max = 1 << 20, .bulk_keep_max = UINT64_MAX, .authenticated = true};

static void note_request(struct buf *out, struct request *request)
{
    buf_append(out, bytes_make(&request->argc, sizeof(request->argc)));
    buf_append(out, bytes_make(&request->wire_size, sizeof(request->wire_size)));
    for (uint32_t i = 0; i < request->argc; i++) {
        buf_append(out, bytes_make(&request->argv[i].size, sizeof(size_t)));
        buf_append(out, request->argv[i]);
    }
    request_deinit(request);
}

/* Decodes what input has; true unless the stream is over. Keeps in input what must be. */
static bool decode_all(struct decoder *decoder, struct buf *input, struct buf *out)
{
    struct bytes rest = buf_bytes(input);
    struct request request;
    const char *error = NULL;
    enum decode_result result = decoder_next(decoder, &rest, &limits, &request, &error);
    while (result == DECODE_REQUEST) {
        note_request(out, &request);
        result = decoder_next(decoder, &rest, &limits, &request, &error);
    }
    if (result == DECODE_ERROR) {
        buf_append_text(out, error);
        return false;
    }
    size_t keep = decoder_keep(decoder);
    check(keep <= rest.size);
    check(decoder_is_mid_frame(decoder) == (rest.size > 0));
    struct buf kept = {0};
    buf_append(&kept, bytes_make(rest.data, keep));
    buf_deinit(input);
    *input = kept;
    decoder_rewind(decoder);
    return true;
}

/* The size of the next piece: pseudo-random, from the state. */
static size_t next_piece(uint32_t *state, size_t left)
{
    *state = *state * 1664525u + 1013904223u;
    uint32_t choice = *state >> 16;
    /* Larger steps through larger inputs: each call copies all that is kept. */
    size_t piece = choice % 4 == 0 ? 1 : choice % (97 + left / 8) + 1;
    return piece < left ? piece : left;
}

static void decode_pieces(struct bytes bytes, uint32_t seed, struct buf *out)
{
    struct decoder *decoder = decoder_create();
    struct buf input = {0};
    bool goes_on = true;
    while (bytes.size > 0 && goes_on) {
        size_t piece = seed == 0 ? bytes.size : next_piece(&seed, bytes.size);
        struct direct_target target = decoder_direct(decoder);
        if (target.size > 0 && seed % 2 == 1) {
            piece = piece < target.size ? piece : target.size;
            memcpy(target.data, bytes.data, piece);
            decoder_direct_filled(decoder, piece);
        } else {
            buf_append(&input, bytes_make(bytes.data, piece));
            goes_on = decode_all(decoder, &input, out);
        }
        bytes = bytes_make(bytes.data + piece, bytes.size - piece);
    }
    buf_deinit(&input);
    decoder_destroy(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0};
    struct buf cut = {0};
    uint32_t seed = 1 + (uint32_t)size;
    for (size_t i = 0; i < size && i < 64; i++) {
        seed = seed * 31 + data[i];
    }
    decode_pieces(bytes_make(data, size), /* seed= */ 0, &whole);
    decode_pieces(bytes_make(data, size), seed | 1, &cut);
    check(bytes_equal(buf_bytes(&whole), buf_bytes(&cut)));
    buf_deinit(&whole);
    buf_deinit(&cut);
    return 0;
}
