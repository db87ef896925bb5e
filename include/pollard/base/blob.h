/* A blob: bytes with a reference count, shared between a key, replies and jobs. */
#ifndef POLLARD_BASE_BLOB_H
#define POLLARD_BASE_BLOB_H

#include "pollard/base/bytes.h"
#include <stdatomic.h>

/* Values from this size on are read from and written to sockets without a copy. Source: design
 * page, section 2. */
#define BLOB_DIRECT_SIZE ((size_t)16384)

struct blob {
    _Atomic uint32_t refs;
    size_t size;
    size_t capacity;
    unsigned char data[];
};

/* One reference, size bytes uninitialised, room for capacity (>= size). NULL when memory is out. */
ATTR_MUST_USE struct blob *blob_try_create(size_t size, size_t capacity);
/* As above with a copy of the bytes. */
ATTR_MUST_USE struct blob *blob_try_copy(struct bytes bytes, size_t capacity);

static inline struct bytes blob_bytes(const struct blob *blob)
{
    return bytes_make(blob->data, blob->size);
}

/* One reference more. A reference may be added only by who holds one, or holds the shard lock of
 * the key that does. */
static inline struct blob *blob_acquire(struct blob *blob)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

/* Is the caller's reference the only one? Acquire pairs with the release in blob_release, so that
 * an exclusive holder may then edit in place. */
static inline bool blob_is_unique(const struct blob *blob)
{
    return atomic_load_explicit(&((struct blob *)blob)->refs, memory_order_acquire) == 1;
}

/* Gives up a reference; the last one frees. NULL is allowed. */
void blob_release(struct blob *blob);

#endif
