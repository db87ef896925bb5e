/* A decoded request: a command and its arguments, as slices of what was read.
 *
 * argv[0] is the command name as sent. Slices point into the reader's input and live until the
 * input is released; large arguments (>= BLOB_DIRECT_SIZE) may live in blobs of their own. */
#ifndef POLLARD_PROTO_REQUEST_H
#define POLLARD_PROTO_REQUEST_H

#include "pollard/base/blob.h"
#include "pollard/base/bytes.h"

struct request {
    uint32_t argc;
    uint32_t blob_count; /* how many of blobs are not NULL */
    struct bytes *argv;
    struct blob *
        *blobs; /* argc entries, or NULL when blob_count is 0; the request owns the references */
    size_t wire_size; /* bytes of the frame, for limits and statistics */
    bool is_cut;      /* an argument was larger than is kept, and is empty */
    void *owned;      /* the block request_detach made, or NULL */
};

/* Takes the blob that holds argument index, giving its reference to the caller; NULL when that
 * argument is a plain slice. argv[index] stays valid while the caller holds the reference. */
struct blob *request_take_blob(struct request *request, uint32_t index);
/* Copies everything that points into foreign memory into one block of its own, so that the request
 * outlives the input. Aborts when memory is out (size is bounded by the query buffer limit). */
void request_detach(struct request *request);
/* Releases blobs and the detached block. argv must not be used afterwards. */
void request_deinit(struct request *request);

#endif
