/* Which of many events a thread looks at: the first ones all, later ever fewer, down to one in so
 * many. What is counted for one that is looked at stands for weight events, so that sums are right
 * on average, and exact while there are few.
 *
 * Threads: a sampler belongs to one thread. The straight path pays one decrement and a branch. */
#ifndef POLLARD_STATS_SAMPLER_H
#define POLLARD_STATS_SAMPLER_H

#include "pollard/base/attr.h"
#include <stdbool.h>
#include <stdint.h>

struct sampler {
    uint32_t left;   /* events to the next one that is looked at, that one included */
    uint32_t weight; /* mean gap, and what the next one stands for; 0: none is looked at */
    uint32_t taken;  /* looked at with this weight */
};

#define SAMPLER_BEGIN                                                                              \
    {                                                                                              \
        .left = 1, .weight = 1                                                                     \
    }

/* Is this event to be looked at? */
static inline bool sampler_is_due(struct sampler *sampler)
{
    return UNLIKELY(--sampler->left == 0);
}
/* After one that was due: how many events it stands for, and the gap to the next one begins. The
 * gap is random, so that what repeats is not met at the same place again and again. most: the
 * largest weight; 0: nothing is to be looked at, and 0 is returned. */
uint32_t sampler_next(struct sampler *sampler, uint32_t most);

#endif
