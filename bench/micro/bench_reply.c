/* What writing replies costs: nanoseconds a reply, alone in its chain and 64 of them in one.
 *
 *   bench_reply [--quick]
 *
 * A round is a cycle's output: the replies are built into a chain, and the chain is cleared as it
 * is when all has been sent; its memory counts. */
#include "micro.h"
#include "pollard/base/thread.h"
#include "pollard/proto/reply.h"

#define LARGE ((size_t)204800)
#define DEPTH 64

struct bench {
    uint64_t depth; /* replies in a chain */
    size_t size;    /* bytes of a reply: what must come out */
    struct blob *blob;
    struct chain chain;
};

static void build_ok(struct reply *reply, const struct bench *bench)
{
    reply_ok(reply);
}

static void build_integer(struct reply *reply, const struct bench *bench)
{
    reply_integer(reply, 1234567);
}

static void build_null(struct reply *reply, const struct bench *bench)
{
    reply_null(reply);
}

static void build_bulk_3(struct reply *reply, const struct bench *bench)
{
    reply_bulk(reply, bytes_make(bench->blob->data, 3));
}

static void build_bulk_32(struct reply *reply, const struct bench *bench)
{
    reply_bulk(reply, bytes_make(bench->blob->data, 32));
}

static void build_bulk_1000(struct reply *reply, const struct bench *bench)
{
    reply_bulk(reply, bytes_make(bench->blob->data, 1000));
}

static void build_blob(struct reply *reply, const struct bench *bench)
{
    reply_bulk_blob(reply, bench->blob, 0, LARGE);
}

static void build_array(struct reply *reply, const struct bench *bench)
{
    reply_array(reply, 10);
    for (int i = 0; i < 10; i++) {
        reply_bulk(reply, bytes_make(bench->blob->data, 3));
    }
}

/* A step for each kind, so that the compiler sees which builder is called, as in a handler. */
#define STEP(kind)                                                                                 \
    static void step_##kind(void *context, uint64_t rounds)                                        \
    {                                                                                              \
        struct bench *bench = context;                                                             \
        for (uint64_t round = 0; round < rounds; round++) {                                        \
            struct reply reply;                                                                    \
            reply_init(&reply, &bench->chain, 2);                                                  \
            for (uint64_t i = 0; i < bench->depth; i++) {                                          \
                build_##kind(&reply, bench);                                                       \
            }                                                                                      \
            check(chain_size(&bench->chain) == bench->depth * bench->size);                        \
            chain_clear(&bench->chain);                                                            \
        }                                                                                          \
    }

STEP(ok)
STEP(integer)
STEP(null)
STEP(bulk_3)
STEP(bulk_32)
STEP(bulk_1000)
STEP(blob)
STEP(array)

struct shape {
    const char *name;
    size_t size;
    void (*step)(void *context, uint64_t rounds);
};

static const struct shape shapes[] = {
    {"+OK", 5, step_ok},
    {"integer", 10, step_integer},
    {"null", 5, step_null},
    {"bulk, 3 B", 4 + 5, step_bulk_3},
    {"bulk, 32 B", 5 + 34, step_bulk_32},
    {"bulk, 1,000 B", 7 + 1002, step_bulk_1000},
    {"bulk, 200 KB, a blob", 9 + LARGE + 2, step_blob},
    {"array of 10 bulks, 3 B", 5 + 10 * 9, step_array},
};

static struct micro_cost measure(const struct shape *shape, uint64_t depth, bool quick)
{
    struct bench bench = {.depth = depth, .size = shape->size};
    struct micro micro = {.quick = quick, .step = shape->step, .context = &bench};
    bench.blob = blob_try_create(LARGE, LARGE);
    check(bench.blob != NULL);
    memset(bench.blob->data, 'v', LARGE);
    struct micro_cost cost = micro_run(&micro);
    check(blob_is_unique(bench.blob));
    blob_release(bench.blob);
    cost.median_ns /= (double)depth;
    cost.fastest_ns /= (double)depth;
    return cost;
}

int main(int argc, char **argv)
{
    bool quick;
    if (!micro_arguments(argc, argv, &quick)) {
        return 2;
    }
    clock_setup();
    thread_adopt();
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct micro_cost alone = measure(&shapes[i], 1, quick);
        struct micro_cost many = measure(&shapes[i], DEPTH, quick);
        printf("%-24s alone %7.1f ns (fastest %7.1f), one of %d %7.1f ns (fastest %7.1f)\n",
               shapes[i].name, alone.median_ns, alone.fastest_ns, DEPTH, many.median_ns,
               many.fastest_ns);
    }
    thread_release();
    return 0;
}
