/* Where the decoder keeps arguments and what belongs to them: private to proto.
 *
 * Arguments lie in chunks. The frame in work grows behind the delivered ones in the last chunk, and
 * moves to a larger chunk when it has no room; delivered arguments never move.
 *
 *     chunk  | request 1 | request 2 | frame in work ...      |
 *                                    ^used  used+done^        ^capacity */
#ifndef POLLARD_PROTO_DECODE_STORAGE_H
#define POLLARD_PROTO_DECODE_STORAGE_H

#include "pollard/base/blob.h"
#include "pollard/base/bytes.h"

struct argument_chunk {
    struct argument_chunk *next; /* an older one */
    size_t capacity;
    size_t used; /* slots of delivered requests */
    struct bytes slots[];
};

/* A block that lives until the next rewind: words of an inline line, a request's blob array. */
struct loose_block {
    struct loose_block *next;
    size_t size;
    unsigned char data[] ATTR_ALIGNED(16);
};

struct decode_storage {
    struct argument_chunk *chunk; /* the one in use; NULL before the first request */
    struct loose_block *loose;
    size_t memory_size;
};

/* Makes room for wanted slots in all behind the delivered ones, of which the first done are kept.
 * false when memory is out; the storage is as before then. */
ATTR_MUST_USE bool storage_grow(struct decode_storage *storage, size_t done, size_t wanted);
/* A loose block of size bytes; NULL when memory is out. */
ATTR_MUST_USE unsigned char *storage_loose(struct decode_storage *storage, size_t size);
/* Forgets delivered requests; keeps the first done slots of the frame in work. */
void storage_rewind(struct decode_storage *storage, size_t done);
void storage_deinit(struct decode_storage *storage);

/* Slots of the frame in work: where they begin, and for how many there is room. */
static inline struct bytes *storage_slots(const struct decode_storage *storage)
{
    return storage->chunk->slots + storage->chunk->used;
}

static inline size_t storage_room(const struct decode_storage *storage)
{
    return storage->chunk == NULL ? 0 : storage->chunk->capacity - storage->chunk->used;
}

#endif
