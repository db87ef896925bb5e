/* Conversions of sets, and what a large one has to do for collection.c. A conversion is bounded by
 * the thresholds of the small forms. */
#include "forms.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

static struct collection *large_create(const struct hash_secret *secret)
{
    struct collection *set = mem_alloc(sizeof(*set) + sizeof(struct set_large));
    *set = (struct collection){.type = VALUE_SET, .encoding = ENCODING_HASHTABLE, .is_large = 1};
    atomic_init(&set->refs, 1);
    map_init(&set_large_of(set)->members, MAP_NAMES, secret);
    return set;
}

void set_to_listpack(struct collection **set)
{
    struct collection *old = *set;
    struct collection *fresh = small_create(VALUE_SET, ENCODING_LISTPACK, (size_t)old->count * 4);
    for (uint32_t i = 0; i < old->count; i++) {
        struct item item = item_of_integer(intset_get(old, i));
        (void)item_pack(&item, small_open(&fresh, fresh->size, item_packed_size(&item)));
    }
    fresh->count = old->count;
    collection_release(old);
    *set = fresh;
}

void set_to_large(struct collection **set, const struct value_limits *limits)
{
    struct collection *old = *set;
    struct collection *fresh = large_create(limits->secret);
    struct collection_cursor cursor;
    struct element element;
    collection_cursor_begin(&cursor, old, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        const struct map_record record = {.name = element.member};
        (void)map_put(&set_large_of(fresh)->members, &record);
    }
    collection_release(old);
    *set = fresh;
}

/* ---- For collection.c ---- */

static struct collection *copy(const struct collection *set)
{
    const struct set_large *from = set_large_of(set);
    struct collection *fresh = large_create(from->members.secret);
    map_copy(&from->members, &set_large_of(fresh)->members);
    return fresh;
}

static void release(struct collection *set)
{
    map_clear(&set_large_of(set)->members);
    mem_free(set);
}

static uint64_t count(const struct collection *set)
{
    return set_large_of(set)->members.count;
}

static size_t memory(const struct collection *set)
{
    return set_large_of(set)->members.bytes;
}

static void cursor_begin(struct collection_cursor *cursor, const struct cursor_start *start)
{
    const struct collection *set = cursor->collection;
    debug_check(start->rank == 0 && !start->is_reverse);
    if (set->is_large) {
        map_cursor_begin(&set_large_of(set)->members, &cursor->in.map);
        return;
    }
    cursor->at = set->pack;
    cursor->left = set->count;
}

static bool cursor_next(struct collection_cursor *cursor, struct element *ret_element)
{
    const struct collection *set = cursor->collection;
    ret_element->value = (struct item){0};
    ret_element->score = 0;
    if (set->is_large) {
        struct map_record record;
        if (!map_next(&cursor->in.map, &record)) {
            return false;
        }
        ret_element->member = record.name;
        return true;
    }
    if (cursor->left == 0) {
        return false;
    }
    if (set_is_intset(set)) {
        uint32_t index = set->count - (uint32_t)cursor->left;
        ret_element->member = item_of_integer(intset_get(set, index));
    } else {
        cursor->at = item_read(cursor->at, &ret_element->member);
    }
    cursor->left--;
    return true;
}

const struct collection_methods set_methods = {
    .copy = copy,
    .free = release,
    .count = count,
    .memory = memory,
    .cursor_begin = cursor_begin,
    .cursor_next = cursor_next,
};
