/* The sparse form: runs of registers as opcodes of one or two bytes (the header draws them).
 *
 * On the data path of PFADD: the way to a register's opcode goes in steps of eight bytes, as long
 * as they are opcodes of one byte each, which most are.
 *
 * What is written is what Redis writes, byte for byte: a run is split in up to three, and then
 * neighbours of the same value are joined, from the opcode before on, five opcodes far. */
#include "sketch.h"

#define ONES UINT64_C(0x0101010101010101)
#define ZERO_MAX 64  /* longest run of one byte */
#define VALUE_MAX 32 /* largest value that can be said */
#define VALUE_RUN_MAX 4
#define JOIN_LOOKS 5
#define NONE SIZE_MAX

static inline bool is_value(unsigned char opcode)
{
    return (opcode & 0x80) != 0;
}

static inline bool is_wide(unsigned char opcode)
{
    return (opcode & 0xc0) == 0x40;
}

/* Of the opcode at at; a second byte, if it has one, is there. */
static inline struct hll_run run_at(const unsigned char *at)
{
    if (is_value(*at)) {
        return (struct hll_run){.value = (*at >> 2 & 0x1f) + 1u, .length = (*at & 3) + 1u};
    }
    if (is_wide(*at)) {
        return (struct hll_run){.length = ((*at & 0x3fu) << 8 | at[1]) + 1u, .is_wide = true};
    }
    return (struct hll_run){.length = (*at & 0x3f) + 1u};
}

bool hll_sparse_next(struct bytes sketch, size_t *offset, struct hll_run *ret_run)
{
    if (*offset >= sketch.size || (is_wide(sketch.data[*offset]) && *offset + 1 >= sketch.size)) {
        return false;
    }
    *ret_run = run_at(sketch.data + *offset);
    *offset += ret_run->is_wide ? 2 : 1;
    return true;
}

/* ---- The way to a register ---- */

/* Where eight bytes begin. */
struct block {
    size_t offset;
    uint32_t first;  /* registers told of before; of a cut opcode, what its first byte says */
    bool is_cut;     /* the byte before is the first of two, and this begins with the second */
    bool after_wide; /* the two bytes before are an opcode */
};

/* The sum of eight bytes. */
static inline uint32_t sum_bytes(uint64_t bytes)
{
    const uint64_t mask = UINT64_C(0x00ff00ff00ff00ff);
    bytes = (bytes & mask) + (bytes >> 8 & mask);
    return (uint32_t)(bytes * UINT64_C(0x0001000100010001) >> 48);
}

/* 0xff for each byte whose highest bit is set in bits, which has no others. */
static inline uint64_t widen(uint64_t bits)
{
    return (bits - (bits >> 7)) | bits;
}

/* The registers that eight bytes tell of, without a branch. Which bytes that look like the first of
 * two are so: of each row of them the first, third, ...; rows are told apart by a carry that runs
 * through those which begin at an even byte. The row at the beginning is one off in a cut block:
 * that comes last, so that a block need not wait long for the one before. */
static inline uint32_t block_registers(const unsigned char *data, struct block *block)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t word;
    memcpy(&word, data + block->offset, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    uint64_t cut = UINT64_C(0) - block->is_cut;
    uint64_t wide = widen(word << 1 & ~word & ONES * 0x80); /* bit 6 without bit 7 */
    uint64_t starts = wide & ~(wide << 8) & even & ONES;
    uint64_t even_rows = wide & ~(wide + starts);
    uint64_t first_row = wide & ~(wide + 1);
    uint64_t firsts = (wide & (even_rows ^ ~even)) ^ (first_row & cut);
    uint64_t seconds = firsts << 8 | (cut & 0xff);
    uint64_t values = widen(word & ONES * 0x80);
    /* Lengths as opcodes say them: one less. */
    uint64_t lengths = word & (seconds | (~firsts & ONES * 0x3f & ~(values & ONES * 0x3c)));
    uint32_t total = sum_bytes(lengths) + (sum_bytes(word & firsts & ONES * 0x3f) << 8);
    block->after_wide = seconds >> 63 != 0;
    block->is_cut = firsts >> 63 != 0;
    return total + 8 - (uint32_t)((seconds & ONES) * ONES >> 56);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The same for two blocks at once, as lanes of a vector. */
typedef uint64_t lanes __attribute__((vector_size(16)));

static inline lanes widen_lanes(lanes bits)
{
    return (bits - (bits >> 7)) | bits;
}

/* Adds the registers of 16 bytes to *first, and leaves in block what is so behind them. False when
 * that would take more: a block that looks all like firsts can turn the next one around. */
static inline bool pair_registers(const unsigned char *data, struct block *block)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    const uint64_t halves = UINT64_C(0x0000ffff0000ffff);
    lanes word;
    memcpy(&word, data + block->offset, sizeof(word));
    lanes wide = widen_lanes(word << 1 & ~word & ONES * 0x80);
    lanes first_row = wide & ~(wide + 1);
    if (UNLIKELY((first_row[0] | first_row[1]) >> 63 != 0)) {
        return false;
    }
    lanes starts = wide & ~(wide << 8) & (even & ONES);
    lanes even_rows = wide & ~(wide + starts);
    lanes firsts = wide & (even_rows ^ ~even);
    const lanes cut = {UINT64_C(0) - block->is_cut, UINT64_C(0) - (firsts[0] >> 63)};
    firsts ^= first_row & cut;
    lanes seconds = firsts << 8 | (cut & 0xff);
    lanes values = widen_lanes(word & ONES * 0x80);
    lanes lengths = word & (seconds | (~firsts & ONES * 0x3f & ~(values & ONES * 0x3c)));
    lanes highs = word & firsts & ONES * 0x3f;
    /* Two bytes, then four, then all: at most 63 * 256 of two, of which one at most is a first. */
    lanes total = (lengths & even) + (lengths >> 8 & even);
    total += ((highs & even) | (highs >> 8 & even)) << 8;
    total += UINT64_C(0x0002000200020002);
    total -= ((seconds & ONES) + (seconds >> 8 & ONES)) & even;
    total = (total & halves) + (total >> 16 & halves);
    total += total >> 32;
    block->first += (uint32_t)total[0] + (uint32_t)total[1];
    block->offset += sizeof(word);
    block->after_wide = seconds[1] >> 63 != 0;
    block->is_cut = firsts[1] >> 63 != 0;
    return true;
}
#else
static inline bool pair_registers(const unsigned char *data, struct block *block)
{
    (void)data;
    (void)block;
    return false;
}
#endif

/* The place of the first opcode that begins in a block. */
static inline void place_in_block(const unsigned char *data, const struct block *block,
                                  struct hll_place *place)
{
    place->offset = block->offset;
    place->first = block->first;
    if (block->is_cut) {
        place->previous = block->offset - 1;
        place->first += data[block->offset];
        place->offset++;
    } else if (block->offset == HLL_HEADER_SIZE) {
        place->previous = NONE;
    } else {
        place->previous = block->offset - (block->after_wide ? 2 : 1);
    }
}

/* Goes on opcode by opcode. False when they end before. */
static bool walk(struct bytes sketch, uint32_t index, struct hll_place *place)
{
    for (;;) {
        size_t next = place->offset;
        if (!hll_sparse_next(sketch, &next, &place->run)) {
            return false;
        }
        if (place->first + place->run.length > index) {
            return true;
        }
        place->first += place->run.length;
        place->previous = place->offset;
        place->offset = next;
    }
}

/* False when the opcodes end before. */
static bool find(struct bytes sketch, uint32_t index, struct hll_place *place)
{
    struct block before = {.offset = HLL_HEADER_SIZE};
    struct block block = before;
    struct block next = block;
    while (block.offset + 16 <= sketch.size && pair_registers(sketch.data, &next) &&
           next.first <= index) {
        before = block;
        block = next;
    }
    while (block.offset + 8 <= sketch.size) {
        next = block;
        next.first += block_registers(sketch.data, &next);
        if (next.first > index) {
            break;
        }
        next.offset += 8;
        before = block;
        block = next;
    }
    /* A cut opcode may be the one: it begins in the block before. */
    place_in_block(sketch.data, block.is_cut ? &before : &block, place);
    return walk(sketch, index, place);
}

enum hll_result hll_sparse_find(struct bytes sketch, struct hll_sample sample,
                                struct hll_place *ret_place)
{
    if (!find(sketch, sample.index, ret_place)) {
        return HLL_CORRUPT;
    }
    return ret_place->run.value >= sample.value ? HLL_SAME : HLL_RAISED;
}

/* ---- Changes ---- */

static unsigned char *put_zeroes(unsigned char *at, uint32_t length)
{
    if (length > ZERO_MAX) {
        *at++ = (unsigned char)(0x40 | (length - 1) >> 8);
    }
    if (length > 0) {
        *at++ = (unsigned char)(length - 1);
    }
    return at;
}

static unsigned char *put_value(unsigned char *at, uint32_t value, uint32_t length)
{
    if (length > 0) {
        *at++ = (unsigned char)(0x80 | (value - 1) << 2 | (length - 1));
    }
    return at;
}

static unsigned char *put_run(unsigned char *at, uint32_t value, uint32_t length)
{
    return value == 0 ? put_zeroes(at, length) : put_value(at, value, length);
}

/* Joins value runs of the same value from offset on. */
static void join(unsigned char *sketch, size_t *size, size_t offset)
{
    for (uint32_t looks = 0; looks < JOIN_LOOKS && offset < *size; looks++) {
        unsigned char *at = sketch + offset;
        if (!is_value(*at)) {
            offset += is_wide(*at) ? 2 : 1;
            continue;
        }
        if (offset + 1 < *size && is_value(at[1])) {
            struct hll_run left = run_at(at);
            struct hll_run right = run_at(at + 1);
            uint32_t length = left.length + right.length;
            if (left.value == right.value && length <= VALUE_RUN_MAX) {
                (void)put_value(at + 1, left.value, length);
                memmove(at, at + 1, *size - offset - 1);
                *size -= 1;
                continue;
            }
        }
        offset++;
    }
}

enum hll_result hll_sparse_raise_at(unsigned char *sketch, size_t *size, struct hll_sample sample,
                                    const struct hll_place *place, size_t size_max)
{
    if (sample.value > VALUE_MAX) {
        return HLL_FULL;
    }
    const struct hll_run *run = &place->run;
    /* What is before, the register, what is behind. */
    unsigned char fresh[8];
    unsigned char *end = put_run(fresh, run->value, sample.index - place->first);
    end = put_value(end, sample.value, 1);
    end = put_run(end, run->value, place->first + run->length - 1 - sample.index);
    size_t fresh_size = (size_t)(end - fresh);
    size_t old_size = run->is_wide ? 2 : 1;
    if (fresh_size > old_size && *size + fresh_size - old_size > size_max) {
        return HLL_FULL;
    }
    unsigned char *at = sketch + place->offset;
    memmove(at + fresh_size, at + old_size, *size - place->offset - old_size);
    memcpy(at, fresh, fresh_size);
    *size = *size + fresh_size - old_size;
    join(sketch, size, place->previous == NONE ? HLL_HEADER_SIZE : place->previous);
    return HLL_RAISED;
}

enum hll_result hll_sparse_raise(unsigned char *sketch, size_t *size, struct hll_sample sample,
                                 size_t size_max)
{
    struct hll_place place;
    enum hll_result result = hll_sparse_find(bytes_make(sketch, *size), sample, &place);
    return result == HLL_RAISED ? hll_sparse_raise_at(sketch, size, sample, &place, size_max)
                                : result;
}

enum hll_result hll_sparse_raise_all(unsigned char *sketch, size_t *size,
                                     const struct hll_registers *registers, size_t size_max)
{
    /* The opcode before the last place begins where it did, whatever was joined: from there the way
     * is short. Only if it is the one that is sought, what is before it is not known. */
    struct hll_place last = {.offset = HLL_HEADER_SIZE, .previous = NONE};
    for (uint32_t index = 0; index < HLL_REGISTERS; index++) {
        const struct hll_sample sample = {.index = index, .value = registers->values[index]};
        if (sample.value == 0) {
            continue;
        }
        struct bytes sketch_bytes = bytes_make(sketch, *size);
        struct hll_place place = last;
        bool is_found = walk(sketch_bytes, index, &place) &&
                        (place.offset != last.offset || place.offset == HLL_HEADER_SIZE);
        if (!is_found && !find(sketch_bytes, index, &place)) {
            return HLL_CORRUPT;
        }
        if (place.previous != NONE) {
            last.offset = place.previous;
            last.first = place.first - run_at(sketch + place.previous).length;
        }
        if (place.run.value < sample.value &&
            hll_sparse_raise_at(sketch, size, sample, &place, size_max) == HLL_FULL) {
            return HLL_FULL;
        }
    }
    return HLL_RAISED;
}

/* ---- Whole sketches ---- */

bool sparse_histogram(struct bytes sketch, struct histogram *histogram)
{
    size_t offset = HLL_HEADER_SIZE;
    uint64_t registers = 0;
    struct hll_run run;
    while (hll_sparse_next(sketch, &offset, &run) && registers <= HLL_REGISTERS) {
        histogram->counts[run.value] += run.length;
        registers += run.length;
    }
    return registers == HLL_REGISTERS && offset == sketch.size;
}

bool sparse_merge(struct hll_registers *registers, struct bytes sketch)
{
    size_t offset = HLL_HEADER_SIZE;
    uint32_t index = 0;
    struct hll_run run;
    while (hll_sparse_next(sketch, &offset, &run)) {
        if (run.length > HLL_REGISTERS - index) {
            return false;
        }
        for (uint32_t i = 0; run.value > 0 && i < run.length; i++) {
            uint8_t *value = &registers->values[index + i];
            *value = run.value > *value ? (uint8_t)run.value : *value;
        }
        index += run.length;
    }
    return index == HLL_REGISTERS && offset == sketch.size;
}

bool hll_sparse_to_dense(struct bytes sketch, unsigned char *out)
{
    struct hll_registers registers = {{0}};
    if (!sparse_merge(&registers, sketch)) {
        return false;
    }
    /* The cached estimate goes along. */
    memcpy(out, sketch.data, HLL_HEADER_SIZE);
    out[4] = HLL_DENSE;
    memset(out + HLL_HEADER_SIZE, 0, HLL_DENSE_SIZE - HLL_HEADER_SIZE);
    hll_dense_raise_all(out, &registers);
    return true;
}
