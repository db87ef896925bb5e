/* Sets of integers: a sorted array of the narrowest width that holds all of them. */
#include "forms.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* One side is searched for each of the other's integers when it is this many times longer. */
#define GALLOP_FACTOR 32

static uint8_t width_of(int64_t integer)
{
    if (integer >= INT16_MIN && integer <= INT16_MAX) {
        return sizeof(int16_t);
    }
    return integer >= INT32_MIN && integer <= INT32_MAX ? sizeof(int32_t) : sizeof(int64_t);
}

static inline int64_t load(const unsigned char *pack, uint8_t width, uint32_t index)
{
    int16_t narrow;
    int32_t middle;
    int64_t wide;
    const unsigned char *at = pack + (size_t)index * width;
    switch (width) {
    case sizeof(narrow):
        memcpy(&narrow, at, sizeof(narrow));
        return narrow;
    case sizeof(middle):
        memcpy(&middle, at, sizeof(middle));
        return middle;
    default:
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
}

/* The low bytes: a little-endian machine's integers of any width begin with them. */
static void store(unsigned char *at, uint8_t width, int64_t integer)
{
    memcpy(at, &integer, width);
}

int64_t intset_get(const struct collection *set, uint32_t index)
{
    debug_check(index < set->count);
    return load(set->pack, set->form, index);
}

bool intset_find(const struct collection *set, int64_t integer, uint32_t *ret_index)
{
    uint32_t low = 0;
    uint32_t high = set->count;
    /* What grows in order is added at the end. */
    if (high > 0 && integer > load(set->pack, set->form, high - 1)) {
        *ret_index = high;
        return false;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int64_t found = load(set->pack, set->form, middle);
        if (found < integer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_index = low;
    return low < set->count && load(set->pack, set->form, low) == integer;
}

/* The same integers with another width. */
static void widen(struct collection **set, uint8_t width)
{
    uint32_t count = (*set)->count;
    uint8_t old = (*set)->form;
    size_t size = (size_t)count * width;
    (void)small_open(set, (*set)->size, size - (*set)->size);
    for (uint32_t i = count; i > 0; i--) {
        int64_t integer = load((*set)->pack, old, i - 1);
        store((*set)->pack + (size_t)(i - 1) * width, width, integer);
    }
    (*set)->form = width;
}

void intset_insert(struct collection **set, uint32_t index, int64_t integer)
{
    uint8_t width = width_of(integer);
    if ((*set)->count == 0) {
        (*set)->form = width;
    } else if (width > (*set)->form) {
        widen(set, width);
    }
    width = (*set)->form;
    store(small_open(set, (size_t)index * width, width), width, integer);
    (*set)->count++;
}

void intset_remove(struct collection **set, uint32_t index)
{
    uint8_t width = (*set)->form;
    (*set)->count--;
    small_close(set, (size_t)index * width, width);
}

/* Few against many: each is searched for. */
static uint32_t intersect_search(const struct collection *few, const struct collection *many,
                                 uint32_t limit, int64_t *out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < few->count && found < limit; i++) {
        uint32_t index;
        int64_t integer = intset_get(few, i);
        if (intset_find(many, integer, &index)) {
            if (out != NULL) {
                out[found] = integer;
            }
            found++;
        }
    }
    return found;
}

/* All integers of a set, as 64 bits. The loops over one width are what compilers vectorise. */
static int64_t *spread(const struct collection *set)
{
    int64_t *integers = mem_alloc((size_t)set->count * sizeof(*integers));
    const unsigned char *pack = set->pack;
    uint32_t count = set->count;
    if (set->form == sizeof(int16_t)) {
        for (uint32_t i = 0; i < count; i++) {
            integers[i] = load(pack, sizeof(int16_t), i);
        }
    } else if (set->form == sizeof(int32_t)) {
        for (uint32_t i = 0; i < count; i++) {
            integers[i] = load(pack, sizeof(int32_t), i);
        }
    } else {
        memcpy(integers, pack, (size_t)count * sizeof(*integers));
    }
    return integers;
}

/* A merge without branches on the data: the places go on by the comparisons. */
static uint32_t intersect_merge(const struct collection *a, const struct collection *b,
                                uint32_t limit, int64_t *out)
{
    int64_t *left = spread(a);
    int64_t *right = spread(b);
    uint32_t i = 0;
    uint32_t k = 0;
    uint32_t found = 0;
    while (i < a->count && k < b->count && found < limit) {
        int64_t x = left[i];
        int64_t y = right[k];
        if (out != NULL) {
            out[found] = x;
        }
        found += x == y;
        i += x <= y;
        k += y <= x;
    }
    mem_free(left);
    mem_free(right);
    return found;
}

uint32_t intset_intersect(const struct collection *a, const struct collection *b, uint32_t limit,
                          int64_t *out)
{
    const struct collection *few = a->count <= b->count ? a : b;
    const struct collection *many = few == a ? b : a;
    if (few->count == 0) {
        return 0;
    }
    if (many->count / few->count >= GALLOP_FACTOR) {
        return intersect_search(few, many, limit, out);
    }
    return intersect_merge(few, many, limit, out);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are cut to their low bytes");
