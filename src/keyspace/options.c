/* The options of the keyspace: rows for config. */
#include "pollard/base/mem.h"
#include "pollard/keyspace/keyspace.h"

#include "evict.h"

#define FIELD(name) .offset = offsetof(struct keyspace_options, name)

#define LRU (CLOCK_USE | ORDER_AGE)
#define LRM (CLOCK_CHANGE | ORDER_AGE)
#define LFU (CLOCK_LFU | ORDER_COUNT)
#define TINYLFU (CLOCK_TINYLFU | ORDER_COUNT)
#define S3FIFO (CLOCK_S3FIFO | ORDER_COUNT)
#define SIEVE (CLOCK_SIEVE | ORDER_COUNT)

static const struct option_choice policies[] = {
    {"volatile-lru", LRU | POLICY_VOLATILE},
    {"volatile-lfu", LFU | POLICY_VOLATILE},
    {"volatile-lrm", LRM | POLICY_VOLATILE},
    {"volatile-random", CLOCK_USE | ORDER_RANDOM | POLICY_VOLATILE},
    {"volatile-ttl", CLOCK_USE | ORDER_TTL | POLICY_VOLATILE},
    {"volatile-tinylfu", TINYLFU | POLICY_VOLATILE},
    {"volatile-s3fifo", S3FIFO | POLICY_VOLATILE},
    {"volatile-sieve", SIEVE | POLICY_VOLATILE},
    {"allkeys-lru", LRU},
    {"allkeys-lfu", LFU},
    {"allkeys-lrm", LRM},
    {"allkeys-random", CLOCK_USE | ORDER_RANDOM},
    {"allkeys-tinylfu", TINYLFU},
    {"allkeys-s3fifo", S3FIFO},
    {"allkeys-sieve", SIEVE},
    {"noeviction", POLICY_NONE | LRU},
    {NULL, 0},
};

const char *keyspace_policy_name(const struct keyspace_options *options)
{
    int64_t policy = option_get(&options->maxmemory_policy);
    const struct option_choice *choice = policies;
    while (choice->name != NULL && choice->value != policy) {
        choice++;
    }
    return choice->name;
}

int64_t keyspace_policy_find(const char *name)
{
    const struct option_choice *choice = policies;
    while (choice->name != NULL && strcmp(choice->name, name) != 0) {
        choice++;
    }
    return choice->name == NULL ? -1 : choice->value;
}

bool keyspace_knows_idle(const struct keyspace_options *options)
{
    return (policy_of(&options->maxmemory_policy) & POLICY_CLOCK) <= CLOCK_CHANGE;
}

bool keyspace_knows_uses(const struct keyspace_options *options)
{
    uint32_t kind = policy_of(&options->maxmemory_policy) & POLICY_CLOCK;
    return kind == CLOCK_LFU || kind == CLOCK_TINYLFU;
}

static const char *check_separator(void *owner, struct bytes value)
{
    (void)owner;
    return value.size > 1 ? "prefix-separator must be one byte or empty" : NULL;
}

static const char *parse_reserve(void *owner, struct bytes value)
{
    struct keyspace_options *options = owner;
    return option_parse_share(&options->reserve, value);
}

static void print_reserve(const void *owner, struct buf *value)
{
    const struct keyspace_options *options = owner;
    option_print_share(&options->reserve, value);
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
     .whole = mem_system_size,
     .doc = "Memory of the process: the data, and the reserve for all else. A percentage is one of "
            "the machine's memory, or of the cgroup's limit if that is lower, at least 1%, and "
            "is shown in bytes. 0: no limit."},
    {.name = "maxmemory-reserve",
     .kind = OPTION_SPECIAL,
     .flags = OPTION_OWN,
     FIELD(reserve),
     .fallback = "10%",
     .section = "keys",
     .doc = "The part of maxmemory that is kept from the data, for clients and for what the "
            "allocator cannot use: bytes, or a percentage. If maxmemory-clients is set, at most "
            "that. Clients with large buffers are closed while all clients take more than this.",
     .parse = parse_reserve,
     .print = print_reserve},
    {.name = "maxmemory-policy",
     .kind = OPTION_ENUM,
     FIELD(maxmemory_policy),
     .fallback = "noeviction",
     .choices = policies,
     .section = "keys",
     .doc = "Which keys go when maxmemory is reached; with noeviction none, and commands that may "
            "need memory are refused. volatile policies evict only keys with an expiry; lrm is "
            "the least recently modified. For a cache allkeys-tinylfu keeps the right keys best. "
            "Hit ratios with room for 1% of the keys, by Zipf 0.9 / while popularity moves "
            "(docs/benchmarks.md): tinylfu 43% / 36%, s3fifo 43% / 36%, lfu 43% / 19%, sieve "
            "36% / 34%, lru 33% / 32%, random 29% / 29%."},
    {.name = "maxmemory-samples",
     .kind = OPTION_NUMBER,
     FIELD(maxmemory_samples),
     .fallback = "5",
     .min = 1,
     .max = INT32_MAX,
     .section = "keys",
     .doc = "Keys that are newly looked at for each that is evicted, besides the worst of those "
            "seen before. More than 64 count as 64; sieve looks at what it has to."},
    {.name = "lfu-log-factor",
     .kind = OPTION_NUMBER,
     FIELD(lfu_log_factor),
     .fallback = "10",
     .min = 0,
     .max = INT32_MAX,
     .section = "keys",
     .doc = "How slowly the counters of the lfu policies rise."},
    {.name = "lfu-decay-time",
     .kind = OPTION_NUMBER,
     FIELD(lfu_decay_time),
     .fallback = "1",
     .min = 0,
     .max = INT32_MAX,
     .unit = "min",
     .section = "keys",
     .doc = "Time without use after which a counter of the lfu policies falls by one; 0: never."},
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
    {.name = "activedefrag",
     .kind = OPTION_BOOL,
     FIELD(activedefrag),
     .fallback = "no",
     .section = "keys",
     .doc = "Move small values together when much memory lies unused between them. Near maxmemory "
            "this is done in any case."},
    {.name = "active-defrag-ignore-bytes",
     .kind = OPTION_MEMORY,
     FIELD(defrag_ignore_bytes),
     .fallback = "104857600",
     .min = 1,
     .max = INT64_MAX,
     .unit = "bytes",
     .section = "keys",
     .doc = "Least unused memory for activedefrag to begin."},
    {.name = "active-defrag-threshold-lower",
     .kind = OPTION_NUMBER,
     FIELD(defrag_threshold),
     .fallback = "10",
     .min = 0,
     .max = 1000,
     .section = "keys",
     .doc = "Least unused memory for activedefrag to begin, in percent of what is used."},
};
const size_t keyspace_option_row_count =
    sizeof(keyspace_option_rows) / sizeof(keyspace_option_rows[0]);
