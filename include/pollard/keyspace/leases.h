/* Leases: against a stampede, one caller at a time is to rebuild the value of a key, which may be
 * missing. A lease is a note of the key's shard (notes.h) and lives for a bounded time.
 *
 *   key_lease -> token --- key_take_lease(token): the value is brought
 *                     +--- its time is over
 *                     +--- the key is written or deleted by others, its database flushed or swapped
 *
 * That the value expires, is evicted, or gets another expiry does not end it.
 * Threads: under the exclusive lock of the key's shard. */
#ifndef POLLARD_KEYSPACE_LEASES_H
#define POLLARD_KEYSPACE_LEASES_H

#include "pollard/keyspace/access.h"

/* Leases out in a shard; more are refused. */
#define SHARD_LEASES_MAX 1024

struct key_lease {
    uint64_t token; /* unguessable, never 0 */
    int64_t end_ms;
    bool is_new; /* given to this caller */
};

/* WRITE access. The lease of the key: a new one for so many ms (above 0) if none is out. STATUS_OK;
 * STATUS_LEASES_FULL. O(1). */
enum status key_lease(struct access *access, uint32_t index, int64_t ms,
                      struct key_lease *ret_lease);
/* Ends the lease if it is still out and has this token; else false. WRITE access. O(1). */
bool key_take_lease(struct access *access, uint32_t index, uint64_t token);
/* Keys with a lease that nobody has taken yet, those that are just over included. Any thread. */
uint64_t keyspace_leased_keys(const struct keyspace *keyspace);

#endif
