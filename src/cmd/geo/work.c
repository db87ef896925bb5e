/* The work of a search: from a version, inside the access when it is little, else on the pool with
 * no key held.
 *
 *   walk the cells -> keep what is in the area -> sort -> make what is to be stored */
#include "geo.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Elements between two looks at whether to go on. */
#define SLICE 1024

static uint64_t cell_begin(const struct collection *zset, const struct geo_cell *cell,
                           uint64_t *ret_rank)
{
    *ret_rank = zset_rank_of_score(zset, cell->min, false);
    uint64_t end = zset_rank_of_score(zset, cell->max, false);
    return end > *ret_rank ? end - *ret_rank : 0;
}

uint64_t geo_weight(const struct geo_query *query, const struct collection *zset)
{
    struct geo_cell cells[GEO_CELLS_MAX];
    uint32_t count = geo_cells(&query->area, cells);
    uint64_t weight = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t rank;
        weight += cell_begin(zset, &cells[i], &rank);
    }
    return weight;
}

static bool is_full(const struct geo_work *geo)
{
    return geo->query.takes_any && geo->count >= geo->query.count;
}

static enum status keep(struct geo_work *geo, const struct element *element, double distance)
{
    if (geo->count == geo->capacity) {
        uint64_t capacity = geo->capacity == 0 ? 16 : geo->capacity * 2;
        struct geo_hit *hits = mem_try_realloc(geo->hits, (size_t)capacity * sizeof(*hits));
        if (hits == NULL) {
            return STATUS_ALLOCATION;
        }
        geo->hits = hits;
        geo->capacity = capacity;
    }
    geo->hits[geo->count++] = (struct geo_hit){element->member, element->score, distance};
    return STATUS_OK;
}

static enum status search_cell(struct exec *x, struct geo_work *geo, const struct geo_cell *cell)
{
    struct cursor_start start = {0};
    struct collection_cursor cursor;
    struct element element;
    uint64_t count = cell_begin(geo->version, cell, &start.rank);
    if (count == 0) {
        return STATUS_OK;
    }
    collection_cursor_begin(&cursor, geo->version, &start);
    for (uint64_t i = 0; i < count && !is_full(geo); i++) {
        double distance;
        check(collection_cursor_next(&cursor, &element));
        struct geo_place place = geo_decode(element.score);
        if (geo_area_has(&geo->query.area, &place, &distance)) {
            enum status status = keep(geo, &element, distance);
            if (status != STATUS_OK) {
                return status;
            }
        }
        if (i % SLICE == SLICE - 1 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

/* ---- Sorting: merges, so that it can be done in slices ---- */

static void merge(const struct geo_work *geo, struct geo_hit *out, uint64_t first, uint64_t width)
{
    const struct geo_hit *in = geo->hits;
    bool is_descending = geo->query.order == GEO_DESCENDING;
    uint64_t middle = first + width < geo->count ? first + width : geo->count;
    uint64_t end = middle + width < geo->count ? middle + width : geo->count;
    uint64_t left = first;
    uint64_t right = middle;
    for (uint64_t i = first; i < end; i++) {
        bool takes_left =
            right >= end ||
            (left < middle && (is_descending ? in[left].distance >= in[right].distance
                                             : in[left].distance <= in[right].distance));
        out[i] = in[takes_left ? left++ : right++];
    }
}

static enum status sort_hits(struct exec *x, struct geo_work *geo)
{
    struct geo_hit *other = mem_try_alloc((size_t)(geo->count + 1) * sizeof(*other));
    enum status status = STATUS_OK;
    if (other == NULL) {
        return STATUS_ALLOCATION;
    }
    for (uint64_t width = 1; width < geo->count && status == STATUS_OK; width *= 2) {
        uint64_t since = 0;
        for (uint64_t first = 0; first < geo->count && status == STATUS_OK; first += 2 * width) {
            merge(geo, other, first, width);
            since += 2 * width;
            if (since >= SLICE) {
                since = 0;
                status = exec_breathe(x) ? STATUS_REPLIED : STATUS_OK;
            }
        }
        struct geo_hit *sorted = other;
        other = geo->hits;
        geo->hits = sorted;
    }
    geo->capacity = geo->count + 1;
    mem_free(other);
    return status;
}

static enum status make_result(struct exec *x, struct geo_work *geo)
{
    const struct value_limits *limits = &x->services->value_limits;
    geo->result = zset_create();
    for (uint64_t i = 0; i < geo->count; i++) {
        const struct geo_hit *hit = &geo->hits[i];
        double score = geo->query.stores_distance ? hit->distance / geo->query.unit : hit->score;
        (void)zset_put(&geo->result, limits, &hit->member, score);
        if (i % SLICE == SLICE - 1 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

enum status geo_run(struct exec *x, struct exec_work *work)
{
    struct geo_work *geo = (struct geo_work *)work;
    struct geo_cell cells[GEO_CELLS_MAX];
    uint32_t count = geo_cells(&geo->query.area, cells);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = search_cell(x, geo, &cells[i]);
    }
    if (status == STATUS_OK && geo->query.order != GEO_UNSORTED) {
        status = sort_hits(x, geo);
    }
    if (geo->query.count > 0 && geo->count > geo->query.count) {
        geo->count = geo->query.count;
    }
    if (status == STATUS_OK && geo->query.store != 0) {
        status = make_result(x, geo);
    }
    return status;
}

void geo_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct geo_work *geo = (struct geo_work *)work;
    keyspace_discard_collection(keyspace, geo->version);
    keyspace_discard_collection(keyspace, geo->result);
    mem_free(geo->hits);
    mem_free(geo);
}
