/* Small collections: one block that holds the header and the packed items.
 *
 * On the data path of every write to a small collection. The block is as large as its allocator's
 * class, so that most changes stay in place. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/value/collection.h"

/* Blocks of few bytes differ by this much, as the allocator's classes do. */
#define STEP ((size_t)16)

static size_t block_size(size_t pack_size)
{
    return (sizeof(struct collection) + pack_size + STEP - 1) / STEP * STEP;
}

struct collection *small_create(enum value_type type, enum value_encoding encoding, size_t room)
{
    struct collection *collection = mem_alloc(block_size(room));
    atomic_init(&collection->refs, 1);
    collection->type = (uint8_t)type;
    collection->encoding = (uint8_t)encoding;
    collection->is_large = 0;
    collection->form = 0;
    collection->count = 0;
    collection->size = 0;
    return collection;
}

/* Makes room for a pack of size bytes, all that is there stays. */
static void make_room(struct collection **collection, size_t size)
{
    size_t held = mem_block_size(*collection);
    if (block_size(size) <= held) {
        return;
    }
    /* To the allocator's next class: those are far enough from each other for growth in steps. */
    *collection = mem_realloc(*collection, mem_good_size(block_size(size)));
}

unsigned char *small_open(struct collection **collection, size_t offset, size_t size)
{
    debug_check(offset <= (*collection)->size);
    make_room(collection, (*collection)->size + size);
    unsigned char *at = (*collection)->pack + offset;
    memmove(at + size, at, (*collection)->size - offset);
    (*collection)->size += (uint32_t)size;
    return at;
}

void small_close(struct collection **collection, size_t offset, size_t size)
{
    debug_check(offset + size <= (*collection)->size);
    unsigned char *at = (*collection)->pack + offset;
    memmove(at, at + size, (*collection)->size - offset - size);
    (*collection)->size -= (uint32_t)size;
    size_t needed = block_size((*collection)->size);
    if (mem_block_size(*collection) >= 2 * needed + 2 * STEP) {
        *collection = mem_realloc(*collection, needed);
    }
}

unsigned char *small_resize(struct collection **collection, size_t offset, size_t old_size,
                            size_t new_size)
{
    if (new_size > old_size) {
        (void)small_open(collection, offset + old_size, new_size - old_size);
    } else if (new_size < old_size) {
        small_close(collection, offset + new_size, old_size - new_size);
    }
    return (*collection)->pack + offset;
}
