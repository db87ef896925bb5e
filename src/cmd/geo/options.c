/* Reading what a search is asked for. */
#include "geo.h"
#include "pollard/base/number.h"

enum status geo_read_unit(const struct exec *x, uint32_t index, double *ret_unit)
{
    static const struct {
        const char *name;
        double meters;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (uint32_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (argument_is(x, index, units[i].name)) {
            *ret_unit = units[i].meters;
            return STATUS_OK;
        }
    }
    return STATUS_GEO_UNIT;
}

enum status geo_read_place(struct exec *x, uint32_t index, struct geo_place *ret_place)
{
    if (!number_parse_double(x->argv[index], &ret_place->longitude) ||
        !number_parse_double(x->argv[index + 1], &ret_place->latitude)) {
        return STATUS_NOT_FLOAT;
    }
    if (!geo_place_is_valid(ret_place)) {
        reply_error_format(x->reply, "ERR invalid longitude,latitude pair %f,%f",
                           ret_place->longitude, ret_place->latitude);
        return STATUS_REPLIED;
    }
    return STATUS_OK;
}

bool geo_find(const struct collection *zset, struct bytes member, struct geo_place *ret_place)
{
    struct item_needle needle;
    double score;
    item_needle_init(&needle, member);
    if (zset == NULL || !zset_score(zset, &needle, &score)) {
        return false;
    }
    *ret_place = geo_decode(score);
    return true;
}

/* A radius and its unit. */
static enum status read_radius(const struct exec *x, uint32_t index, struct geo_query *query)
{
    if (!number_parse_double(x->argv[index], &query->area.radius)) {
        return STATUS_GEO_RADIUS;
    }
    if (query->area.radius < 0) {
        return STATUS_GEO_RADIUS_NEGATIVE;
    }
    enum status status = geo_read_unit(x, index + 1, &query->unit);
    query->area.radius *= query->unit;
    query->area.is_box = false;
    query->has_radius = true;
    return status;
}

static enum status read_box(const struct exec *x, uint32_t index, struct geo_query *query)
{
    if (!number_parse_double(x->argv[index], &query->area.width)) {
        return STATUS_GEO_WIDTH;
    }
    if (!number_parse_double(x->argv[index + 1], &query->area.height)) {
        return STATUS_GEO_HEIGHT;
    }
    if (query->area.width < 0 || query->area.height < 0) {
        return STATUS_GEO_BOX_NEGATIVE;
    }
    enum status status = geo_read_unit(x, index + 2, &query->unit);
    query->area.width *= query->unit;
    query->area.height *= query->unit;
    query->area.is_box = true;
    query->has_box = true;
    return status;
}

/* An absent source is no error: the answer is empty if the rest is right. */
static enum status read_member(const struct exec *x, uint32_t index, const struct collection *zset,
                               struct geo_query *query)
{
    query->has_member = true;
    return zset == NULL || geo_find(zset, x->argv[index], &query->area.center) ? STATUS_OK
                                                                               : STATUS_GEO_MEMBER;
}

/* Center and shape among the options of GEOSEARCH. STATUS_ABSENT when it is none of them. */
static enum status read_shape(struct exec *x, uint32_t *index, const struct collection *zset,
                              struct geo_query *query)
{
    uint32_t at = *index + 1;
    uint32_t left = x->argc - at;
    if (argument_is(x, *index, "frommember") && left >= 1 && !query->has_place) {
        *index += 1;
        return read_member(x, at, zset, query);
    }
    if (argument_is(x, *index, "fromlonlat") && left >= 2 && !query->has_member) {
        *index += 2;
        query->has_place = true;
        return geo_read_place(x, at, &query->area.center);
    }
    if (argument_is(x, *index, "byradius") && left >= 2 && !query->has_box) {
        *index += 2;
        return read_radius(x, at, query);
    }
    if (argument_is(x, *index, "bybox") && left >= 3 && !query->has_radius) {
        *index += 3;
        return read_box(x, at, query);
    }
    return STATUS_ABSENT;
}

/* Options of one word. */
static bool read_word(const struct exec *x, uint32_t index, struct geo_query *query)
{
    if (argument_is(x, index, "withdist")) {
        query->with_distance = true;
    } else if (argument_is(x, index, "withhash")) {
        query->with_hash = true;
    } else if (argument_is(x, index, "withcoord")) {
        query->with_place = true;
    } else if (argument_is(x, index, "any")) {
        query->takes_any = true;
    } else if (argument_is(x, index, "asc")) {
        query->order = GEO_ASCENDING;
    } else if (argument_is(x, index, "desc")) {
        query->order = GEO_DESCENDING;
    } else {
        return false;
    }
    return true;
}

static enum status read_option(struct exec *x, uint32_t *index, const struct geo_form *form,
                               const struct collection *zset, struct geo_query *query)
{
    bool has_more = *index + 1 < x->argc;
    int64_t count;
    if (read_word(x, *index, query)) {
        return STATUS_OK;
    }
    if (argument_is(x, *index, "count") && has_more) {
        enum status status = argument_integer(x, *index += 1, &count);
        query->count = (uint64_t)count;
        return status != STATUS_OK ? status : count > 0 ? STATUS_OK : STATUS_GEO_COUNT;
    }
    bool is_distance = argument_is(x, *index, "storedist");
    if (form->takes_store && has_more && (is_distance || argument_is(x, *index, "store"))) {
        query->store = *index += 1;
        query->stores_distance = is_distance;
        return STATUS_OK;
    }
    if (form->is_store && is_distance) {
        query->stores_distance = true;
        return STATUS_OK;
    }
    enum status status = form->is_search ? read_shape(x, index, zset, query) : STATUS_ABSENT;
    return status == STATUS_ABSENT ? STATUS_SYNTAX : status;
}

static enum status check_query(struct exec *x, const struct geo_form *form,
                               const struct geo_query *query)
{
    const char *missing = NULL;
    if (query->store != 0 && (query->with_distance || query->with_hash || query->with_place)) {
        return form->is_store ? STATUS_GEO_SEARCHSTORE : STATUS_GEO_STORE;
    }
    if (form->is_search && !query->has_member && !query->has_place) {
        missing = "FROMMEMBER or FROMLONLAT";
    } else if (form->is_search && !query->has_radius && !query->has_box) {
        missing = "BYRADIUS and BYBOX";
    }
    if (missing != NULL) {
        reply_error_format(x->reply, "ERR exactly one of %s can be specified for %.*s", missing,
                           (int)x->argv[0].size, (const char *)x->argv[0].data);
        return STATUS_REPLIED;
    }
    return query->takes_any && query->count == 0 ? STATUS_GEO_ANY : STATUS_OK;
}

/* What the legacy forms have at fixed places; the first option's index. */
static enum status read_fixed(struct exec *x, const struct geo_form *form,
                              const struct collection *zset, struct geo_query *query,
                              uint32_t *ret_index)
{
    if (form->is_search) {
        *ret_index = form->is_store ? 3 : 2;
        query->store = form->is_store ? 1 : 0;
        return STATUS_OK;
    }
    if (!form->by_member) {
        *ret_index = 6;
        enum status status = geo_read_place(x, 2, &query->area.center);
        return status == STATUS_OK ? read_radius(x, 4, query) : status;
    }
    *ret_index = 5;
    enum status status = read_member(x, 2, zset, query);
    return status == STATUS_OK && zset != NULL ? read_radius(x, 3, query) : status;
}

enum status geo_read(struct exec *x, const struct geo_form *form, const struct collection *zset,
                     struct geo_query *query)
{
    uint32_t index;
    *query = (struct geo_query){.unit = 1, .is_search = form->is_search};
    enum status status = read_fixed(x, form, zset, query, &index);
    for (; status == STATUS_OK && index < x->argc; index++) {
        status = read_option(x, &index, form, zset, query);
    }
    if (status == STATUS_OK) {
        status = check_query(x, form, query);
    }
    if (query->count > 0 && !query->takes_any && query->order == GEO_UNSORTED) {
        query->order = GEO_ASCENDING;
    }
    return status;
}
