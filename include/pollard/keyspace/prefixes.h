/* What fills the keyspace, by key prefix: the bytes of a key before its first separator.
 *
 * Keys, bytes and evictions are counted at each change; hits, misses and sets are sampled
 * (stats/sampler.h) and scaled. The number of prefixes is bounded: those that come when there are
 * as many as prefix-max share one row, for good. */
#ifndef POLLARD_KEYSPACE_PREFIXES_H
#define POLLARD_KEYSPACE_PREFIXES_H

#include "pollard/base/bytes.h"

struct keyspace;

/* One lookup or store in so many is looked at, once there were some hundred. Measured with
 * bench/instructions, hot keys counted too: GET and SET take 0.6 % more. */
#define PREFIX_SAMPLE_RATIO 128

enum prefix_kind {
    PREFIX_NONE,  /* keys without a separator in their first bytes */
    PREFIX_OTHER, /* prefixes beyond the bound */
    PREFIX_NAMED
};

struct prefix_row {
    enum prefix_kind kind;
    struct bytes name; /* NAMED: lives as long as the keyspace */
    uint64_t keys;
    uint64_t bytes; /* entries and values; long elements of collections are estimated */
    uint64_t hits;
    uint64_t misses;
    uint64_t misses_expired; /* of those: the key was there, and its time was over */
    uint64_t evictions;
    uint64_t sets; /* values stored, or changed in place */
};

/* Are prefixes counted at all? */
bool keyspace_has_prefixes(const struct keyspace *keyspace);
/* All prefixes of all databases, those with most bytes first, none that has nothing to tell.
 * Returns how many; *ret_rows is the caller's, to be freed with mem_free. Any thread, no shard lock
 * held. O(prefixes x threads). */
size_t keyspace_prefixes(struct keyspace *keyspace, struct prefix_row **ret_rows);
/* Sets hits, misses, sets and evictions to 0 (CONFIG RESETSTAT). Any thread. */
void keyspace_prefixes_reset(struct keyspace *keyspace);

#endif
