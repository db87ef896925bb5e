/* Union, intersection and difference of sets. Private to cmd/set. */
#ifndef POLLARD_CMD_SET_ALGEBRA_H
#define POLLARD_CMD_SET_ALGEBRA_H

#include "../collection.h"
#include "pollard/value/set.h"

enum algebra_kind { ALGEBRA_UNION, ALGEBRA_INTER, ALGEBRA_DIFF };

/* What to compute, and of what. It is an exec_work, so that large ones can be computed without the
 * keys. */
struct algebra {
    struct exec_work work; /* first */
    enum algebra_kind kind;
    bool wants_members;        /* else only the count */
    uint64_t limit;            /* of the count; UINT64_MAX: none */
    uint64_t count;            /* the answer */
    uint64_t weight;           /* members that may be looked at */
    struct collection *result; /* a reference, when members are wanted */
    uint32_t input_count;
    struct collection *inputs[]; /* references; NULL: an absent key */
};

/* Takes versions of count keys from index first on. *ret_algebra is x->work from then on.
 * STATUS_OK, STATUS_WRONG_TYPE. */
enum status algebra_begin(struct exec *x, uint32_t first, uint32_t count,
                          struct algebra **ret_algebra);
/* Does what is asked for. STATUS_OK; on the pool: STATUS_REPLIED when it should stop. O(weight). */
enum status algebra_run(struct exec *x, struct exec_work *work);
/* Is it too much for a reactor, or for work under locks? */
bool algebra_is_large(const struct algebra *algebra);
/* Are the keys from index first on still what was computed of? */
bool algebra_is_current(struct exec *x, uint32_t first, const struct algebra *algebra);

#endif
