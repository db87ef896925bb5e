/* The heaviest keys of a stream in bounded memory: Space-Saving, with weights.
 * Source: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in
 * data streams", 2005.
 *
 * Every key that has more than total / capacity of the weight is held. A key that comes while all
 * places are taken gets the lightest one's place and weight, which is then its error: the true
 * weight is between weight - error and weight.
 *
 * Threads: none of its own. */
#ifndef POLLARD_DS_TOPK_H
#define POLLARD_DS_TOPK_H

#include "pollard/base/bytes.h"

/* Bytes kept of a key; of a longer one the beginning, told apart from others by its hash. */
#define TOPK_KEY_MAX ((size_t)1024)
#define TOPK_CAPACITY_MAX UINT32_C(32768)

struct topk;

/* At most capacity keys are held, 1 .. TOPK_CAPACITY_MAX. */
ATTR_MUST_USE struct topk *topk_create(uint32_t capacity);
/* NULL is allowed; the pointer is nulled. */
void topk_destroy(struct topk **topk);
uint32_t topk_capacity(const struct topk *topk);
/* hash: of the whole key; keys with the same one are the same key. O(log capacity). */
void topk_add(struct topk *topk, struct bytes key, uint64_t hash, uint64_t weight);
/* The same, but a key that would take another's place does so only with a chance of its weight over
 * the weight it would get: a stream of ever new keys then moves little, and heavy keys stay. That
 * each heavy key is held is likely then, no longer certain.
 * Source: Ben Basat, Einziger, Friedman, Kassner, "Randomized admission policy for efficient top-k
 * and frequency estimation", 2017. */
struct topk_offer {
    uint64_t weight;
    uint32_t random; /* drawn anew, all numbers alike */
};
void topk_offer(struct topk *topk, struct bytes key, uint64_t hash, struct topk_offer offer);
void topk_clear(struct topk *topk);
/* Halves all weights: the old counts ever less. O(capacity). */
void topk_fade(struct topk *topk);
/* The weight of everything that was added, faded alike. */
uint64_t topk_total(const struct topk *topk);

struct topk_item {
    struct bytes key; /* valid until the next change */
    uint64_t hash;
    uint64_t weight;
    uint64_t error;
};
uint32_t topk_count(const struct topk *topk);
/* In no order; index < topk_count. */
struct topk_item topk_get(const struct topk *topk, uint32_t index);
/* Adds what another one holds, its errors too, and its total. O(capacities). */
void topk_merge(struct topk *into, const struct topk *from);
/* The keys with the largest weight - error, largest first: at most count. Returns how many. */
uint32_t topk_best(const struct topk *topk, struct topk_item *ret_items, uint32_t count);

#endif
