/* From the values of registers to the number of elements.
 *
 * Source: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
 * algorithm 6, with the infinite limit of alpha. */
#include "sketch.h"
#include <math.h>

#define VALUE_BITS 50 /* of the hash, beside the index */
#define ALPHA_INFINITE 0.721347520444481703680

/* x + the sum over k >= 1 of x^(2^k) 2^(k-1), until it changes no more. */
static double sigma(double x)
{
    if (x == 1.0) {
        return INFINITY;
    }
    double sum = x;
    double before;
    double weight = 1.0;
    do {
        x *= x;
        before = sum;
        sum += x * weight;
        weight += weight;
    } while (before != sum);
    return sum;
}

/* (1 - x - the sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3, until it changes no more. */
static double tau(double x)
{
    if (x == 0.0 || x == 1.0) {
        return 0.0;
    }
    double sum = 1.0 - x;
    double before;
    double weight = 1.0;
    do {
        x = sqrt(x);
        before = sum;
        weight *= 0.5;
        sum -= pow(1.0 - x, 2.0) * weight;
    } while (before != sum);
    return sum / 3.0;
}

uint64_t histogram_estimate(const struct histogram *histogram)
{
    const double registers = HLL_REGISTERS;
    double z = registers * tau((registers - histogram->counts[VALUE_BITS + 1]) / registers);
    for (uint32_t value = VALUE_BITS; value >= 1; value--) {
        z += histogram->counts[value];
        z *= 0.5;
    }
    z += registers * sigma(histogram->counts[0] / registers);
    return (uint64_t)llroundl(ALPHA_INFINITE * registers * registers / z);
}

uint64_t hll_count_registers(const struct hll_registers *registers)
{
    /* Several, so that equal neighbours do not wait for each other. */
    uint32_t counts[4][64] = {{0}};
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4) {
        for (uint32_t k = 0; k < 4; k++) {
            counts[k][registers->values[i + k] & 63]++;
        }
    }
    struct histogram histogram;
    for (uint32_t value = 0; value < 64; value++) {
        histogram.counts[value] =
            counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value];
    }
    return histogram_estimate(&histogram);
}
