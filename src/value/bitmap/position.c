/* Single bits, ranges of them, and the search for the first one.
 *
 * On the data path of GETBIT, SETBIT and BITPOS. */
#include "pollard/value/bitmap.h"

bool bitmap_get(struct bytes bytes, uint64_t offset)
{
    uint64_t byte = offset / 8;
    return byte < bytes.size && (bytes.data[byte] >> (7 - offset % 8) & 1) != 0;
}

bool bitmap_set(unsigned char *data, uint64_t offset, bool bit)
{
    unsigned char *byte = data + offset / 8;
    uint32_t shift = 7 - (uint32_t)(offset % 8);
    bool old = (*byte >> shift & 1) != 0;
    *byte = (unsigned char)((*byte & ~(1u << shift)) | (uint32_t)bit << shift);
    return old;
}

bool bitmap_range_of(size_t size, int64_t start, int64_t end, uint32_t unit_bits,
                     struct bitmap_range *ret_range)
{
    int64_t count = (int64_t)(size * 8 / unit_bits);
    start = start < 0 ? start + count : start;
    end = end < 0 ? end + count : end;
    start = start < 0 ? 0 : start;
    end = end < 0 ? 0 : end;
    end = end >= count ? count - 1 : end;
    if (start > end) {
        return false;
    }
    *ret_range = (struct bitmap_range){.first = (uint64_t)start * unit_bits,
                                       .last = ((uint64_t)end + 1) * unit_bits - 1};
    return true;
}

/* Words looked at at once: the compiler makes vectors of them. */
#define BLOCK_WORDS 32
/* So far ahead memory is asked for: the machine itself looks ahead within a page only. */
#define PREFETCH_AHEAD 2048

/* Is every byte of the block the filler? filler: 8 times that byte. */
static bool block_is_filled(const unsigned char *data, uint64_t filler)
{
    uint64_t words[BLOCK_WORDS];
    memcpy(words, data, sizeof(words));
    for (uint32_t line = 0; line < sizeof(words); line += 64) {
        __builtin_prefetch(data + PREFETCH_AHEAD + line);
    }
    uint64_t others = 0;
    for (uint32_t i = 0; i < BLOCK_WORDS; i++) {
        others |= words[i] ^ filler;
    }
    return others == 0;
}

/* The first byte that is not the filler; the size when all are. */
static size_t skip_filler(struct bytes bytes, uint64_t filler)
{
    size_t i = 0;
    while (i + BLOCK_WORDS * 8 <= bytes.size && block_is_filled(bytes.data + i, filler)) {
        i += BLOCK_WORDS * 8;
    }
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes.data + i, sizeof(word));
        if (word != filler) {
            break;
        }
    }
    while (i < bytes.size && bytes.data[i] == (unsigned char)filler) {
        i++;
    }
    return i;
}

int64_t bitmap_position(struct bytes bytes, bool bit, struct bitmap_range range)
{
    if (range.first > range.last) {
        return -1;
    }
    size_t first = (size_t)(range.first / 8);
    size_t last = (size_t)(range.last / 8);
    uint32_t flip = bit ? 0 : 0xff; /* What is sought is a 1 in a flipped byte. */
    uint32_t byte = (bytes.data[first] ^ flip) & (0xffu >> (range.first % 8));
    if (byte == 0 && first < last) {
        uint64_t filler = bit ? 0 : UINT64_MAX;
        first += 1 + skip_filler(bytes_make(bytes.data + first + 1, last - first), filler);
        byte = first > last ? 0 : bytes.data[first] ^ flip;
    }
    if (byte == 0) {
        return -1;
    }
    uint64_t offset = (uint64_t)first * 8 + (uint64_t)__builtin_clz(byte) - 24;
    return offset <= range.last ? (int64_t)offset : -1;
}
