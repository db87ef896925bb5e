/* Argument storage of the decoder: chunks of slots, and loose blocks.
 *
 * On the data path only when a chunk is full: the decoder takes slots itself. One thread at a time.
 * Invariants: 1. Only the newest chunk has a frame in work. 2. memory_size is the sum of all
 * blocks. */
#include "decode_storage.h"
#include "pollard/base/mem.h"

/* Slots of the first chunk: some requests of ordinary size, in 512 bytes with the header. */
#define CHUNK_SLOTS_MIN ((size_t)30)
/* Largest chunk that a quiet connection keeps: 64 pipelined SETs and some. */
#define CHUNK_SLOTS_KEPT ((size_t)254)

static size_t chunk_size(size_t capacity)
{
    return sizeof(struct argument_chunk) + capacity * sizeof(struct bytes);
}

static void chunk_free(struct decode_storage *storage, struct argument_chunk *chunk)
{
    size_t size = chunk_size(chunk->capacity);
    storage->memory_size -= size;
    mem_free_sized(chunk, size);
}

static void chunks_free(struct decode_storage *storage, struct argument_chunk *chunk)
{
    while (chunk != NULL) {
        struct argument_chunk *next = chunk->next;
        chunk_free(storage, chunk);
        chunk = next;
    }
}

static void loose_free(struct decode_storage *storage)
{
    while (storage->loose != NULL) {
        struct loose_block *block = storage->loose;
        storage->loose = block->next;
        storage->memory_size -= sizeof(*block) + block->size;
        mem_free_sized(block, sizeof(*block) + block->size);
    }
}

bool storage_grow(struct decode_storage *storage, size_t done, size_t wanted)
{
    struct argument_chunk *old = storage->chunk;
    size_t capacity = CHUNK_SLOTS_MIN;
    if (old != NULL && old->capacity <= CHUNK_SLOTS_KEPT / 2) {
        /* 30, 62, 126, 254: with the header, each fills an allocator's class. */
        capacity = old->capacity * 2 + 2;
    } else if (old != NULL) {
        capacity = CHUNK_SLOTS_KEPT;
    }
    if (capacity < wanted) {
        capacity = wanted;
    }
    struct argument_chunk *chunk = mem_try_alloc(chunk_size(capacity));
    if (chunk == NULL) {
        return false;
    }
    storage->memory_size += chunk_size(capacity);
    chunk->next = old;
    chunk->capacity = capacity;
    chunk->used = 0;
    if (done > 0) {
        memcpy(chunk->slots, storage_slots(storage), done * sizeof(struct bytes));
    }
    storage->chunk = chunk;
    if (old != NULL && old->used == 0) {
        chunk->next = old->next;
        chunk_free(storage, old);
    }
    return true;
}

unsigned char *storage_loose(struct decode_storage *storage, size_t size)
{
    struct loose_block *block = mem_try_alloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    block->next = storage->loose;
    block->size = size;
    storage->loose = block;
    storage->memory_size += sizeof(*block) + size;
    return block->data;
}

void storage_rewind(struct decode_storage *storage, size_t done)
{
    if (storage->loose != NULL) {
        loose_free(storage);
    }
    struct argument_chunk *chunk = storage->chunk;
    if (chunk == NULL) {
        return;
    }
    if (chunk->next != NULL) {
        chunks_free(storage, chunk->next);
        chunk->next = NULL;
    }
    if (done > 0) {
        memmove(chunk->slots, chunk->slots + chunk->used, done * sizeof(struct bytes));
    } else if (chunk->capacity > CHUNK_SLOTS_KEPT) {
        chunk_free(storage, chunk);
        storage->chunk = NULL;
        return;
    }
    chunk->used = 0;
}

void storage_deinit(struct decode_storage *storage)
{
    loose_free(storage);
    chunks_free(storage, storage->chunk);
    storage->chunk = NULL;
}
