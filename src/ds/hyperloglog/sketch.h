/* What the files of HyperLogLog share. */
#ifndef POLLARD_HYPERLOGLOG_SKETCH_H
#define POLLARD_HYPERLOGLOG_SKETCH_H

#include "pollard/ds/hyperloglog.h"

/* How many registers have each value; those above 51 cannot be, but foreign bytes say them. */
struct histogram {
    uint32_t counts[64];
};

/* Source: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017. */
uint64_t histogram_estimate(const struct histogram *histogram);

void dense_histogram(const unsigned char *sketch, struct histogram *histogram);
void dense_merge(struct hll_registers *registers, const unsigned char *sketch);

/* False when the opcodes do not tell of exactly all registers. */
bool sparse_histogram(struct bytes sketch, struct histogram *histogram);
bool sparse_merge(struct hll_registers *registers, struct bytes sketch);

#endif
