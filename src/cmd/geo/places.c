/* GEOADD, GEODIST, GEOHASH, GEOPOS. Run inside an access on one key. */
#include "geo.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* Places whose scores are kept while they are all read: before the first one is stored. */
#define INLINE_PLACES 16

struct add_options {
    bool is_nx;
    bool is_xx;
    bool is_ch;
    uint32_t first;
    uint32_t count;
    int64_t done; /* members that count for the answer */
    bool has_changed;
};

void geo_reply_distance(struct reply *reply, double distance)
{
    reply_bulk_format(reply, "%.4f", distance);
}

void geo_reply_place(struct reply *reply, const struct geo_place *place)
{
    reply_array(reply, 2);
    reply_decimal(reply, place->longitude);
    reply_decimal(reply, place->latitude);
}

static enum status read_options(const struct exec *x, struct add_options *options)
{
    uint32_t i = 2;
    for (; i < x->argc; i++) {
        if (argument_is(x, i, "nx")) {
            options->is_nx = true;
        } else if (argument_is(x, i, "xx")) {
            options->is_xx = true;
        } else if (argument_is(x, i, "ch")) {
            options->is_ch = true;
        } else {
            break;
        }
    }
    options->first = i;
    options->count = (x->argc - i) / 3;
    bool is_wrong =
        options->count == 0 || (x->argc - i) % 3 != 0 || (options->is_nx && options->is_xx);
    return is_wrong ? STATUS_SYNTAX : STATUS_OK;
}

/* Stores one member if the options allow it, and counts it. */
static enum status add_one(struct exec *x, struct collection **zset, uint32_t index, double score,
                           struct add_options *options)
{
    struct item member;
    enum status status = argument_item(x, options->first + 3 * index + 2, &member);
    if (status != STATUS_OK) {
        return status;
    }
    bool allowed = true;
    if (options->is_nx || options->is_xx) {
        struct item_needle needle;
        double old;
        item_needle_of(&needle, &member);
        allowed = zset_score(*zset, &needle, &old) == options->is_xx;
    }
    if (allowed) {
        enum zset_change change = zset_put(zset, &x->services->value_limits, &member, score);
        options->done += change == ZSET_ADDED || (change == ZSET_MOVED && options->is_ch);
        options->has_changed |= change == ZSET_ADDED || change == ZSET_MOVED;
    }
    item_unmake(&member);
    return STATUS_OK;
}

static enum status add(struct exec *x, struct add_options *options, const double *scores)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_ZSET, NULL, &edit);
    if (status == STATUS_ABSENT) {
        if (options->is_xx) {
            reply_integer(x->reply, 0);
            return STATUS_OK;
        }
        edit_create(&edit, zset_create());
    } else if (status != STATUS_OK) {
        return status;
    }
    status = STATUS_OK;
    for (uint32_t i = 0; i < options->count && status == STATUS_OK; i++) {
        status = add_one(x, edit.at, i, scores[i], options);
    }
    enum status ended = edit_end(x, &edit, options->has_changed ? EVENT_zadd : EDIT_TELLS_NOTHING);
    if (status == STATUS_OK && ended == STATUS_OK) {
        reply_integer(x->reply, options->done);
    }
    return status == STATUS_OK ? ended : status;
}

enum status cmd_geoadd(struct exec *x)
{
    struct add_options options = {0};
    double room[INLINE_PLACES];
    double *scores = room;
    enum status status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    if (options.count > INLINE_PLACES) {
        scores = mem_try_alloc(options.count * sizeof(*scores));
        if (scores == NULL) {
            return STATUS_ALLOCATION;
        }
    }
    for (uint32_t i = 0; i < options.count && status == STATUS_OK; i++) {
        struct geo_place place;
        status = geo_read_place(x, options.first + 3 * i, &place);
        if (status == STATUS_OK) {
            scores[i] = (double)geo_encode(&place);
        }
    }
    if (status == STATUS_OK) {
        status = add(x, &options, scores);
    }
    if (scores != room) {
        mem_free(scores);
    }
    return status;
}

/* NULL when the key is absent. */
static enum status find_zset(struct exec *x, struct collection **ret_zset)
{
    *ret_zset = NULL;
    enum status status = collection_find(x, 0, VALUE_ZSET, ret_zset);
    return status == STATUS_ABSENT ? STATUS_OK : status;
}

enum status cmd_geodist(struct exec *x)
{
    struct collection *zset;
    struct geo_place places[2];
    double unit = 1;
    if (x->argc > 5) {
        return STATUS_SYNTAX;
    }
    enum status status = x->argc == 5 ? geo_read_unit(x, 4, &unit) : STATUS_OK;
    if (status == STATUS_OK) {
        status = find_zset(x, &zset);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (geo_find(zset, x->argv[2], &places[0]) && geo_find(zset, x->argv[3], &places[1])) {
        geo_reply_distance(x->reply, geo_distance(&places[0], &places[1]) / unit);
    } else {
        reply_null(x->reply);
    }
    return STATUS_OK;
}

enum status cmd_geohash(struct exec *x)
{
    struct collection *zset;
    enum status status = find_zset(x, &zset);
    if (status != STATUS_OK) {
        return status;
    }
    reply_array(x->reply, x->argc - 2);
    for (uint32_t i = 2; i < x->argc; i++) {
        struct geo_place place;
        char text[GEO_TEXT_SIZE];
        if (geo_find(zset, x->argv[i], &place)) {
            geo_text(&place, text);
            reply_bulk(x->reply, bytes_make(text, sizeof(text)));
        } else {
            reply_null(x->reply);
        }
    }
    return STATUS_OK;
}

enum status cmd_geopos(struct exec *x)
{
    struct collection *zset;
    enum status status = find_zset(x, &zset);
    if (status != STATUS_OK) {
        return status;
    }
    reply_array(x->reply, x->argc - 2);
    for (uint32_t i = 2; i < x->argc; i++) {
        struct geo_place place;
        if (geo_find(zset, x->argv[i], &place)) {
            geo_reply_place(x->reply, &place);
        } else {
            reply_null_array(x->reply);
        }
    }
    return STATUS_OK;
}
