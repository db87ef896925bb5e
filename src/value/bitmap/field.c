/* Integers of any width at any bit of a string.
 *
 * On the data path of BITFIELD. A field covers at most nine bytes. */
#include "pollard/base/number.h"
#include "pollard/value/bitmap.h"

static uint64_t width_mask(uint32_t bits)
{
    return UINT64_MAX >> (64 - bits);
}

int64_t bitmap_field_get(struct bytes bytes, const struct bitmap_field *field)
{
    uint64_t first = field->offset / 8;
    uint32_t skipped = (uint32_t)(field->offset % 8);
    uint32_t count = (skipped + field->bits + 7) / 8;
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t byte = first + i < bytes.size ? bytes.data[first + i] : 0;
        uint32_t end = (i + 1) * 8; /* bits up to here, from the first byte's beginning */
        uint32_t wanted = skipped + field->bits;
        value = end <= wanted ? value << 8 | byte
                              : value << (8 - (end - wanted)) | byte >> (end - wanted);
    }
    value &= width_mask(field->bits);
    if (field->is_signed && (value >> (field->bits - 1) & 1) != 0) {
        value |= ~width_mask(field->bits);
    }
    return (int64_t)value;
}

void bitmap_field_set(unsigned char *data, const struct bitmap_field *field, int64_t value)
{
    uint64_t first = field->offset / 8;
    uint32_t skipped = (uint32_t)(field->offset % 8);
    uint32_t wanted = skipped + field->bits;
    uint32_t count = (wanted + 7) / 8;
    uint64_t left = (uint64_t)value & width_mask(field->bits);
    /* From the last byte to the first. */
    for (uint32_t i = count; i-- > 0;) {
        uint32_t low = (i + 1) * 8 > wanted ? (i + 1) * 8 - wanted : 0; /* not ours below */
        uint32_t mask = i == 0 ? 0xffu >> skipped : 0xffu;
        mask &= 0xffu << low;
        unsigned char *byte = data + first + i;
        *byte = (unsigned char)((*byte & ~mask) | ((uint32_t)(left << low) & mask));
        left >>= 8 - low;
    }
}

/* What a field holds after an overflow upwards or downwards. False: nothing, the mode is to fail.
 */
static bool overflow(const struct bitmap_field *field, enum bitmap_overflow mode, uint64_t wrapped,
                     int64_t limit, int64_t *ret_sum)
{
    if (mode == BITMAP_FAIL) {
        return false;
    }
    if (mode == BITMAP_SATURATE) {
        *ret_sum = limit;
        return true;
    }
    uint64_t mask = width_mask(field->bits);
    wrapped &= mask;
    if (field->is_signed && (wrapped >> (field->bits - 1) & 1) != 0) {
        wrapped |= ~mask;
    }
    *ret_sum = (int64_t)wrapped;
    return true;
}

bool bitmap_field_add(const struct bitmap_field *field, enum bitmap_overflow mode, int64_t value,
                      int64_t increment, int64_t *ret_sum)
{
    uint64_t wrapped = (uint64_t)value + (uint64_t)increment;
    int64_t max = (int64_t)(width_mask(field->bits) >> (field->is_signed ? 1 : 0));
    int64_t min = field->is_signed ? -max - 1 : 0;
    if (!field->is_signed && value < 0) {
        return overflow(field, mode, wrapped, max, ret_sum);
    }
    int64_t sum;
    bool is_far = !number_add_i64(value, increment, &sum);
    bool is_above = is_far ? increment > 0 : sum > max;
    bool is_below = is_far ? increment < 0 : sum < min;
    /* So far below that the distance to the top overflows: above it, for Redis and so for us. */
    if (is_below && increment == 0 && value < max - INT64_MAX) {
        is_above = true;
    }
    if (is_above || is_below) {
        return overflow(field, mode, wrapped, is_above ? max : min, ret_sum);
    }
    *ret_sum = sum;
    return true;
}
