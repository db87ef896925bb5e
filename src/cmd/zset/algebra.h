/* Union, intersection and difference of sorted sets, sets among them. Private to cmd/zset. */
#ifndef POLLARD_CMD_ZSET_ALGEBRA_H
#define POLLARD_CMD_ZSET_ALGEBRA_H

#include "common.h"

enum zset_operation { ZSET_UNION, ZSET_INTER, ZSET_DIFF };
enum zset_aggregate { AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX, AGGREGATE_COUNT };

struct zset_input {
    struct collection *collection; /* a reference; NULL: an absent key */
    double weight;
    uint32_t key; /* index of its key */
};

/* What to compute, and of what. It is an exec_work, so that large ones can be computed without the
 * keys. */
struct zset_algebra {
    struct exec_work work; /* first */
    enum zset_operation operation;
    enum zset_aggregate aggregate;
    bool wants_members; /* else only the count */
    bool has_scores;    /* the reply's */
    uint64_t limit;     /* of the count; UINT64_MAX: none */
    uint64_t count;     /* the answer */
    uint64_t size;      /* elements that may be looked at */
    struct collection *result;
    uint32_t input_count;
    struct zset_input inputs[];
};

/* Takes versions of count keys from index first on; weights are 1. *ret_algebra is x->work from
 * then on. STATUS_OK, STATUS_WRONG_TYPE. */
enum status zset_algebra_begin(struct exec *x, uint32_t first, uint32_t count,
                               struct zset_algebra **ret_algebra);
/* Does what is asked for. STATUS_OK; on the pool: STATUS_REPLIED when it should stop. */
enum status zset_algebra_run(struct exec *x, struct exec_work *work);
bool zset_algebra_is_large(const struct zset_algebra *algebra);
/* Are the keys still what was computed of? */
bool zset_algebra_is_current(struct exec *x, const struct zset_algebra *algebra);

#endif
