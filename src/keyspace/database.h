/* A physical database: what a logical one maps to until it is flushed. Private to keyspace.
 *
 * Its counters are changed by writers of any shard, with relaxed additions. It lives until the last
 * table of it has been reclaimed. */
#ifndef POLLARD_KEYSPACE_DATABASE_H
#define POLLARD_KEYSPACE_DATABASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct database {
    _Atomic int64_t keys;
    _Atomic int64_t expires;
    _Atomic int64_t ttl_sum_ms; /* of the keys the expiry index looked at last, decayed */
    _Atomic int64_t ttl_samples;
    _Atomic bool is_dead; /* flushed: its tables are garbage */
    struct database *next_dead;
};

#endif
