/* Segments: some tens of records with their tags and places. At the end of every lookup in a large
 * set, hash or sorted set. */
#include "map_node.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ROOM_STEP ((size_t)16)

static size_t segment_size(uint32_t columns, size_t room)
{
    return sizeof(struct segment) + (size_t)columns * 3 + room;
}

struct segment *segment_create(uint8_t depth, uint32_t columns, size_t room)
{
    columns = columns == 0 ? 16 : (columns + 15) / 16 * 16;
    /* All of the block that the allocator gives is room. */
    size_t size = mem_good_size(segment_size(columns, room));
    struct segment *segment = mem_alloc(size);
    atomic_init(&segment->head.refs, 1);
    segment->head.is_segment = 1;
    segment->head.depth = depth;
    segment->head.bits = 0;
    segment->head.columns = (uint8_t)(columns / 16);
    segment->count = 0;
    segment->unused = 0;
    segment->used = 0;
    segment->room = (uint32_t)(size - segment_size(columns, 0));
    memset(segment->data, 0, columns);
    return segment;
}

const unsigned char *record_end(const unsigned char *p, enum map_kind kind)
{
    p += item_span(p);
    if (kind == MAP_WORDS) {
        return p + sizeof(uint64_t);
    }
    return kind == MAP_ITEMS ? p + item_span(p) : p;
}

void record_read(const unsigned char *p, enum map_kind kind, struct map_record *ret_record)
{
    p = item_read(p, &ret_record->name);
    ret_record->word = 0;
    ret_record->value = (struct item){0};
    if (kind == MAP_WORDS) {
        memcpy(&ret_record->word, p, sizeof(ret_record->word));
    } else if (kind == MAP_ITEMS) {
        (void)item_read(p, &ret_record->value);
    }
}

size_t record_size(const struct map_record *record, enum map_kind kind)
{
    size_t size = item_packed_size(&record->name);
    if (kind == MAP_WORDS) {
        size += sizeof(record->word);
    } else if (kind == MAP_ITEMS) {
        size += item_packed_size(&record->value);
    }
    return size;
}

void record_write(const struct map_record *record, enum map_kind kind, unsigned char *out)
{
    out = item_pack(&record->name, out);
    if (kind == MAP_WORDS) {
        memcpy(out, &record->word, sizeof(record->word));
    } else if (kind == MAP_ITEMS) {
        (void)item_pack(&record->value, out);
    }
}

uint64_t record_hash(const unsigned char *p, const struct hash_secret *secret)
{
    unsigned char scratch[ITEM_SCRATCH];
    struct item name;
    (void)item_read(p, &name);
    return hash_keyed(secret, item_text(&name, scratch));
}

/* Which of the 16 tags from first on are the tag: a bit each. */
static inline uint32_t match_tags(const unsigned char *tags, unsigned char tag)
{
#ifdef __SSE2__
    __m128i found = _mm_loadu_si128((const __m128i *)(const void *)tags);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(found, _mm_set1_epi8((char)tag)));
#else
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 16; i++) {
        bits |= (uint32_t)(tags[i] == tag) << i;
    }
    return bits;
#endif
}

int segment_find(const struct segment *segment, unsigned char tag, const struct item_needle *name)
{
    const unsigned char *tags = segment_tags(segment);
    for (uint32_t first = 0; first < segment->count; first += 16) {
        uint32_t bits = match_tags(tags + first, tag);
        while (bits != 0) {
            uint32_t index = first + (uint32_t)__builtin_ctz(bits);
            if (index < segment->count && item_is(segment_record(segment, index), name)) {
                return (int)index;
            }
            bits &= bits - 1;
        }
    }
    return -1;
}

/* The same records in a block with other room. */
static void segment_rebuild(struct segment **segment, uint32_t columns, size_t room)
{
    struct segment *old = *segment;
    struct segment *fresh = segment_create(old->head.depth, columns, room);
    fresh->count = old->count;
    fresh->used = old->used;
    memcpy(segment_tags(fresh), segment_tags(old), old->count);
    memcpy(segment_offsets(fresh), segment_offsets(old), old->count * sizeof(uint16_t));
    memcpy(segment_records(fresh), segment_records(old), old->used);
    mem_free_sized(old, node_size(&old->head));
    *segment = fresh;
}

void segment_reserve(struct segment **segment, size_t size)
{
    uint32_t columns = segment_columns(*segment);
    bool has_column = (*segment)->count < columns;
    size_t used = (*segment)->used + size;
    if (LIKELY(has_column && used <= (*segment)->room)) {
        return;
    }
    /* An eighth ahead, rounded to the allocator's class. */
    segment_rebuild(segment, has_column ? columns : columns + 16, used + used / 8 + ROOM_STEP);
}

unsigned char *segment_append(struct segment *segment, unsigned char tag, size_t size)
{
    debug_check(segment->used + size <= segment->room);
    debug_check(segment->count < segment_columns(segment));
    unsigned char *at = segment_records(segment) + segment->used;
    segment_tags(segment)[segment->count] = tag;
    segment_offsets(segment)[segment->count] = (uint16_t)segment->used;
    segment->count++;
    segment->used += (uint32_t)size;
    return at;
}

void segment_cut(struct segment *segment, uint32_t index, size_t size)
{
    uint16_t *offsets = segment_offsets(segment);
    unsigned char *tags = segment_tags(segment);
    uint16_t at = offsets[index];
    uint16_t gap = (uint16_t)size;
    unsigned char *records = segment_records(segment);
    memmove(records + at, records + at + size, segment->used - at - size);
    segment->used -= (uint32_t)size;
    segment->count--;
    tags[index] = tags[segment->count];
    offsets[index] = offsets[segment->count];
    for (uint32_t i = 0; i < segment->count; i++) {
        uint16_t is_behind = (uint16_t)(0 - (offsets[i] > at));
        offsets[i] = (uint16_t)(offsets[i] - (gap & is_behind));
    }
}

void segment_trim(struct segment **segment)
{
    size_t used = (*segment)->used;
    uint32_t columns = ((uint32_t)(*segment)->count + 15) / 16 * 16;
    size_t held = node_size(&(*segment)->head);
    size_t room = used + used / 8 + ROOM_STEP;
    if (held > 2 * segment_size(columns, room)) {
        segment_rebuild(segment, columns, room);
    }
}
