/* Chains: the output queue between proto/reply and net.
 *
 * On the data path of every reply. One thread at a time; blobs alone are shared, by their count.
 *
 *     head                                       tail
 *     [chunk: sent|unsent|] -> [blob: slice] -> [chunk: bytes| room ]
 *                                                      cursor^  ^limit
 *
 * Invariants: 1. A part's unsent bytes are begin..end, but the open tail's end at the cursor: its
 * own end is where the cursor was when flushed_size was last brought up to date: flushed_to. 2.
 * cursor is NULL when the tail has no room (a blob slice) or there is none. 3. Parts of no bytes
 * are legal (reserved and not used) and skipped.
 * 4. memory_size is the sum of part_memory() over all parts.
 * 5. A source part has no bytes of its own and counts as one; what it has rendered stands before
 * it. Nothing behind it is sent before it is used up. */
#define _GNU_SOURCE
#include "pollard/base/chain.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <sys/uio.h>

/* Chunks grow from one ordinary reply to a pipeline's worth, all within the sizes that thread
 * caches serve; copies of large texts are cut into pieces of at most the last. Block sizes, with
 * header. */
#define CHUNK_SIZE_FIRST ((size_t)1024)
#define CHUNK_SIZE_NEXT ((size_t)4096)
#define CHUNK_SIZE_LATER ((size_t)16384)
#define CHUNK_SIZE_MAX ((size_t)65536)
/* Spliced chains up to this size are copied: a list of tiny parts costs more than the bytes. */
#define SPLICE_COPY_MAX ((size_t)512)

struct chain_part {
    struct chain_part *next;
    unsigned char *begin;
    unsigned char *end;
    struct blob *blob;           /* NULL in chunks */
    struct chain_source *source; /* NULL in chunks and slices */
    size_t block_size;           /* of this part's own memory */
    unsigned char room[];
};

static size_t part_memory(const struct chain_part *part)
{
    size_t shared = part->blob == NULL ? 0 : sizeof(*part->blob) + part->blob->capacity;
    shared += part->source == NULL ? 0 : part->source->memory;
    return part->block_size + shared;
}

static void part_destroy(struct chain *chain, struct chain_part *part)
{
    chain->memory_size -= part_memory(part);
    blob_release(part->blob);
    if (part->source != NULL) {
        part->source->release(part->source);
    }
    mem_free_sized(part, part->block_size);
}

/* Accounts for what the cursor has written; the tail stays open. */
static void tail_flush(struct chain *chain)
{
    if (chain->cursor != NULL) {
        chain->flushed_size += (size_t)(chain->cursor - chain->flushed_to);
        chain->flushed_to = chain->cursor;
        chain->tail->end = chain->cursor;
    }
}

/* Unsent bytes of a part, whether it is the open tail or not. */
static size_t part_size(const struct chain *chain, const struct chain_part *part)
{
    const unsigned char *end = part == chain->tail && chain->cursor ? chain->cursor : part->end;
    return (size_t)(end - part->begin);
}

/* Is there room in a part's block for bytes of the chain's own? */
static bool is_chunk(const struct chain_part *part)
{
    return part->blob == NULL && part->source == NULL;
}

/* What a part that is not the open tail counts as. */
static size_t part_length(const struct chain_part *part)
{
    return part->source != NULL ? 1 : (size_t)(part->end - part->begin);
}

static void tail_reopen(struct chain *chain, struct chain_part *part)
{
    chain->tail = part;
    part->next = NULL;
    chain->cursor = is_chunk(part) ? part->end : NULL;
    chain->flushed_to = chain->cursor;
    chain->limit = is_chunk(part) ? (unsigned char *)part + part->block_size : NULL;
}

static void part_link(struct chain *chain, struct chain_part *part)
{
    tail_flush(chain);
    struct chain_part *tail = chain->tail;
    if (tail == NULL) {
        chain->head = part;
    } else {
        tail->next = part;
    }
    chain->memory_size += part_memory(part);
    tail_reopen(chain, part);
}

/* Opens a chunk with room for at least size bytes. */
static unsigned char *chunk_open(struct chain *chain, size_t size)
{
    size_t block_size = CHUNK_SIZE_LATER;
    if (chain->tail == NULL) {
        block_size = CHUNK_SIZE_FIRST;
    } else if (chain->head->next == NULL) {
        block_size = CHUNK_SIZE_NEXT;
    }
    size_t wanted = sizeof(struct chain_part) + size;
    if (block_size < wanted) {
        block_size = (wanted + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    }
    struct chain_part *part = mem_alloc(block_size);
    part->begin = part->room;
    part->end = part->room;
    part->blob = NULL;
    part->source = NULL;
    part->block_size = block_size;
    part_link(chain, part);
    return chain->cursor;
}

unsigned char *chain_grow(struct chain *chain, size_t size)
{
    check(size <= CHAIN_RESERVE_MAX);
    return chunk_open(chain, size);
}

void chain_append(struct chain *chain, struct bytes bytes)
{
    while (bytes.size > 0) {
        size_t room = (size_t)(chain->limit - chain->cursor);
        if (room == 0) {
            size_t most = CHUNK_SIZE_MAX - sizeof(struct chain_part);
            (void)chunk_open(chain, bytes.size < most ? bytes.size : most);
            continue;
        }
        size_t piece = bytes.size < room ? bytes.size : room;
        memcpy(chain->cursor, bytes.data, piece);
        chain->cursor += piece;
        bytes.data += piece;
        bytes.size -= piece;
    }
}

void chain_append_blob_take(struct chain *chain, struct blob *blob, size_t offset, size_t size)
{
    check(offset <= blob->size);
    check(size <= blob->size - offset);
    if (size == 0) {
        blob_release(blob);
        return;
    }
    struct chain_part *part = mem_alloc(sizeof(*part));
    part->begin = blob->data + offset;
    part->end = part->begin + size;
    part->blob = blob;
    part->source = NULL;
    part->block_size = sizeof(*part);
    part_link(chain, part);
    chain->flushed_size += size;
}

void chain_splice(struct chain *chain, struct chain *source)
{
    if (source->tail != NULL && chain->tail != NULL) {
        bool is_one_chunk = source->head == source->tail && is_chunk(source->head);
        size_t size = chain_size(source);
        if (is_one_chunk && size <= SPLICE_COPY_MAX) {
            chain_append(chain, bytes_make(source->head->begin, size));
            chain_clear(source);
            return;
        }
        tail_flush(chain);
        chain->tail->next = source->head;
        chain->tail = source->tail;
        chain->cursor = source->cursor;
        chain->limit = source->limit;
        chain->flushed_to = source->flushed_to;
        chain->flushed_size += source->flushed_size;
        chain->memory_size += source->memory_size;
    } else if (source->tail != NULL) {
        *chain = *source;
    }
    *source = (struct chain){0};
}

void chain_append_source(struct chain *chain, struct chain_source *source)
{
    struct chain_part *part = mem_alloc(sizeof(*part));
    part->begin = part->room;
    part->end = part->room;
    part->blob = NULL;
    part->source = source;
    part->block_size = sizeof(*part);
    part_link(chain, part);
    chain->flushed_size++;
}

/* Takes the used-up source's part out; before is the part before it, NULL if there is none. */
static void source_end(struct chain *chain, struct chain_part *before, struct chain_part *part)
{
    *(before == NULL ? &chain->head : &before->next) = part->next;
    chain->flushed_size--;
    bool was_tail = part == chain->tail;
    part_destroy(chain, part);
    if (was_tail && before != NULL) {
        tail_reopen(chain, before);
    } else if (was_tail) {
        *chain = (struct chain){0};
    }
}

/* Renders a step of the source behind before. */
static void source_step(struct chain *chain, struct chain_part *before, struct chain_part *part)
{
    struct chain step = {0};
    bool is_more = part->source->render(part->source, &step);
    check(!is_more || chain_size(&step) > 0);
    if (step.head != NULL) {
        tail_flush(&step);
        *(before == NULL ? &chain->head : &before->next) = step.head;
        step.tail->next = part;
        before = step.tail;
        chain->flushed_size += step.flushed_size;
        chain->memory_size += step.memory_size;
    }
    if (!is_more) {
        source_end(chain, before, part);
    }
}

/* Renders until what can be sent is worth a write, or no source stands near the head. */
static void render_ahead(struct chain *chain)
{
    struct chain_part *before = NULL;
    struct chain_part *part = chain->head;
    size_t ahead = 0;
    while (part != NULL && ahead < CHAIN_SOURCE_STEP / 2) {
        if (part->source != NULL) {
            source_step(chain, before, part);
            part = before == NULL ? chain->head : before->next;
            continue;
        }
        ahead += part_size(chain, part);
        before = part;
        part = part->next;
    }
}

size_t chain_memory(const struct chain *chain)
{
    return chain->memory_size;
}

size_t chain_vectors(struct chain *chain, struct iovec *vectors, size_t count, size_t most)
{
    size_t filled = 0;
    render_ahead(chain);
    for (struct chain_part *part = chain->head; part && filled < count && part->source == NULL;
         part = part->next) {
        size_t size = part_size(chain, part);
        size = size < most ? size : most;
        if (size > 0) {
            vectors[filled++] = (struct iovec){.iov_base = part->begin, .iov_len = size};
            most -= size;
        }
    }
    return filled;
}

void chain_consume(struct chain *chain, size_t size)
{
    tail_flush(chain);
    check(size <= chain->flushed_size);
    if (size == chain->flushed_size) {
        chain_clear(chain);
        return;
    }
    chain->flushed_size -= size;
    while (size > 0) {
        struct chain_part *part = chain->head;
        size_t held = (size_t)(part->end - part->begin);
        if (size < held) {
            part->begin += size;
            return;
        }
        /* It is not the tail: some unsent bytes are left, and they lie behind this part. */
        size -= held;
        chain->head = part->next;
        part_destroy(chain, part);
    }
}

/* Frees all parts from part on. */
static void parts_destroy(struct chain *chain, struct chain_part *part)
{
    while (part != NULL) {
        struct chain_part *next = part->next;
        part_destroy(chain, part);
        part = next;
    }
}

void chain_truncate(struct chain *chain, size_t size)
{
    tail_flush(chain);
    check(size <= chain->flushed_size);
    if (size == 0) {
        chain_clear(chain);
        return;
    }
    if (size == chain->flushed_size) {
        return;
    }
    chain->flushed_size = size;
    struct chain_part *part = chain->head;
    while (size > part_length(part)) {
        size -= part_length(part);
        part = part->next;
    }
    if (part->source == NULL) {
        part->end = part->begin + size;
    }
    parts_destroy(chain, part->next);
    tail_reopen(chain, part);
}

void chain_clear(struct chain *chain)
{
    parts_destroy(chain, chain->head);
    *chain = (struct chain){0};
}
