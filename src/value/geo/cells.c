/* The cells that cover an area: the one its center is in and its eight neighbours, of the finest
 * precision at which these nine are enough. */
#include "bits.h"
#include "pollard/value/geo.h"
#include <math.h>

#define MERCATOR_MAX 20037726.37 /* meters from the middle of the projection to its edge */

struct cell {
    uint32_t column; /* of longitude */
    uint32_t row;    /* of latitude */
};

/* Degrees. */
struct bounds {
    double west;
    double east;
    double south;
    double north;
};

/* Order of the search: the center, then the neighbours as steps to the east and to the north. */
static const struct {
    int8_t east;
    int8_t north;
} neighbours[GEO_CELLS_MAX] = {
    {0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1},
};

static double degrees(double radians)
{
    return radians / GEO_DEGREE;
}

static struct bounds bounds_of(const struct geo_area *area)
{
    double half_width = area->is_box ? area->width / 2 : area->radius;
    double half_height = area->is_box ? area->height / 2 : area->radius;
    double latitude = area->center.latitude;
    double up = degrees(half_height / GEO_EARTH_RADIUS);
    /* The side that is nearer to a pole spans more degrees. */
    double polar = latitude < 0 ? latitude - up : latitude + up;
    double aside = degrees(half_width / GEO_EARTH_RADIUS / cos(polar * GEO_DEGREE));
    return (struct bounds){.west = area->center.longitude - aside,
                           .east = area->center.longitude + aside,
                           .south = latitude - up,
                           .north = latitude + up};
}

static double reach(const struct geo_area *area)
{
    if (!area->is_box) {
        return area->radius;
    }
    double width = area->width / 2;
    double height = area->height / 2;
    return sqrt(width * width + height * height);
}

static uint32_t estimate_step(double radius, double latitude)
{
    int step = 1;
    if (radius == 0) {
        return GEO_STEP_MAX;
    }
    for (; radius < MERCATOR_MAX; radius *= 2) {
        step++;
    }
    /* The cells' width shrinks towards the poles. */
    step -= 2;
    step -= fabs(latitude) > 66;
    step -= fabs(latitude) > 80;
    step = step < 1 ? 1 : step;
    return step > (int)GEO_STEP_MAX ? GEO_STEP_MAX : (uint32_t)step;
}

static struct cell cell_at(const struct geo_place *place, uint32_t step)
{
    return (struct cell){geo_column(place->longitude, GEO_LONGITUDE_MAX, step),
                         geo_column(place->latitude, GEO_LATITUDE_MAX, step)};
}

/* Round the globe in both directions. */
static struct cell neighbour(struct cell cell, uint32_t step, uint32_t index)
{
    uint32_t mask = (UINT32_C(1) << step) - 1;
    if (neighbours[index].east != 0) {
        cell.column = (cell.column + (uint32_t)neighbours[index].east) & mask;
    }
    if (neighbours[index].north != 0) {
        cell.row = (cell.row + (uint32_t)neighbours[index].north) & mask;
    }
    return cell;
}

static struct bounds bounds_of_cell(struct cell cell, uint32_t step)
{
    return (struct bounds){
        .west = geo_edge(cell.column, GEO_LONGITUDE_MAX, step),
        .east = geo_edge((uint64_t)cell.column + 1, GEO_LONGITUDE_MAX, step),
        .south = geo_edge(cell.row, GEO_LATITUDE_MAX, step),
        .north = geo_edge((uint64_t)cell.row + 1, GEO_LATITUDE_MAX, step),
    };
}

/* Do the neighbours end before the area does? Beyond a pole they are those of the other one. */
static bool is_too_fine(const struct bounds *area, struct cell center, uint32_t step)
{
    return bounds_of_cell(neighbour(center, step, 1), step).north < area->north ||
           bounds_of_cell(neighbour(center, step, 2), step).south > area->south ||
           bounds_of_cell(neighbour(center, step, 3), step).east < area->east ||
           bounds_of_cell(neighbour(center, step, 4), step).west > area->west;
}

/* Is a neighbour beyond the area, because the center's cell already reaches as far? */
static bool is_beyond(uint32_t index, const struct bounds *area, const struct bounds *center)
{
    int east = neighbours[index].east;
    int north = neighbours[index].north;
    return (north < 0 && center->south < area->south) ||
           (north > 0 && center->north > area->north) || (east < 0 && center->west < area->west) ||
           (east > 0 && center->east > area->east);
}

uint32_t geo_cells(const struct geo_area *area, struct geo_cell cells[GEO_CELLS_MAX])
{
    struct bounds bounds = bounds_of(area);
    uint32_t step = estimate_step(reach(area), area->center.latitude);
    struct cell center = cell_at(&area->center, step);
    uint32_t count = 0;
    uint64_t last = 0;
    if (step > 1 && is_too_fine(&bounds, center, step)) {
        step--;
        center = cell_at(&area->center, step);
    }
    struct bounds middle = bounds_of_cell(center, step);
    for (uint32_t i = 0; i < GEO_CELLS_MAX; i++) {
        if (i > 0 && step >= 2 && is_beyond(i, &bounds, &middle)) {
            continue;
        }
        struct cell cell = neighbour(center, step, i);
        uint64_t bits = geo_spread(cell.row) | geo_spread(cell.column) << 1;
        /* Few and large cells: one may be its own neighbour's neighbour. */
        if (count > 0 && bits == last) {
            continue;
        }
        last = bits;
        uint32_t shift = 2 * (GEO_STEP_MAX - step);
        cells[count++] = (struct geo_cell){(double)(bits << shift), (double)((bits + 1) << shift)};
    }
    return count;
}
