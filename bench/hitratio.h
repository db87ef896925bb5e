/* What the parts of the hit ratio benchmark share: traces, and the ways to replay one. */
#ifndef POLLARD_BENCH_HITRATIO_H
#define POLLARD_BENCH_HITRATIO_H

#include "generator.h"

/* Bytes of a key in a replay: its number in digits. */
enum { TRACE_KEY_SIZE = 12, TRACE_VALUE_SIZE = 100, TRACE_VALUE_MAX = 1024 * 1024 };
/* A request that stores its object whether it is there or not. */
#define TRACE_SET UINT32_C(0x80000000)
#define TRACE_OBJECT (TRACE_SET - 1)

struct trace {
    size_t count;
    uint32_t *requests; /* an object, numbered from 0 as they first come, and TRACE_SET */
    uint32_t *sizes;    /* of the values, one an object; NULL: TRACE_VALUE_SIZE */
    uint32_t objects;
};

/* What a replay measured, over the second half of the requests; gets are those that ask. */
struct outcome {
    uint64_t gets;
    uint64_t hits;
    uint64_t keys; /* held at the end */
};

/* name: zipf:SKEW, scan, loop, shift, or a file: .csv, or of the binary format. */
struct trace *trace_make(const char *name, uint32_t objects, size_t count, uint64_t seed);
/* Of an object, as the benchmark estimates what it takes in a cache. */
static inline uint64_t trace_cost(const struct trace *trace, uint32_t object)
{
    uint32_t size = trace->sizes != NULL ? trace->sizes[object] : TRACE_VALUE_SIZE;
    /* A header and the share of a table, in steps of 16. */
    return (8 + TRACE_KEY_SIZE + (uint64_t)size + 15) / 16 * 16 + 10;
}
static inline uint32_t trace_size(const struct trace *trace, uint32_t object)
{
    return trace->sizes != NULL ? trace->sizes[object] : TRACE_VALUE_SIZE;
}
static inline void trace_key(uint32_t object, char *key)
{
    put_digits(key, TRACE_KEY_SIZE, object);
}

/* An exact LRU of that many bytes by trace_cost, and at most so many keys. */
struct outcome replay_exact_lru(const struct trace *trace, uint64_t bytes, uint64_t keys);
/* A server at a unix socket, with so many requests on their way. */
struct outcome replay_server(const struct trace *trace, const char *path, uint32_t pipeline);

#endif
