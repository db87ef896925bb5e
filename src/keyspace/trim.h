/* Trimming: giving memory back that is in use by nobody. See trim.c. Private to keyspace. */
#ifndef POLLARD_KEYSPACE_TRIM_H
#define POLLARD_KEYSPACE_TRIM_H

#include "pollard/base/mem.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct keyspace;

/* A pass empties some of these windows: those whose 1 MB of addresses have a number that is the
 * same modulo their count. What it copies before it frees is 1/64 for each; a slab that lies in two
 * goes with the later one. */
#define TRIM_WINDOW_SHIFT 20
#define TRIM_WINDOWS 64

/* One thread at a time trims (is_running) and says what is moved; others help with the moves. */
struct trim {
    _Atomic bool is_running;
    _Atomic bool is_moving;             /* a pass is under way */
    _Atomic uint64_t quiet_until_ticks; /* the last run could do nothing */
    _Atomic uint64_t squeeze_bytes;     /* slack beyond the reserve: taken off the data's budget */
    uint64_t idle_bytes;                /* the resident size before there was data */
    uint64_t own_bytes;                 /* the resident size before there was data */
    _Atomic uint64_t stuck_at_bytes;    /* resident when waiting had not helped; 0: it has */
    _Atomic uint64_t hard_since_ticks;  /* writers wait; 0: they do not */
    _Atomic uint32_t pressure;          /* steps that a write helps with */
    _Atomic uint64_t looked_blocks;
    _Atomic uint64_t moved_blocks;
    _Atomic uint64_t looked_keys;
    _Atomic uint64_t moved_keys;
    _Atomic uint64_t moved_ticks;  /* spent on it by the pool */
    _Atomic uint64_t rested_ticks; /* of it, until the last rest */
    /* The pass: over which part of the address space, and of which step is next. */
    _Atomic uint32_t window;
    _Atomic uint32_t span; /* windows from there */
    _Atomic uint8_t
        fills[MEM_CLASSES_MAX]; /* percent of a slab in use up to which its blocks move */
    _Atomic bool has_values;    /* some have blocks of their own, as the pass over window 0 saw */
    _Atomic bool saw_values;
    _Atomic uint64_t step;   /* the next one: a shard, and which of its buckets */
    _Atomic uint32_t levels; /* of buckets that are one shard's step each */
    _Atomic uint32_t moved_by_class[MEM_CLASSES_MAX]; /* in this pass */
    /* Of the one that runs. */
    uint64_t stuck_bytes[MEM_CLASSES_MAX]; /* waste of a class that moving did not help */
    uint64_t moved_bytes[MEM_CLASSES_MAX]; /* since window 0 */
    bool was_planned[MEM_CLASSES_MAX];     /* in all passes since window 0 */
    uint64_t round_bytes;      /* resident at the end of the last pass over the last window */
    uint64_t vain_until_ticks; /* that round brought little */
    uint64_t quiet_ns;
    bool is_in_pass;
};

/* Looks at the resident size, and asks for a run if there is reason. Any thread. */
void trim_look(struct keyspace *keyspace, uint64_t limit);
/* Makes the first step of a pass the next one. No shard held. */
void trim_begin(struct keyspace *keyspace);
/* One step of the pass: the next buckets of the next shard, from the last to the first: where a
 * table shrinks meanwhile, its last bucket joins one before it. False: the pass has no more. Some
 * microseconds; no shard held. Any thread. */
bool trim_step(struct keyspace *keyspace);

#endif
