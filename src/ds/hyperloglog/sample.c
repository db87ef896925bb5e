/* What an element says about a sketch: its hash as a register and a value.
 *
 * On the data path of PFADD. Words are read as little-endian, whatever the machine. */
#include "pollard/ds/hyperloglog.h"

#define SEED UINT64_C(0xadc83b19)
#define MULTIPLIER UINT64_C(0xc6a4a7935bd1e995)
#define INDEX_BITS 14

static uint64_t load_little(const unsigned char *at, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, at, size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* MurmurHash64A, by Austin Appleby, who put it in the public domain: written from its description.
 */
static uint64_t murmur(struct bytes bytes)
{
    uint64_t hash = SEED ^ (bytes.size * MULTIPLIER);
    size_t i = 0;
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word = load_little(bytes.data + i, 8) * MULTIPLIER;
        word ^= word >> 47;
        hash = (hash ^ word * MULTIPLIER) * MULTIPLIER;
    }
    if (i < bytes.size) {
        hash = (hash ^ load_little(bytes.data + i, bytes.size - i)) * MULTIPLIER;
    }
    hash = (hash ^ hash >> 47) * MULTIPLIER;
    return hash ^ hash >> 47;
}

struct hll_sample hll_sample_of(struct bytes element)
{
    uint64_t hash = murmur(element);
    /* The value: which bit above the index is the first that is set; one behind all of them is. */
    uint64_t rest = hash >> INDEX_BITS | UINT64_C(1) << (64 - INDEX_BITS);
    return (struct hll_sample){.index = (uint32_t)(hash & (HLL_REGISTERS - 1)),
                               .value = (uint32_t)__builtin_ctzll(rest) + 1};
}
