/* A histogram of latencies for bench/load: 64 buckets an octave, so a value is off by 1.6 % at
 * most; adding one costs a few instructions and no memory. Header-only: one program uses it. */
#ifndef POLLARD_BENCH_LOAD_HISTOGRAM_H
#define POLLARD_BENCH_LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BITS = 6, HISTOGRAM_STEPS = 1 << HISTOGRAM_BITS, HISTOGRAM_OCTAVES = 59 };

struct histogram {
    uint64_t total;
    uint64_t max;
    uint64_t counts[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
};

/* Values below HISTOGRAM_STEPS have a bucket each; above, the leading bits name the bucket. */
static inline size_t histogram_index(uint64_t value)
{
    if (value < HISTOGRAM_STEPS) {
        return (size_t)value;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
}

/* The largest value that falls into a bucket: a percentile never looks better than it was. */
static inline uint64_t histogram_value(size_t index)
{
    if (index < HISTOGRAM_STEPS) {
        return index;
    }
    unsigned shift = (unsigned)(index >> HISTOGRAM_BITS) - 1;
    uint64_t leading = HISTOGRAM_STEPS + (index & (HISTOGRAM_STEPS - 1));
    return ((leading + 1) << shift) - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->counts[histogram_index(value)]++;
    h->total++;
    if (value > h->max) {
        h->max = value;
    }
}

/* The value below which a share (0 to 1) of all lies. */
static inline uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)((double)h->total * share);
    uint64_t seen = 0;
    for (size_t i = 0; i < sizeof(h->counts) / sizeof(h->counts[0]); i++) {
        seen += h->counts[i];
        if (seen > wanted) {
            uint64_t value = histogram_value(i);
            return value < h->max ? value : h->max;
        }
    }
    return h->max;
}

#endif
