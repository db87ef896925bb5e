/* Several bitmaps into one: AND, OR, XOR, NOT and what is made of them.
 *
 * On the data path of BITOP. Works through blocks that stay in the first cache, source by source;
 * the loops over a block are plain, and the compiler makes vectors of them. */
#include "pollard/value/bitmap.h"

/* Two of them, and the sources' pieces, fit into a first cache of 32 KB. */
#define BLOCK_SIZE ((size_t)4096)

static void block_and(unsigned char *restrict out, const unsigned char *restrict in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)(out[i] & in[i]);
    }
}

static void block_or(unsigned char *restrict out, const unsigned char *restrict in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)(out[i] | in[i]);
    }
}

static void block_xor(unsigned char *restrict out, const unsigned char *restrict in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)(out[i] ^ in[i]);
    }
}

static void block_not(unsigned char *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)~out[i];
    }
}

/* out: what two or more had is noted in many; what one had, in out. */
static void block_one(unsigned char *restrict out, unsigned char *restrict many,
                      const unsigned char *restrict in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        many[i] = (unsigned char)(many[i] | (out[i] & in[i]));
        out[i] = (unsigned char)(out[i] | in[i]);
    }
}

/* How many bytes of a source lie in the block. */
static size_t size_within(struct bytes source, size_t offset, size_t size)
{
    if (source.size <= offset) {
        return 0;
    }
    return source.size - offset < size ? source.size - offset : size;
}

/* The block as the source has it, with zeroes behind its end. */
static void block_load(struct bytes source, size_t offset, size_t size, unsigned char *out)
{
    size_t have = size_within(source, offset, size);
    if (have > 0) {
        memcpy(out, source.data + offset, have);
    }
    memset(out + have, 0, size - have);
}

/* out and what the source has of the block, by a plain operation. */
static void block_apply(enum bitmap_operation operation, unsigned char *restrict out,
                        struct bytes source, size_t offset, size_t size)
{
    size_t have = size_within(source, offset, size);
    const unsigned char *in = have > 0 ? source.data + offset : NULL;
    if (operation == BITMAP_AND) {
        memset(out + have, 0, size - have);
    }
    if (have == 0) {
        return;
    }
    if (operation == BITMAP_AND) {
        block_and(out, in, have);
    } else if (operation == BITMAP_XOR) {
        block_xor(out, in, have);
    } else {
        block_or(out, in, have);
    }
}

static void combine_one(const struct bitmap_sources *sources, size_t offset, size_t size,
                        unsigned char *out)
{
    unsigned char many[BLOCK_SIZE] = {0};
    block_load(sources->items[0], offset, size, out);
    for (size_t i = 1; i < sources->count; i++) {
        size_t have = size_within(sources->items[i], offset, size);
        if (have > 0) {
            block_one(out, many, sources->items[i].data + offset, have);
        }
    }
    block_not(many, size);
    block_and(out, many, size);
}

/* The operations that set the first source against all others. */
static void combine_first(enum bitmap_operation operation, const struct bitmap_sources *sources,
                          size_t offset, size_t size, unsigned char *out)
{
    unsigned char first[BLOCK_SIZE];
    block_load(sources->items[0], offset, size, first);
    memset(out, 0, size);
    for (size_t i = 1; i < sources->count; i++) {
        block_apply(BITMAP_OR, out, sources->items[i], offset, size);
    }
    if (operation == BITMAP_DIFF1) {
        block_not(first, size);
    } else if (operation == BITMAP_DIFF) {
        block_not(out, size);
    }
    block_and(out, first, size);
}

static void combine_block(enum bitmap_operation operation, const struct bitmap_sources *sources,
                          size_t offset, size_t size, unsigned char *out)
{
    switch (operation) {
    case BITMAP_DIFF:
    case BITMAP_DIFF1:
    case BITMAP_ANDOR:
        combine_first(operation, sources, offset, size, out);
        return;
    case BITMAP_ONE:
        combine_one(sources, offset, size, out);
        return;
    case BITMAP_NOT:
        block_load(sources->items[0], offset, size, out);
        block_not(out, size);
        return;
    case BITMAP_AND:
    case BITMAP_OR:
    case BITMAP_XOR:
        break;
    }
    block_load(sources->items[0], offset, size, out);
    for (size_t i = 1; i < sources->count; i++) {
        block_apply(operation, out, sources->items[i], offset, size);
    }
}

void bitmap_combine(enum bitmap_operation operation, const struct bitmap_sources *sources,
                    size_t offset, size_t size, unsigned char *out)
{
    for (size_t done = 0; done < size;) {
        size_t part = size - done < BLOCK_SIZE ? size - done : BLOCK_SIZE;
        combine_block(operation, sources, offset + done, part, out + offset + done);
        done += part;
    }
}
