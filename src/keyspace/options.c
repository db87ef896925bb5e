/* The options of the keyspace: rows for config. */
#include "pollard/keyspace/keyspace.h"

#define FIELD(name) .offset = offsetof(struct keyspace_options, name)

static const char *check_separator(void *owner, struct bytes value)
{
    (void)owner;
    return value.size > 1 ? "prefix-separator must be one byte or empty" : NULL;
}

const struct option_row keyspace_option_rows[] = {
    {.name = "databases",
     .kind = OPTION_NUMBER,
     .flags = OPTION_IMMUTABLE,
     FIELD(databases),
     .fallback = "16",
     .min = 1,
     .max = 1000000,
     .section = "keys",
     .doc = "How many databases SELECT can choose from. An empty one costs nothing."},
    {.name = "shards",
     .kind = OPTION_NUMBER,
     .flags = OPTION_IMMUTABLE | OPTION_OWN,
     FIELD(shards),
     .fallback = "0",
     .min = 0,
     .max = 65536,
     .section = "keys",
     .doc = "Locks that the keys are spread over, rounded up to a power of two. 0: chosen from "
            "threads and maxmemory."},
    {.name = "maxmemory",
     .kind = OPTION_MEMORY,
     FIELD(maxmemory),
     .fallback = "0",
     .min = 0,
     .max = INT64_MAX,
     .unit = "bytes",
     .section = "keys",
     .doc = "Memory from which on commands that may need more are refused with an OOM error; 0: "
            "no limit."},
    {.name = "prefix-stats",
     .kind = OPTION_BOOL,
     .flags = OPTION_IMMUTABLE | OPTION_OWN,
     FIELD(prefix_stats),
     .fallback = "yes",
     .section = "keys",
     .doc = "Count keys, bytes, hits, misses, sets and evictions by key prefix, for INFO "
            "prefixes."},
    {.name = "prefix-max",
     .kind = OPTION_NUMBER,
     .flags = OPTION_IMMUTABLE | OPTION_OWN,
     FIELD(prefix_max),
     .fallback = "256",
     .min = 1,
     .max = 65536,
     .unit = "prefixes",
     .section = "keys",
     .doc = "Most prefixes that are told apart, the first ones that come; all others share one "
            "row of INFO prefixes."},
    {.name = "prefix-separator",
     .kind = OPTION_TEXT,
     .flags = OPTION_IMMUTABLE | OPTION_OWN,
     FIELD(prefix_separator),
     .fallback = ":",
     .section = "keys",
     .doc = "The byte that ends a key's prefix, at its first place in the key. \"\": prefixes are "
            "not counted.",
     .parse = check_separator},
};
const size_t keyspace_option_row_count =
    sizeof(keyspace_option_rows) / sizeof(keyspace_option_rows[0]);
