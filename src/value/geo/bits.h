/* Geohashes of any precision, and the globe: private to value/geo. */
#ifndef POLLARD_VALUE_GEO_BITS_H
#define POLLARD_VALUE_GEO_BITS_H

#include <stdint.h>

#define GEO_STEP_MAX 26U                /* bits a coordinate of a score */
#define GEO_EARTH_RADIUS 6372797.560856 /* meters. Source: Redis's documentation of its model */
#define GEO_DEGREE (3.14159265358979323846 / 180.0) /* in radians */

/* Even bits from the one, odd bits from the other. */
static inline uint64_t geo_spread(uint32_t value)
{
    uint64_t bits = value;
    bits = (bits | bits << 16) & UINT64_C(0x0000ffff0000ffff);
    bits = (bits | bits << 8) & UINT64_C(0x00ff00ff00ff00ff);
    bits = (bits | bits << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    bits = (bits | bits << 2) & UINT64_C(0x3333333333333333);
    return (bits | bits << 1) & UINT64_C(0x5555555555555555);
}

static inline uint32_t geo_gather(uint64_t bits)
{
    bits &= UINT64_C(0x5555555555555555);
    bits = (bits | bits >> 1) & UINT64_C(0x3333333333333333);
    bits = (bits | bits >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    bits = (bits | bits >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    bits = (bits | bits >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(bits | bits >> 16);
}

/* The column or row of a coordinate among 2^step of the range -limit .. limit. */
static inline uint32_t geo_column(double degrees, double limit, uint32_t step)
{
    return (uint32_t)((degrees + limit) / (2 * limit) * (double)(UINT64_C(1) << step));
}

/* Where a column begins: column + 1 gives its end. */
static inline double geo_edge(uint64_t column, double limit, uint32_t step)
{
    return -limit + ((double)column / (double)(UINT64_C(1) << step)) * (2 * limit);
}

#endif
