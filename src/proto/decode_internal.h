/* The decoder's state, shared by the files of the decoder: private to proto.
 *
 * A frame in work is described by offsets from its first byte, because the input may move between
 * calls. `at` is the offset of the first byte not yet understood:
 *
 *     *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20|0000\r\n...
 *                               at^   ^scanned: no line end before it
 *
 * The bytes of an argument that is received into a blob are no part of the input: they are counted
 * in dropped, and `at` stands where they would begin. */
#ifndef POLLARD_PROTO_DECODE_INTERNAL_H
#define POLLARD_PROTO_DECODE_INTERNAL_H

#include "decode_storage.h"
#include "pollard/proto/decode.h"

/* Longest line of a request, without its end. Source: Redis' PROTO_INLINE_MAX_SIZE. */
#define DECODE_LINE_MAX ((size_t)65536)
/* Bytes behind a length line and behind an argument. */
#define DECODE_END_SIZE ((size_t)2)

enum decode_phase {
    PHASE_START,  /* nothing is known of the frame */
    PHASE_INLINE, /* an inline line whose end has not come */
    PHASE_HEAD,   /* "*count" whose end has not come */
    PHASE_LENGTH, /* an argument's "$size" comes next */
    PHASE_BODY,   /* body_size bytes and the line end come next */
    PHASE_DIRECT, /* direct_blob is being filled */
};

/* An argument of the frame in work that has a blob of its own. */
struct direct_argument {
    uint32_t index;
    struct blob *blob;
};

struct decoder {
    struct decode_storage storage;
    enum decode_phase phase;
    uint32_t argc;            /* as announced, from PHASE_LENGTH on */
    uint32_t done;            /* arguments complete in the storage */
    bool is_resumed;          /* slots of the frame hold offsets, not pointers */
    size_t at;                /* see above */
    size_t scanned;           /* see above */
    size_t body_size;         /* of the argument at `at`, in PHASE_BODY and PHASE_DIRECT */
    size_t dropped;           /* bytes of the frame that the input no longer has */
    size_t keep;              /* what decoder_keep() answers */
    struct blob *direct_blob; /* in PHASE_DIRECT */
    size_t direct_filled;
    bool direct_skips; /* the argument is not kept: the blob only takes its bytes piece by piece */
    bool is_cut;       /* so was one of the frame */
    /* Arguments that already have blobs, few of a frame. */
    struct direct_argument *directs;
    uint32_t direct_count;
    uint32_t direct_capacity;
    char error_text[48];
};

/* One call's view of the input. */
struct decode_cursor {
    const unsigned char *base; /* the frame's first byte */
    const unsigned char *at;
    const unsigned char *end;
};

/* decode_inline.c: reads one line into a request. DECODE_REQUEST also for an empty line, with argc
 * 0. */
enum decode_result decode_inline(struct decoder *decoder, struct decode_cursor *cursor,
                                 struct request *ret_request, const char **ret_error);

/* decode_direct.c. Begins a blob for the argument at the cursor, of which some bytes are there, and
 * takes those; or passes over it. false when memory is out. */
ATTR_MUST_USE bool direct_begin(struct decoder *decoder, struct decode_cursor *cursor, bool skips);
/* Bytes of the argument that have not come. */
size_t direct_missing(const struct decoder *decoder);
/* Takes what the input has of it; true when the argument is complete, with the cursor behind it. */
bool direct_continue(struct decoder *decoder, struct decode_cursor *cursor);
/* Makes the complete blob the next argument. false when memory is out. */
ATTR_MUST_USE bool direct_finish(struct decoder *decoder);
/* Hands the frame's blobs over to the request. false when memory is out. */
ATTR_MUST_USE bool direct_deliver(struct decoder *decoder, struct request *request);
/* Releases the blobs of a frame that will not be delivered. */
void direct_discard(struct decoder *decoder);

#endif
