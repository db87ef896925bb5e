/* Scores of places and back, distances, and the usual geohash. */
#include "pollard/value/geo.h"
#include "bits.h"
#include <math.h>

static double radians(double degrees)
{
    return degrees * GEO_DEGREE;
}

bool geo_place_is_valid(const struct geo_place *place)
{
    return place->longitude >= -GEO_LONGITUDE_MAX && place->longitude <= GEO_LONGITUDE_MAX &&
           place->latitude >= -GEO_LATITUDE_MAX && place->latitude <= GEO_LATITUDE_MAX;
}

uint64_t geo_encode(const struct geo_place *place)
{
    return geo_spread(geo_column(place->latitude, GEO_LATITUDE_MAX, GEO_STEP_MAX)) |
           geo_spread(geo_column(place->longitude, GEO_LONGITUDE_MAX, GEO_STEP_MAX)) << 1;
}

uint64_t geo_score_bits(double score)
{
    if (score >= 0x1p63) {
        return score < 0x1p64 ? (uint64_t)score : 0;
    }
    return score >= -0x1p63 ? (uint64_t)(int64_t)score : UINT64_C(1) << 63;
}

static double middle(uint32_t column, double limit)
{
    double begin = geo_edge(column, limit, GEO_STEP_MAX);
    double end = geo_edge((uint64_t)column + 1, limit, GEO_STEP_MAX);
    double degrees = (begin + end) / 2;
    degrees = degrees > limit ? limit : degrees;
    return degrees < -limit ? -limit : degrees;
}

struct geo_place geo_decode(double score)
{
    uint64_t bits = geo_score_bits(score);
    return (struct geo_place){.longitude = middle(geo_gather(bits >> 1), GEO_LONGITUDE_MAX),
                              .latitude = middle(geo_gather(bits), GEO_LATITUDE_MAX)};
}

void geo_text(const struct geo_place *place, char *out)
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    uint64_t bits = geo_spread(geo_column(place->latitude, 90.0, GEO_STEP_MAX)) |
                    geo_spread(geo_column(place->longitude, GEO_LONGITUDE_MAX, GEO_STEP_MAX)) << 1;
    /* 52 bits are ten digits and two bits: the last digit is always 0. */
    for (uint32_t i = 0; i < GEO_TEXT_SIZE - 1; i++) {
        out[i] = digits[bits >> (2 * GEO_STEP_MAX - (i + 1) * 5) & 31];
    }
    out[GEO_TEXT_SIZE - 1] = '0';
}

double geo_distance(const struct geo_place *a, const struct geo_place *b)
{
    double from = radians(a->latitude);
    double to = radians(b->latitude);
    double u = sin((to - from) / 2);
    double v = sin((radians(b->longitude) - radians(a->longitude)) / 2);
    if (v == 0.0) {
        return GEO_EARTH_RADIUS * fabs(to - from);
    }
    return 2.0 * GEO_EARTH_RADIUS * asin(sqrt(u * u + cos(from) * cos(to) * v * v));
}

bool geo_area_has(const struct geo_area *area, const struct geo_place *place, double *ret_distance)
{
    if (!area->is_box) {
        *ret_distance = geo_distance(&area->center, place);
        return *ret_distance <= area->radius;
    }
    double down =
        GEO_EARTH_RADIUS * fabs(radians(place->latitude) - radians(area->center.latitude));
    struct geo_place beside = {area->center.longitude, place->latitude};
    if (down > area->height / 2 || geo_distance(place, &beside) > area->width / 2) {
        return false;
    }
    *ret_distance = geo_distance(&area->center, place);
    return true;
}
