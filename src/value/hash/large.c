/* Large hashes: made, copied, freed.
 *
 * copy and free run on any thread that holds a reference. */
#include "internal.h"

struct collection *hash_large_create(const struct hash_secret *secret)
{
    struct collection *hash = mem_alloc(sizeof(struct collection) + sizeof(struct hash_large));
    *hash = (struct collection){
        .type = VALUE_HASH, .encoding = ENCODING_HASHTABLE, .is_large = 1, .form = HASH_PAIRS};
    atomic_init(&hash->refs, 1);
    struct hash_large *large = hash_large_of(hash);
    map_init(&large->fields, MAP_ITEMS, secret);
    large->expiry = NULL;
    return hash;
}

void hash_convert(struct collection **hash, const struct value_limits *limits)
{
    struct collection *old = *hash;
    struct collection *fresh = hash_large_create(limits->secret);
    struct hash_large *large = hash_large_of(fresh);
    struct small_record record = {.end = old->pack};
    while (record.end < small_end(old)) {
        struct map_record entry = {0};
        small_record_read(old, record.end, &record);
        (void)item_read(record.at, &entry.name);
        (void)item_read(record.value_at, &entry.value);
        check(map_put(&large->fields, &entry));
        if (record.expiry != HASH_NO_EXPIRY) {
            hash_expiry_change(large, &entry.name, HASH_NO_EXPIRY, record.expiry);
        }
    }
    collection_release(old);
    *hash = fresh;
}

static struct collection *copy(const struct collection *hash)
{
    const struct hash_large *from = hash_large_of(hash);
    struct collection *fresh = hash_large_create(from->fields.secret);
    struct hash_large *to = hash_large_of(fresh);
    map_copy(&from->fields, &to->fields);
    to->expiry = from->expiry == NULL ? NULL : hash_expiry_copy(from->expiry);
    return fresh;
}

static void release(struct collection *hash)
{
    struct hash_large *large = hash_large_of(hash);
    map_clear(&large->fields);
    hash_expiry_free(large->expiry);
    mem_free(hash);
}

static uint64_t count(const struct collection *hash)
{
    return hash_large_of(hash)->fields.count;
}

static size_t memory(const struct collection *hash)
{
    const struct hash_large *large = hash_large_of(hash);
    size_t size = large->fields.bytes;
    if (large->expiry != NULL) {
        size += sizeof(*large->expiry) + large->expiry->times.bytes + large->expiry->order.bytes;
    }
    return size;
}

const struct collection_methods hash_methods = {
    .copy = copy,
    .free = release,
    .count = count,
    .memory = memory,
    .cursor_begin = hash_walk_begin,
    .cursor_next = hash_walk_next,
};
