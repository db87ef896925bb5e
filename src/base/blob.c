/* Blobs: reference-counted bytes.
 *
 * On the data path of large values: received into, kept by a key and sent from the same block. The
 * count is atomic, the bytes are not: only a unique holder may write them.
 * Invariants: 1. refs is above 0 while anybody can see the blob. 2. size <= capacity. 3. The block
 * was allocated with exactly sizeof(struct blob) + capacity bytes. */
#include "pollard/base/blob.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

struct blob *blob_try_create(size_t size, size_t capacity)
{
    check(size <= capacity);
    if (capacity > (size_t)PTRDIFF_MAX - sizeof(struct blob)) {
        return NULL;
    }
    struct blob *blob = mem_try_alloc(sizeof(*blob) + capacity);
    if (blob == NULL) {
        return NULL;
    }
    atomic_init(&blob->refs, 1);
    blob->size = size;
    blob->capacity = capacity;
    return blob;
}

struct blob *blob_try_copy(struct bytes bytes, size_t capacity)
{
    struct blob *blob = blob_try_create(bytes.size, capacity);
    if (blob != NULL && bytes.size > 0) {
        memcpy(blob->data, bytes.data, bytes.size);
    }
    return blob;
}

void blob_release(struct blob *blob)
{
    if (blob == NULL) {
        return;
    }
    /* Release orders our uses before the free; acquire pairs with the releases of all others. */
    uint32_t before = atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel);
    check(before > 0);
    if (before == 1) {
        mem_free_sized(blob, sizeof(*blob) + blob->capacity);
    }
}
