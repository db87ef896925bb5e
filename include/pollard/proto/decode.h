/* The request decoder: RESP arrays of bulk strings, and inline commands. Fed bytes, asked for
 * requests; no sockets, no allocation for complete small frames beyond its reused argument array.
 *
 * Use, per connection and read:
 *
 *     input = unread bytes, starting at a frame's first byte (or where the frame in work began)
 *     while ((result = decoder_next(d, &input, &limits, &request, &error)) == DECODE_REQUEST) ...
 *
 * DECODE_REQUEST: *input was advanced over the frame. The request's argv lies in the decoder's
 *   argument storage and its bytes in the input: both stay valid until decoder_rewind().
 * DECODE_MORE: the frame is cut. *input was not advanced over it; the decoder remembers how far it
 *   had got, and must be given the same bytes again, with more behind them, at any address. It does
 *   not look at what it has parsed twice: a frame cut at every byte costs O(size), not O(size^2).
 * DECODE_ERROR: a protocol error: *ret_error is the text after "-ERR ", e.g.
 *   "Protocol error: invalid multibulk length". The connection is to be closed after the reply.
 *
 * A large argument (>= BLOB_DIRECT_SIZE, incomplete) is received into a blob of its own:
 * decoder_direct() says where the next bytes of the socket are to be read to.
 *
 *     frame in input  |*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n| 200000 bytes in a blob |\r\n
 *
 * Empty arrays ("*0\r\n", "*-1\r\n") and empty inline lines are skipped silently.
 * Limits and error texts as Redis 7.2: "unauthenticated multibulk length",
 * "unauthenticated bulk length", "invalid bulk length", "too big mbulk count string",
 * "too big bulk count string", "too big inline request", "unbalanced quotes in request",
 * "expected '$', got 'x'", "invalid multibulk length". */
#ifndef POLLARD_PROTO_DECODE_H
#define POLLARD_PROTO_DECODE_H

#include "pollard/proto/request.h"

enum decode_result { DECODE_MORE, DECODE_REQUEST, DECODE_ERROR };

struct decode_limits {
    uint64_t bulk_size_max; /* proto-max-bulk-len */
    /* A larger argument is passed over as it comes: it is empty, and the request is_cut. It takes
     * no memory. Only those that are received into blobs. */
    uint64_t bulk_keep_max;
    bool authenticated; /* false: at most 10 arguments of at most 16384 bytes */
};

struct decoder;

ATTR_MUST_USE struct decoder *decoder_create(void);
/* NULL is allowed; nulls the pointer; releases blobs in work. */
void decoder_destroy(struct decoder **decoder);
enum decode_result decoder_next(struct decoder *decoder, struct bytes *input,
                                const struct decode_limits *limits, struct request *ret_request,
                                const char **ret_error);
/* Is a frame in work (the last call said DECODE_MORE and had read at least a byte)? */
bool decoder_is_mid_frame(const struct decoder *decoder);
/* Where a large argument in work wants its next bytes, and how many: size 0 when none is in work.
 * The caller reads from the socket there and tells how many came. */
struct direct_target {
    unsigned char *data;
    size_t size;
};
struct direct_target decoder_direct(struct decoder *decoder);
void decoder_direct_filled(struct decoder *decoder, size_t size);
/* Bytes of the input, from its first, that must be kept for the frame in work when the decoder
 * said DECODE_MORE: all of them but those that have been copied into a blob. When this is less
 * than what is there, drop the rest: they are in the blob. */
size_t decoder_keep(const struct decoder *decoder);
/* All requests given so far are done with: their argument storage may be reused. Not while a
 * frame is in work that should survive: that one is kept. */
void decoder_rewind(struct decoder *decoder);
/* Memory held, for the client's accounting. */
size_t decoder_memory(const struct decoder *decoder);

#endif
