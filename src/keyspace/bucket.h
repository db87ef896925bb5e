/* Slots of buckets: what one holds, and which of a bucket's eight fit a tag. The innermost part of
 * every lookup, inline for its sake. Private to keyspace: the table and its readers.
 *
 * A slot is [16-bit tag | 48-bit pointer]: to an entry, or with the lowest bit set to a node of
 * more slots; 0 is empty. */
#ifndef POLLARD_KEYSPACE_BUCKET_H
#define POLLARD_KEYSPACE_BUCKET_H

#include "table.h"
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>
#endif

#define POINTER_MASK ((UINT64_C(1) << 48) - 1)
#define LINK_BIT UINT64_C(1)
#define TAG_SHIFT 48
/* The tag is these bits of the table hash: splits at levels 4 to 19 find their bit in it. */
#define TAG_LOW 4
#define TAG_BITS 16

struct node {
    _Atomic uint64_t slots[NODE_SLOTS];
};

static inline uint32_t hash_tag(uint32_t hash)
{
    return (hash >> TAG_LOW) & 0xffff;
}

static inline struct entry *slot_entry(uint64_t slot)
{
    return (struct entry *)(uintptr_t)(slot & POINTER_MASK);
}

static inline struct node *slot_node(uint64_t slot)
{
    return (struct node *)(uintptr_t)((slot & POINTER_MASK) & ~LINK_BIT);
}

static inline uint64_t slot_get(_Atomic uint64_t *slot)
{
    return atomic_load_explicit(slot, memory_order_relaxed);
}

/* Of a table of count buckets. */
static inline uint32_t bucket_index(uint32_t count, uint32_t hash)
{
    uint32_t level = 31 - (uint32_t)__builtin_clz(count);
    uint32_t low = (UINT32_C(1) << level) - 1;
    uint32_t index = hash & (low << 1 | 1);
    return index < count ? index : hash & low;
}

static inline struct bucket *bucket_at(const struct table *table, uint32_t index)
{
    struct directory *directory =
        atomic_load_explicit(&((struct table *)table)->directory, memory_order_relaxed);
    struct bucket *segment =
        atomic_load_explicit(&directory->segments[index >> SEGMENT_BITS], memory_order_relaxed);
    return &segment[index & (SEGMENT_BUCKETS - 1)];
}

static inline struct bucket *bucket_of(const struct table *table, uint32_t hash)
{
    uint32_t count =
        atomic_load_explicit(&((struct table *)table)->bucket_count, memory_order_relaxed);
    return bucket_at(table, bucket_index(count, hash));
}

/* The slots whose upper 16 bits are the tag, at 4 bits a slot, of which the highest is set if it
 * fits. Empty slots and links look as if their tag were 0. No branch: a loop over the slots would
 * be mispredicted once a lookup. */
static inline uint32_t bucket_match(struct bucket *bucket, uint32_t tag)
{
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
    /* Each half of a 16-byte load is as atomic as a load of its own: slots are aligned. */
    const __m128i *pairs = (const __m128i *)(const void *)bucket->slots;
    __m128i wanted = _mm_set1_epi16((short)tag);
    __m128i low = _mm_packs_epi16(_mm_cmpeq_epi16(_mm_load_si128(pairs), wanted),
                                  _mm_cmpeq_epi16(_mm_load_si128(pairs + 1), wanted));
    __m128i high = _mm_packs_epi16(_mm_cmpeq_epi16(_mm_load_si128(pairs + 2), wanted),
                                   _mm_cmpeq_epi16(_mm_load_si128(pairs + 3), wanted));
    uint32_t fits = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
    return fits & 0x88888888u;
#else
    uint32_t fits = 0;
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        fits |= (uint32_t)(slot_get(&bucket->slots[i]) >> TAG_SHIFT == tag) << (4 * i + 3);
    }
    return fits;
#endif
}

/* The first slot that bucket_match found. */
static inline _Atomic uint64_t *bucket_first(struct bucket *bucket, uint32_t fits)
{
    return &bucket->slots[(uint32_t)__builtin_ctz(fits) / 4];
}

/* table_find beyond the bucket: the chain of nodes from the link on. */
struct position table_find_in_nodes(uint64_t link, struct bytes key, uint32_t tag);

/* Where the key is. The shard's lock is held. */
static inline struct position table_find(const struct table *table, struct bytes key, uint32_t hash)
{
    struct bucket *bucket = bucket_of(table, hash);
    uint32_t tag = hash_tag(hash);
    for (uint32_t fits = bucket_match(bucket, tag); fits != 0; fits &= fits - 1) {
        _Atomic uint64_t *slot = bucket_first(bucket, fits);
        uint64_t value = slot_get(slot);
        if (LIKELY((value & LINK_BIT) == 0 && value != 0) &&
            LIKELY(entry_has_key(slot_entry(value), key))) {
            return (struct position){.slot = slot, .entry = slot_entry(value)};
        }
    }
    uint64_t last = slot_get(&bucket->slots[BUCKET_SLOTS - 1]);
    if (LIKELY((last & LINK_BIT) == 0)) {
        return (struct position){0};
    }
    return table_find_in_nodes(last, key, tag);
}

#endif
