/* The options of the keyspace: rows for config. */
#include "pollard/keyspace/keyspace.h"

#define FIELD(name) .offset = offsetof(struct keyspace_options, name)

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
};
const size_t keyspace_option_row_count =
    sizeof(keyspace_option_rows) / sizeof(keyspace_option_rows[0]);
