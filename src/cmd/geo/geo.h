/* What the handlers of the geo group share: what a search is asked for, and its work. */
#ifndef POLLARD_GEO_H
#define POLLARD_GEO_H

#include "../collection.h"
#include "pollard/value/geo.h"
#include "pollard/value/zset.h"

/* The forms of a search. */
struct geo_form {
    bool is_search;   /* GEOSEARCH and GEOSEARCHSTORE: center and shape are options */
    bool is_store;    /* GEOSEARCHSTORE */
    bool by_member;   /* GEORADIUSBYMEMBER */
    bool takes_store; /* GEORADIUS and GEORADIUSBYMEMBER: STORE and STOREDIST */
};

enum geo_order { GEO_UNSORTED, GEO_ASCENDING, GEO_DESCENDING };

struct geo_query {
    struct geo_area area;
    double unit; /* meters */
    enum geo_order order;
    uint64_t count; /* 0: all */
    bool takes_any;
    bool with_distance;
    bool with_hash;
    bool with_place;
    bool stores_distance;
    bool is_search;  /* of the form */
    uint32_t store;  /* index in argv of the destination; 0: none */
    bool has_member; /* the center is a member's place, or given */
    bool has_place;
    bool has_radius;
    bool has_box;
};

/* Reads all options. zset: the source, NULL when it is absent. STATUS_OK, a status of what is
 * wrong, STATUS_REPLIED. */
enum status geo_read(struct exec *x, const struct geo_form *form, const struct collection *zset,
                     struct geo_query *query);
/* argv[index] and the next as a place that is valid. STATUS_OK, STATUS_NOT_FLOAT, STATUS_REPLIED.
 */
enum status geo_read_place(struct exec *x, uint32_t index, struct geo_place *ret_place);
/* argv[index] as a unit, in meters. STATUS_OK, STATUS_GEO_UNIT. */
enum status geo_read_unit(const struct exec *x, uint32_t index, double *ret_unit);
/* The place of a member; false when it is not there. */
bool geo_find(const struct collection *zset, struct bytes member, struct geo_place *ret_place);
/* A bulk string with four decimals. */
void geo_reply_distance(struct reply *reply, double distance);
void geo_reply_place(struct reply *reply, const struct geo_place *place);

/* A member in the area. */
struct geo_hit {
    struct item member; /* in the version */
    double score;
    double distance; /* meters */
};

struct geo_work {
    struct exec_work work; /* first */
    struct geo_query query;
    struct collection *version;
    struct geo_hit *hits;
    uint64_t count;
    uint64_t capacity;
    struct collection *result; /* STORE: what is to be stored */
};

/* Elements that a search will look at, at most. O(log n). */
uint64_t geo_weight(const struct geo_query *query, const struct collection *zset);
/* Searches the version, sorts, and makes what is to be stored. STATUS_OK, STATUS_ALLOCATION;
 * STATUS_REPLIED when it should stop. */
enum status geo_run(struct exec *x, struct exec_work *work);
void geo_free(struct exec_work *work, struct keyspace *keyspace);

#endif
