/* The dense form: 16384 registers of 6 bits, from the lowest bit of the first byte on.
 *
 * On the data path of PFADD, PFCOUNT and PFMERGE. Eight registers are six bytes: they are taken and
 * put as one word. */
#include "sketch.h"

#define GROUP_REGISTERS 8
#define GROUP_SIZE 6
#define VALUE_MASK 63u

/* The six bytes at `at` as a number: one load, of the two bytes before too, which are at least the
 * header's. */
static inline uint64_t load_group(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at - (sizeof(word) - GROUP_SIZE), sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word >> 8 * (sizeof(word) - GROUP_SIZE);
}

static inline void store_group(unsigned char *at, uint64_t word)
{
    uint32_t low = (uint32_t)word;
    uint16_t high = (uint16_t)(word >> 32);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    low = __builtin_bswap32(low);
    high = __builtin_bswap16(high);
#endif
    memcpy(at, &low, sizeof(low));
    memcpy(at + sizeof(low), &high, sizeof(high));
}

/* Eight times six bits to eight bytes, the first to the lowest. */
static inline uint64_t spread(uint64_t word)
{
    word = (word & UINT64_C(0xffffff)) | (word & UINT64_C(0xffffff000000)) << 8;
    word = (word & UINT64_C(0x00000fff00000fff)) | (word & UINT64_C(0x00fff00000fff000)) << 4;
    return (word & UINT64_C(0x003f003f003f003f)) | (word & UINT64_C(0x0fc00fc00fc00fc0)) << 2;
}

/* The way back. */
static inline uint64_t gather(uint64_t word)
{
    word = (word & UINT64_C(0x003f003f003f003f)) | (word & UINT64_C(0x3f003f003f003f00)) >> 2;
    word = (word & UINT64_C(0x00000fff00000fff)) | (word & UINT64_C(0x0fff00000fff0000)) >> 4;
    return (word & UINT64_C(0xffffff)) | (word & UINT64_C(0xffffff00000000)) >> 8;
}

/* The register's first byte and its shift; a register is within two bytes. */
static inline uint32_t load_pair(const unsigned char *sketch, uint32_t index, size_t *ret_at,
                                 uint32_t *ret_shift)
{
    size_t bit = (size_t)index * 6;
    *ret_at = HLL_HEADER_SIZE + bit / 8;
    *ret_shift = (uint32_t)(bit % 8);
    /* The last register ends with the last byte: there is no second one then. */
    uint32_t high = *ret_at + 1 < HLL_DENSE_SIZE ? sketch[*ret_at + 1] : 0;
    return sketch[*ret_at] | high << 8;
}

uint32_t hll_dense_get(const unsigned char *sketch, uint32_t index)
{
    size_t at;
    uint32_t shift;
    uint32_t pair = load_pair(sketch, index, &at, &shift);
    return pair >> shift & VALUE_MASK;
}

enum hll_result hll_dense_raise(unsigned char *sketch, struct hll_sample sample)
{
    size_t at;
    uint32_t shift;
    uint32_t pair = load_pair(sketch, sample.index, &at, &shift);
    if ((pair >> shift & VALUE_MASK) >= sample.value) {
        return HLL_SAME;
    }
    pair = (pair & ~(VALUE_MASK << shift)) | sample.value << shift;
    sketch[at] = (unsigned char)pair;
    if (shift > 2) {
        sketch[at + 1] = (unsigned char)(pair >> 8);
    }
    return HLL_RAISED;
}

void dense_histogram(const unsigned char *sketch, struct histogram *histogram)
{
    /* One for each place in a group: the same value twice in a row does not wait for itself. */
    uint32_t counts[GROUP_REGISTERS][64] = {{0}};
    for (size_t at = HLL_HEADER_SIZE; at < HLL_DENSE_SIZE; at += GROUP_SIZE) {
        uint64_t word = load_group(sketch + at);
        for (uint32_t k = 0; k < GROUP_REGISTERS; k++) {
            counts[k][word >> (6 * k) & VALUE_MASK]++;
        }
    }
    for (uint32_t value = 0; value < 64; value++) {
        for (uint32_t k = 0; k < GROUP_REGISTERS; k++) {
            histogram->counts[value] += counts[k][value];
        }
    }
}

void dense_merge(struct hll_registers *registers, const unsigned char *sketch)
{
    /* In pieces: unpacked word by word, compared as vectors. */
    uint8_t piece[1024];
    for (uint32_t first = 0; first < HLL_REGISTERS; first += sizeof(piece)) {
        const unsigned char *at = sketch + HLL_HEADER_SIZE + first / 4 * 3;
        for (uint32_t i = 0; i < sizeof(piece); i += GROUP_REGISTERS) {
            uint64_t values = spread(load_group(at + i / 4 * 3));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            values = __builtin_bswap64(values);
#endif
            memcpy(piece + i, &values, sizeof(values));
        }
        uint8_t *values = registers->values + first;
        for (uint32_t i = 0; i < sizeof(piece); i++) {
            values[i] = piece[i] > values[i] ? piece[i] : values[i];
        }
    }
}

void hll_dense_raise_all(unsigned char *sketch, const struct hll_registers *registers)
{
    struct hll_registers merged = *registers;
    dense_merge(&merged, sketch);
    for (uint32_t i = 0; i < HLL_REGISTERS; i += GROUP_REGISTERS) {
        uint64_t values;
        memcpy(&values, merged.values + i, sizeof(values));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        values = __builtin_bswap64(values);
#endif
        store_group(sketch + HLL_HEADER_SIZE + i / 4 * 3, gather(values));
    }
}
