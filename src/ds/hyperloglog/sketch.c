/* The header of a sketch, and what both forms can do. */
#include "sketch.h"

/* Parts of the header. */
#define ENCODING_AT 4
#define ESTIMATE_AT 8
#define STALE 0x80

bool hll_is_valid(struct bytes sketch)
{
    if (sketch.size < HLL_HEADER_SIZE || memcmp(sketch.data, "HYLL", 4) != 0) {
        return false;
    }
    unsigned char encoding = sketch.data[ENCODING_AT];
    return encoding == HLL_SPARSE || (encoding == HLL_DENSE && sketch.size == HLL_DENSE_SIZE);
}

enum hll_encoding hll_encoding_of(struct bytes sketch)
{
    return (enum hll_encoding)sketch.data[ENCODING_AT];
}

bool hll_cached(struct bytes sketch, uint64_t *ret_count)
{
    const unsigned char *at = sketch.data + ESTIMATE_AT;
    if ((at[7] & STALE) != 0) {
        return false;
    }
    uint64_t count = 0;
    for (uint32_t i = 8; i-- > 0;) {
        count = count << 8 | at[i];
    }
    *ret_count = count;
    return true;
}

void hll_cache(unsigned char *sketch, uint64_t count)
{
    for (uint32_t i = 0; i < 8; i++) {
        sketch[ESTIMATE_AT + i] = (unsigned char)(count >> (8 * i));
    }
}

void hll_uncache(unsigned char *sketch)
{
    sketch[ESTIMATE_AT + 7] |= STALE;
}

void hll_make_empty(unsigned char *out)
{
    memset(out, 0, HLL_HEADER_SIZE);
    memcpy(out, "HYLL", 4);
    out[ENCODING_AT] = HLL_SPARSE;
    out[HLL_HEADER_SIZE] = 0x40 | (HLL_REGISTERS - 1) >> 8;
    out[HLL_HEADER_SIZE + 1] = (HLL_REGISTERS - 1) & 0xff;
}

bool hll_merge(struct hll_registers *registers, struct bytes sketch)
{
    if (hll_encoding_of(sketch) == HLL_DENSE) {
        dense_merge(registers, sketch.data);
        return true;
    }
    return sparse_merge(registers, sketch);
}

bool hll_count(struct bytes sketch, uint64_t *ret_count)
{
    struct histogram histogram = {{0}};
    if (hll_encoding_of(sketch) == HLL_DENSE) {
        dense_histogram(sketch.data, &histogram);
    } else if (!sparse_histogram(sketch, &histogram)) {
        return false;
    }
    *ret_count = histogram_estimate(&histogram);
    return true;
}
