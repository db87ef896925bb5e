/* Samplers: the gaps between the events that are looked at. */
#include "pollard/stats/sampler.h"
#include "pollard/base/hash.h"

/* Events looked at before the weight doubles: so few that the beginning costs nothing that could be
 * measured, so many that a hand at a console sees exact figures. */
#define STEP 64

uint32_t sampler_next(struct sampler *sampler, uint32_t most)
{
    uint32_t weight = sampler->weight;
    if (UNLIKELY(most == 0)) {
        *sampler = (struct sampler){.left = UINT32_MAX};
        return 0;
    }
    if (UNLIKELY(weight == 0)) {
        weight = 1;
        sampler->weight = 1;
    }
    if (weight > most) {
        sampler->weight = most;
    } else if (++sampler->taken >= STEP && weight < most) {
        sampler->weight = weight * 2 < most ? weight * 2 : most;
        sampler->taken = 0;
    }
    /* 1 .. 2 x weight - 1, whose mean is the weight. */
    uint64_t spread = (random_u64() >> 32) * (2 * (uint64_t)sampler->weight - 1) >> 32;
    sampler->left = 1 + (uint32_t)spread;
    return weight;
}
