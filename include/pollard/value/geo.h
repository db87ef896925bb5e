/* Places on the globe as scores of a sorted set: geohashes of 52 bits, longitude and latitude
 * interleaved, and what is searched by them. Pure; every function is O(1). */
#ifndef POLLARD_VALUE_GEO_H
#define POLLARD_VALUE_GEO_H

#include <stdbool.h>
#include <stdint.h>

/* The square of the Mercator projection, in degrees. */
#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX 85.05112878
#define GEO_TEXT_SIZE 11
#define GEO_CELLS_MAX 9

struct geo_place {
    double longitude; /* degrees */
    double latitude;
};

/* A circle, or a box whose sides run along the compass, in meters. */
struct geo_area {
    struct geo_place center;
    bool is_box;
    double radius; /* circle */
    double width;  /* box */
    double height;
};

/* Scores of one cell: min counts, max does not. */
struct geo_cell {
    double min;
    double max;
};

/* Can the place be stored? False for NaN, too. */
bool geo_place_is_valid(const struct geo_place *place);
/* The score of a valid place. */
uint64_t geo_encode(const struct geo_place *place);
/* The middle of a score's cell. Any score is taken; what is no geohash gives some place. */
struct geo_place geo_decode(double score);
/* The integer a score stands for, as WITHHASH tells. */
uint64_t geo_score_bits(double score);
/* The usual geohash of a place, 11 characters (latitudes -90 .. 90) and no NUL. */
void geo_text(const struct geo_place *place, char *out);
/* Meters between two places. */
double geo_distance(const struct geo_place *a, const struct geo_place *b);
/* Cells that cover the area, in the order they are searched in, none twice in a row; returns how
 * many. */
uint32_t geo_cells(const struct geo_area *area, struct geo_cell cells[GEO_CELLS_MAX]);
/* Is the place in the area? Its distance from the center then. */
bool geo_area_has(const struct geo_area *area, const struct geo_place *place, double *ret_distance);

#endif
