/* Trimming: giving memory back that is in use by nobody. See trim.c. Private to keyspace. */
#ifndef POLLARD_KEYSPACE_TRIM_H
#define POLLARD_KEYSPACE_TRIM_H

#include "pollard/base/mem.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct keyspace;

/* One thread at a time trims (is_running) and says what is moved; others help with the moves. */
struct trim {
    _Atomic bool is_running;
    _Atomic bool is_moving;             /* a pass is under way */
    _Atomic uint64_t quiet_until_ticks; /* the last run could do nothing */
    _Atomic uint64_t squeeze_bytes;     /* slack beyond the reserve: taken off the data's budget */
    uint64_t idle_bytes;                /* the resident size before there was data */
    _Atomic uint32_t pressure;          /* steps that a write helps with */
    _Atomic uint64_t looked_blocks;
    _Atomic uint64_t moved_blocks;
    _Atomic uint64_t moved_ticks; /* spent on it by the pool */
    /* The pass: over which part of the address space, and of which step is next. */
    _Atomic uint32_t window;
    _Atomic uint32_t windows; /* the parts there are */
    _Atomic uint8_t
        fills[MEM_CLASSES_MAX]; /* percent of a slab in use up to which its blocks move */
    _Atomic bool has_values;    /* the round's first pass met values with blocks of their own */
    _Atomic uint64_t step;      /* the next one: a shard, and which of its buckets */
    _Atomic uint32_t buckets;   /* the most that any table had in this pass */
    _Atomic uint32_t moved_by_class[MEM_CLASSES_MAX]; /* in this round */
    uint64_t stuck_bytes[MEM_CLASSES_MAX]; /* waste of a class that moving did not help */
    uint64_t quiet_ns;
    bool is_in_round; /* the plan is made, its passes are not done */
};

/* Looks at the resident size, and asks for a run if there is reason. Any thread. */
void trim_look(struct keyspace *keyspace, uint64_t limit);

#endif
