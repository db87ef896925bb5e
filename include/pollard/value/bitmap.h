/* Operations on strings as arrays of bits: bit 0 is the highest bit of the first byte. Pure: they
 * see neither keys nor locks and allocate nothing. All but the first two are for any thread and
 * take time in proportion to the bytes they touch. */
#ifndef POLLARD_VALUE_BITMAP_H
#define POLLARD_VALUE_BITMAP_H

#include "pollard/base/bytes.h"

/* The bit at offset; false beyond the end. O(1). */
bool bitmap_get(struct bytes bytes, uint64_t offset);
/* Sets the bit, which must be within data; returns what it was. O(1). */
bool bitmap_set(unsigned char *data, uint64_t offset, bool bit);

/* Bits first .. last; both count. Empty when first > last. */
struct bitmap_range {
    uint64_t first;
    uint64_t last;
};

/* Which bits of a string of that many bytes start .. end names, in units of unit_bits bits (1 or
 * 8): both ends count, negative ones from the end of the string. False when it is nothing. */
bool bitmap_range_of(size_t size, int64_t start, int64_t end, uint32_t unit_bits,
                     struct bitmap_range *ret_range);

/* How many bits are set. */
uint64_t bitmap_count(struct bytes bytes);
/* The same of a range that is within bytes. */
uint64_t bitmap_count_range(struct bytes bytes, struct bitmap_range range);

/* The offset of the first such bit of a range that is within bytes; -1 when there is none. */
int64_t bitmap_position(struct bytes bytes, bool bit, struct bitmap_range range);

/* ---- Several bitmaps into one ---- */

enum bitmap_operation {
    BITMAP_AND,
    BITMAP_OR,
    BITMAP_XOR,
    BITMAP_NOT,   /* of the one source */
    BITMAP_DIFF,  /* of the first, what no other has */
    BITMAP_DIFF1, /* what others have and the first has not */
    BITMAP_ANDOR, /* of the first, what any other has too */
    BITMAP_ONE    /* what exactly one source has */
};

/* Writes bytes offset .. offset + size - 1 of the result to out + offset. Sources count >= 1; those
 * that end earlier are followed by zeroes. */
struct bitmap_sources {
    const struct bytes *items;
    size_t count;
};
void bitmap_combine(enum bitmap_operation operation, const struct bitmap_sources *sources,
                    size_t offset, size_t size, unsigned char *out);

/* ---- Fields: integers of any width at any bit ---- */

struct bitmap_field {
    uint64_t offset; /* of its highest bit */
    uint8_t bits;    /* signed: 1 .. 64; unsigned: 1 .. 63 */
    bool is_signed;
};

/* The field's value; bits beyond the end are zero. */
int64_t bitmap_field_get(struct bytes bytes, const struct bitmap_field *field);
/* Writes the low bits of value; the field must be within data. */
void bitmap_field_set(unsigned char *data, const struct bitmap_field *field, int64_t value);

enum bitmap_overflow { BITMAP_WRAP, BITMAP_SATURATE, BITMAP_FAIL };
/* value + increment as the field can hold it. False: it overflows, and mode is BITMAP_FAIL. value
 * as bitmap_field_get told it, or any number with an increment of 0. An unsigned field takes a
 * negative value as too large, as Redis does. */
bool bitmap_field_add(const struct bitmap_field *field, enum bitmap_overflow mode, int64_t value,
                      int64_t increment, int64_t *ret_sum);

#endif
