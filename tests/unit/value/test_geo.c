/* Tests of places: scores and back, distances, geohashes, and that the cells cover the area. */
#include "pollard/value/geo.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct geo_place palermo = {13.361389, 38.115556};
static const struct geo_place catania = {15.087269, 37.502669};

static uint64_t state = 7;

static double draw(double limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(state >> 11) / (double)(UINT64_C(1) << 53) * 2 - 1) * limit;
}

Test(geo, scores_as_redis_has_them)
{
    cr_expect_eq(geo_encode(&palermo), UINT64_C(3479099956230698));
    cr_expect_eq(geo_encode(&catania), UINT64_C(3479447370796909));
    struct geo_place place = geo_decode(3479099956230698.0);
    cr_expect_float_eq(place.longitude, 13.36138933897018433, 1e-15);
    cr_expect_float_eq(place.latitude, 38.11555639549629859, 1e-15);
}

Test(geo, geohash_of_eleven_characters)
{
    char text[GEO_TEXT_SIZE];
    struct geo_place place = geo_decode((double)geo_encode(&palermo));
    geo_text(&place, text);
    cr_expect_eq(memcmp(text, "sqc8b49rny0", sizeof(text)), 0);
}

Test(geo, distance)
{
    struct geo_place a = geo_decode((double)geo_encode(&palermo));
    struct geo_place b = geo_decode((double)geo_encode(&catania));
    cr_expect_float_eq(geo_distance(&a, &b), 166274.1516, 0.0001);
    cr_expect_eq(geo_distance(&a, &a), 0.0);
}

Test(geo, valid_places)
{
    cr_expect(geo_place_is_valid(&(struct geo_place){180, 85.05112878}));
    cr_expect(geo_place_is_valid(&(struct geo_place){-180, -85.05112878}));
    cr_expect_not(geo_place_is_valid(&(struct geo_place){180.1, 0}));
    cr_expect_not(geo_place_is_valid(&(struct geo_place){0, 85.06}));
    cr_expect_not(geo_place_is_valid(&(struct geo_place){NAN, 0}));
    cr_expect_not(geo_place_is_valid(&(struct geo_place){0, INFINITY}));
}

Test(geo, any_score_is_some_place)
{
    const double scores[] = {0, -1, 1e15, 1e300, -1e300, 9e18, 1.8e19, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        struct geo_place place = geo_decode(scores[i]);
        cr_expect(geo_place_is_valid(&place), "score %g", scores[i]);
    }
}

Test(geo, places_come_back)
{
    for (int i = 0; i < 100000; i++) {
        struct geo_place place = {draw(GEO_LONGITUDE_MAX), draw(GEO_LATITUDE_MAX)};
        uint64_t bits = geo_encode(&place);
        struct geo_place back = geo_decode((double)bits);
        cr_assert(bits < UINT64_C(1) << 52);
        cr_assert(fabs(back.longitude - place.longitude) < 3e-6);
        cr_assert(fabs(back.latitude - place.latitude) < 2e-6);
        cr_assert_eq(geo_encode(&back), bits);
    }
}

/* What is within the radius lies in a cell. */
Test(geo, cells_cover_the_circle)
{
    for (int i = 0; i < 20000; i++) {
        struct geo_area area = {.center = {draw(170), draw(75)}, .radius = 1 + fabs(draw(300000))};
        struct geo_cell cells[GEO_CELLS_MAX];
        uint32_t count = geo_cells(&area, cells);
        cr_assert(count >= 1 && count <= GEO_CELLS_MAX);
        double degrees = area.radius / 111000;
        struct geo_place place = {area.center.longitude + draw(degrees),
                                  area.center.latitude + draw(degrees)};
        double distance;
        if (!geo_place_is_valid(&place) || !geo_area_has(&area, &place, &distance)) {
            continue;
        }
        double score = (double)geo_encode(&place);
        bool is_covered = false;
        for (uint32_t c = 0; c < count; c++) {
            is_covered = is_covered || (score >= cells[c].min && score < cells[c].max);
        }
        cr_assert(is_covered, "%f,%f is not covered around %f,%f within %f", place.longitude,
                  place.latitude, area.center.longitude, area.center.latitude, area.radius);
    }
}

Test(geo, boxes)
{
    struct geo_area area = {.center = {15, 37}, .is_box = true, .width = 400000, .height = 400000};
    double distance;
    cr_expect(geo_area_has(&area, &palermo, &distance));
    cr_expect_float_eq(distance, 190442.4, 1);
    area.height = 200000;
    cr_expect_not(geo_area_has(&area, &palermo, &distance));
    area.height = 400000;
    area.width = 100000;
    cr_expect_not(geo_area_has(&area, &palermo, &distance));
}
