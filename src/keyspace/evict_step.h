/* One step of evicting, and the parts it is made of. Private to the files of eviction. */
#ifndef POLLARD_KEYSPACE_EVICT_STEP_H
#define POLLARD_KEYSPACE_EVICT_STEP_H

#include "shard.h"

/* Entries of a bucket's chain that are looked at; a chain has six in the mean. */
#define CHAIN_MAX 24
/* Shards visited in search of one victim at most. */
#define VICTIM_HOLDS 64
/* Rounds through all shards, empty ones too, that a search takes at most. */
#define VICTIM_ROUNDS 4

/* One step: by which policy, and what it has done. */
struct step {
    struct keyspace *keyspace;
    struct evictor *evictor;
    uint32_t policy;
    uint32_t samples; /* keys to be met for a victim */
    uint32_t evicted;
    uint32_t most;
    uint32_t shards_left; /* that the hand may still pass in this search */
    uint64_t ahead;       /* bytes to be evicted although the budget holds */
    int64_t now_ms;
    bool has_told;
};

/* ---- evict_hand.c ---- */

/* Meets at least count keys, if there are any that can be met, and leaves them in the pools. */
void hand_meet(struct step *step, uint32_t count);
/* A search begins. */
static inline void hand_begin(struct step *step)
{
    step->shards_left = VICTIM_ROUNDS * step->keyspace->shard_count;
}
/* The next shard that may have candidates; false when the search has to end. */
bool hand_next_shard(struct step *step, uint32_t *ret_shard);
/* Buckets of a table; 0 if it is garbage. */
uint32_t hand_buckets(const struct table *table);
/* The table at a position among the buckets of all tables of the shard, which becomes that in the
 * table. NULL when the shard is empty. The shard is held. */
struct table *hand_table(const struct shard *shard, uint32_t *position);
/* One try for a shard; the step then judges by no earlier time than the shard was. */
bool step_try_shard(struct step *step, struct shard *shard, bool exclusive);
bool step_may_evict(const struct step *step, const struct entry *entry);

/* ---- evict_victim.c ---- */

/* Evicts the worst key there is, or with sieve what the hand meets unused. False when nothing was
 * found. */
bool step_evict(struct step *step);

#endif
