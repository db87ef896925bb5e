/* HyperLogLog sketches in Redis's published format: the number of different elements that were
 * added, within about 0.81 %, in at most 12 KB. Pure: bytes in, bytes out; any thread.
 *
 *   0     4     5        8                 16
 *   +-----+-----+--------+-----------------+------------------------------
 *   |HYLL | enc | unused | cached estimate | dense: 16384 registers of 6 bits
 *   +-----+-----+--------+-----------------+ sparse: opcodes (below)
 *
 * The estimate is little-endian; its highest bit says that it is stale. Registers are packed from
 * the lowest bit of the first byte on. Opcodes of the sparse form, which together tell of all
 * registers: 00xxxxxx x+1 zeroes; 01xxxxxx yyyyyyyy xy+1 zeroes; 1vvvvvxx x+1 times the value v+1.
 *
 * Clients can store what they like under a key: everything here checks its bounds, and says so
 * when the opcodes do not add up. */
#ifndef POLLARD_DS_HYPERLOGLOG_H
#define POLLARD_DS_HYPERLOGLOG_H

#include "pollard/base/bytes.h"

#define HLL_REGISTERS 16384
#define HLL_HEADER_SIZE ((size_t)16)
#define HLL_DENSE_SIZE (HLL_HEADER_SIZE + HLL_REGISTERS / 4 * 3)
/* A new sketch: one opcode of two bytes. */
#define HLL_EMPTY_SIZE (HLL_HEADER_SIZE + 2)
/* A longer sparse one cannot be right: at most two bytes a register. */
#define HLL_SPARSE_SIZE_MAX (HLL_HEADER_SIZE + (size_t)HLL_REGISTERS * 2)
/* How much longer a sparse one may get by one sample. */
#define HLL_SPARSE_GROWTH ((size_t)4)

enum hll_encoding { HLL_DENSE = 0, HLL_SPARSE = 1 };

/* What an element says: a register, and the value that it has at least. */
struct hll_sample {
    uint32_t index; /* 0 .. HLL_REGISTERS - 1 */
    uint32_t value; /* 1 .. 51 */
};

enum hll_result {
    HLL_SAME,   /* nothing to be changed */
    HLL_RAISED, /* a register has a higher value now */
    HLL_FULL,   /* nothing was changed: it must be dense for that */
    HLL_CORRUPT /* nothing was changed: the opcodes are wrong */
};

/* O(size). Source: MurmurHash64A, seed 0xadc83b19; 14 bits of it are the index. */
struct hll_sample hll_sample_of(struct bytes element);

/* ---- Any sketch ---- */

/* Does it begin as a sketch must (and has a dense one its size)? The rest is for who needs these.
 */
bool hll_is_valid(struct bytes sketch);
enum hll_encoding hll_encoding_of(struct bytes sketch);
/* The cached estimate; false when it is stale. */
bool hll_cached(struct bytes sketch, uint64_t *ret_count);
void hll_cache(unsigned char *sketch, uint64_t count);
void hll_uncache(unsigned char *sketch);
/* An empty sparse sketch into out (HLL_EMPTY_SIZE bytes). */
void hll_make_empty(unsigned char *out);

/* The estimate. False when it is corrupt. O(size), some microseconds. */
bool hll_count(struct bytes sketch, uint64_t *ret_count);

/* Registers one a byte, as several sketches are merged in. */
struct hll_registers {
    uint8_t values[HLL_REGISTERS];
};
/* Raises the registers to the sketch's. False when it is corrupt. O(size). */
bool hll_merge(struct hll_registers *registers, struct bytes sketch);
uint64_t hll_count_registers(const struct hll_registers *registers);

/* ---- Dense ones: sketch has HLL_DENSE_SIZE bytes ---- */

uint32_t hll_dense_get(const unsigned char *sketch, uint32_t index);
/* HLL_SAME or HLL_RAISED. Leaves the cached estimate. O(1). */
enum hll_result hll_dense_raise(unsigned char *sketch, struct hll_sample sample);
/* Raises all registers to those of a merge. */
void hll_dense_raise_all(unsigned char *sketch, const struct hll_registers *registers);

/* ---- Sparse ones ---- */

/* One opcode. */
struct hll_run {
    uint32_t value; /* 0: zeroes */
    uint32_t length;
    bool is_wide; /* of two bytes */
};
/* The opcode that tells of a register. */
struct hll_place {
    size_t offset;
    size_t previous; /* the opcode before; SIZE_MAX */
    uint32_t first;  /* its first register */
    struct hll_run run;
};

/* Would the sample change anything, and where? HLL_SAME, HLL_RAISED, HLL_CORRUPT. O(size), eight
 * bytes at once. */
enum hll_result hll_sparse_find(struct bytes sketch, struct hll_sample sample,
                                struct hll_place *ret_place);
/* Raises the register at the place where hll_sparse_find said HLL_RAISED, in the same bytes. *size
 * changes; there is room for HLL_SPARSE_GROWTH more. HLL_RAISED; HLL_FULL when the value cannot be
 * said, or more than size_max bytes would be needed. Leaves the cached estimate. */
enum hll_result hll_sparse_raise_at(unsigned char *sketch, size_t *size, struct hll_sample sample,
                                    const struct hll_place *place, size_t size_max);
/* Both in one. */
enum hll_result hll_sparse_raise(unsigned char *sketch, size_t *size, struct hll_sample sample,
                                 size_t size_max);
/* All registers of a merge, one after the other, as far as it goes: HLL_RAISED when all are,
 * HLL_FULL when it must be dense for the rest, HLL_CORRUPT. */
enum hll_result hll_sparse_raise_all(unsigned char *sketch, size_t *size,
                                     const struct hll_registers *registers, size_t size_max);
/* The dense form, header included, into out (HLL_DENSE_SIZE bytes). False when it is corrupt. */
bool hll_sparse_to_dense(struct bytes sketch, unsigned char *out);

/* The run at *offset (HLL_HEADER_SIZE at first), which is moved behind it. False at the end, or
 * where the last opcode lacks its second byte. */
bool hll_sparse_next(struct bytes sketch, size_t *offset, struct hll_run *ret_run);

#endif
