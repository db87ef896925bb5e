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

/* The opcode that tells of a register. */
struct place {
    size_t offset;
    size_t previous; /* the opcode before; NONE */
    uint32_t first;  /* its first register */
    struct hll_run run;
};

/* Goes over opcodes of one byte, up to eight, as long as they end before the register. False when
 * there was nothing to go over: an opcode of two bytes, or the one that is sought among the eight.
 */
static inline bool step(const unsigned char *data, struct place *place, uint32_t index)
{
    uint64_t word;
    memcpy(&word, data + place->offset, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    uint64_t values = (word >> 7 & ONES) * 0xff; /* bytes that are value opcodes */
    uint64_t lengths = word & ((~values & ONES * 0x3f) | (values & ONES * 3));
    uint64_t wide = word << 1 & ~word & ONES * 0x80; /* bit 6 without bit 7 */
    uint32_t count = 8;
    if (wide != 0) {
        count = (uint32_t)__builtin_ctzll(wide) / 8;
        if (count == 0) {
            return false;
        }
        lengths &= (UINT64_C(1) << (8 * count)) - 1;
    }
    /* A run is one longer than its opcode says. */
    lengths =
        (lengths & UINT64_C(0x00ff00ff00ff00ff)) + (lengths >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    uint32_t total = (uint32_t)(lengths * UINT64_C(0x0001000100010001) >> 48) + count;
    if (place->first + total > index) {
        return false;
    }
    place->first += total;
    place->offset += count;
    place->previous = place->offset - 1;
    return true;
}

/* False when the opcodes end before. */
static bool find(struct bytes sketch, uint32_t index, struct place *place)
{
    *place = (struct place){.offset = HLL_HEADER_SIZE, .previous = NONE};
    for (;;) {
        while (place->offset + 8 <= sketch.size && step(sketch.data, place, index)) {
        }
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

enum hll_result hll_sparse_test(struct bytes sketch, struct hll_sample sample)
{
    struct place place;
    if (!find(sketch, sample.index, &place)) {
        return HLL_CORRUPT;
    }
    return place.run.value >= sample.value ? HLL_SAME : HLL_RAISED;
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

enum hll_result hll_sparse_raise(unsigned char *sketch, size_t *size, struct hll_sample sample,
                                 size_t size_max)
{
    if (sample.value > VALUE_MAX) {
        return HLL_FULL;
    }
    struct place place;
    if (!find(bytes_make(sketch, *size), sample.index, &place)) {
        return HLL_CORRUPT;
    }
    const struct hll_run *run = &place.run;
    if (run->value >= sample.value) {
        return HLL_SAME;
    }
    /* What is before, the register, what is behind. */
    unsigned char fresh[8];
    unsigned char *end = put_run(fresh, run->value, sample.index - place.first);
    end = put_value(end, sample.value, 1);
    end = put_run(end, run->value, place.first + run->length - 1 - sample.index);
    size_t fresh_size = (size_t)(end - fresh);
    size_t old_size = run->is_wide ? 2 : 1;
    if (fresh_size > old_size && *size + fresh_size - old_size > size_max) {
        return HLL_FULL;
    }
    unsigned char *at = sketch + place.offset;
    memmove(at + fresh_size, at + old_size, *size - place.offset - old_size);
    memcpy(at, fresh, fresh_size);
    *size = *size + fresh_size - old_size;
    join(sketch, size, place.previous == NONE ? HLL_HEADER_SIZE : place.previous);
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
