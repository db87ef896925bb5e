/* A chain: an output queue of bytes, built by proto/reply, written by net with writev.
 *
 * It is a list of parts: chunks of own bytes, slices of shared blobs, and sources. Invariants:
 * 1. size is the sum of the unsent bytes of all parts; a source counts as one byte.
 * 2. Only the last part may have room; room begins at cursor and ends at limit.
 * 3. An empty chain owns no memory.
 * Not locked: one thread at a time. A zeroed struct is an empty chain. */
#ifndef POLLARD_BASE_CHAIN_H
#define POLLARD_BASE_CHAIN_H

#include "pollard/base/blob.h"
#include "pollard/base/bytes.h"

struct iovec;
struct chain_part;
struct chain;

/* A part whose bytes are made when the socket takes them: a long reply that renders itself. */
struct chain_source {
    /* Appends some more (about CHAIN_SOURCE_STEP bytes) to the chain; false: that was all. Runs on
     * the thread that sends, with no lock held. */
    bool (*render)(struct chain_source *source, struct chain *chain);
    void (*release)(struct chain_source *source); /* frees it, finished or not */
    size_t memory; /* what it keeps alive, for output limits; constant */
};

/* Bytes that a source renders at a time: about what goes out in one write. */
#define CHAIN_SOURCE_STEP ((size_t)49152)
/* Most bytes that chain_reserve can be asked for. */
#define CHAIN_RESERVE_MAX ((size_t)4096)

struct chain {
    unsigned char *cursor; /* next byte of room in the last part */
    unsigned char *limit;
    /* private */
    struct chain_part *head;
    struct chain_part *tail;
    size_t flushed_size; /* bytes of all parts but what cursor has advanced in the tail */
    const unsigned char *flushed_to; /* where cursor was when flushed_size was counted */
    size_t memory_size;              /* of all parts, and of the blobs they share */
};

/* A fresh part with room; the slow half of chain_reserve. */
unsigned char *chain_grow(struct chain *chain, size_t size);

/* Room for size (<= CHAIN_RESERVE_MAX) contiguous bytes; the caller writes them and moves
 * chain->cursor behind what it wrote. Never fails (aborts when memory is out). */
static inline unsigned char *chain_reserve(struct chain *chain, size_t size)
{
    if (LIKELY((size_t)(chain->limit - chain->cursor) >= size)) {
        return chain->cursor;
    }
    return chain_grow(chain, size);
}

/* Appends a copy. */
void chain_append(struct chain *chain, struct bytes bytes);
/* Appends a slice of a blob without a copy; takes one reference of the caller's. */
void chain_append_blob_take(struct chain *chain, struct blob *blob, size_t offset, size_t size);
/* Appends a source; it is the chain's from now on. Its unrendered bytes count as one in chain_size.
 */
void chain_append_source(struct chain *chain, struct chain_source *source);
/* Moves all of source behind what is in chain; source is empty afterwards. O(1). */
void chain_splice(struct chain *chain, struct chain *source);
/* Unsent bytes. */
static inline size_t chain_size(const struct chain *chain)
{
    return chain->flushed_size + (size_t)(chain->cursor - chain->flushed_to);
}
static inline bool chain_is_empty(const struct chain *chain)
{
    return chain_size(chain) == 0;
}
/* Memory that only this chain keeps alive, plus all it shares: what counts to output limits. A blob
 * counts once a slice. */
size_t chain_memory(const struct chain *chain);
/* Fills at most count vectors from the head, of at most so many bytes together; returns how many:
 * at least one unless the chain is empty, which it may find out. A source that stands near the head
 * renders its next step. The bytes stay the chain's. */
size_t chain_vectors(struct chain *chain, struct iovec *vectors, size_t count, size_t most);
/* Drops size bytes (<= chain_size) from the head. */
void chain_consume(struct chain *chain, size_t size);
/* Drops what was appended after the chain had size bytes: a reply that turned into an error, or
 * that the client asked not to get. Sizes taken before something was consumed mean nothing after.
 */
void chain_truncate(struct chain *chain, size_t size);
/* Frees everything. */
void chain_clear(struct chain *chain);

#endif
