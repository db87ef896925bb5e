/* What all collections have in common: counts of references, copies, figures, walks. */
#include "pollard/value/collection.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Elements that a reactor frees itself. Some tens of nanoseconds each. */
#define HEAVY_COUNT 4096

/* A row a type. */
static const struct collection_methods *const methods[] = {
    [VALUE_LIST] = &list_methods, [VALUE_HASH] = &hash_methods, [VALUE_SET] = &set_methods,
    [VALUE_ZSET] = &zset_methods, [VALUE_STREAM] = NULL,
};

static const struct collection_methods *methods_of(const struct collection *collection)
{
    debug_check(methods[collection->type] != NULL);
    return methods[collection->type];
}

void collection_release(struct collection *collection)
{
    if (collection == NULL ||
        atomic_fetch_sub_explicit(&collection->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (collection->is_large) {
        methods_of(collection)->free(collection);
        return;
    }
    if (collection->encoding != ENCODING_INTSET) {
        pack_release(collection->pack, small_end(collection));
    }
    mem_free(collection);
}

static struct collection *copy_small(const struct collection *collection)
{
    struct collection *copy =
        small_create((enum value_type)collection->type, (enum value_encoding)collection->encoding,
                     collection->size);
    copy->form = collection->form;
    copy->count = collection->count;
    copy->size = collection->size;
    memcpy(copy->pack, collection->pack, collection->size);
    if (copy->encoding != ENCODING_INTSET) {
        pack_acquire(copy->pack, small_end(copy));
    }
    return copy;
}

void collection_own(struct collection **collection)
{
    struct collection *old = *collection;
    if (LIKELY(collection_is_unique(old))) {
        return;
    }
    *collection = old->is_large ? methods_of(old)->copy(old) : copy_small(old);
    collection_release(old);
}

uint64_t collection_count(const struct collection *collection)
{
    return collection->is_large ? methods_of(collection)->count(collection) : collection->count;
}

bool collection_is_heavy(const struct collection *collection)
{
    return collection->is_large && collection_count(collection) > HEAVY_COUNT &&
           collection_is_unique(collection);
}

static size_t blob_size(const struct item *item)
{
    return item->blob != NULL ? mem_block_size(item->blob) : 0;
}

size_t collection_own_memory(const struct collection *collection)
{
    size_t body =
        collection->is_large ? methods_of(collection)->memory(collection) : collection->size;
    return sizeof(*collection) + body;
}

size_t collection_long_memory(const struct collection *collection, uint64_t samples)
{
    struct collection_cursor cursor;
    struct element element = {0}; /* The walks of some types fill members only. */
    uint64_t count = collection_count(collection);
    uint64_t seen = 0;
    size_t blobs = 0;
    samples = samples == 0 || samples > count ? count : samples;
    collection_cursor_begin(&cursor, collection, &(struct cursor_start){0});
    while (seen < samples && collection_cursor_next(&cursor, &element)) {
        blobs += blob_size(&element.member) + blob_size(&element.value);
        seen++;
    }
    return seen == 0 ? 0 : (size_t)((double)blobs / (double)seen * (double)count);
}

size_t collection_memory(const struct collection *collection, uint64_t samples)
{
    size_t own = collection->is_large ? methods_of(collection)->memory(collection) : 0;
    return mem_block_size(collection) + own + collection_long_memory(collection, samples);
}

void collection_cursor_begin(struct collection_cursor *cursor, const struct collection *collection,
                             const struct cursor_start *start)
{
    cursor->collection = collection;
    cursor->is_reverse = start->is_reverse;
    cursor->now_ms = start->now_ms;
    cursor->expiry = NULL;
    methods_of(collection)->cursor_begin(cursor, start);
}

bool collection_cursor_next(struct collection_cursor *cursor, struct element *ret_element)
{
    return methods_of(cursor->collection)->cursor_next(cursor, ret_element);
}
