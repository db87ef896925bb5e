/* What decoding costs: nanoseconds a request and a byte, for frames as clients send them.
 *
 *   bench_decoder [--quick]
 *
 * The input lies in memory; it is decoded as a reactor does it, a read's requests one after the
 * other, and then the decoder is rewound. */
#include "micro.h"
#include "pollard/base/thread.h"
#include "pollard/proto/decode.h"

#define LARGE ((size_t)204800)
#define READ_SIZE ((size_t)16384) /* what a reactor reads at once */
#define KEPT_MAX ((size_t)4096)

static const struct decode_limits limits = {
    .bulk_size_max = (uint64_t)512 << 20,
    .bulk_keep_max = UINT64_MAX,
    .authenticated = true,
};

struct bench {
    struct decoder *decoder;
    struct buf input;
    uint64_t requests; /* in the input */
    uint64_t bytes;    /* of all arguments decoded: what must come out, and keeps the work alive */
};

static void count(struct bench *bench, struct request *request)
{
    for (uint32_t i = 0; i < request->argc; i++) {
        bench->bytes += request->argv[i].size;
    }
    if (request->blob_count > 0) {
        request_deinit(request);
    }
}

/* All of the input in one read. */
static void decode_whole(void *context, uint64_t rounds)
{
    struct bench *bench = context;
    for (uint64_t round = 0; round < rounds; round++) {
        struct bytes rest = buf_bytes(&bench->input);
        struct request request;
        const char *error;
        uint64_t found = 0;
        while (decoder_next(bench->decoder, &rest, &limits, &request, &error) == DECODE_REQUEST) {
            count(bench, &request);
            found++;
        }
        check(found == bench->requests && rest.size == 0);
        decoder_rewind(bench->decoder);
    }
}

/* One frame with a large argument: a read's worth first, then straight into the argument's blob.
 * The copy stands for the socket's. */
static void decode_direct(void *context, uint64_t rounds)
{
    struct bench *bench = context;
    const unsigned char *data = bench->input.data;
    unsigned char kept[KEPT_MAX];
    for (uint64_t round = 0; round < rounds; round++) {
        struct bytes rest = bytes_make(data, READ_SIZE);
        struct request request;
        const char *error;
        check(decoder_next(bench->decoder, &rest, &limits, &request, &error) == DECODE_MORE);
        size_t keep = decoder_keep(bench->decoder);
        size_t at = READ_SIZE;
        check(keep <= sizeof(kept) / 2);
        memcpy(kept, rest.data, keep);
        decoder_rewind(bench->decoder);
        for (struct direct_target target = decoder_direct(bench->decoder); target.size > 0;
             target = decoder_direct(bench->decoder)) {
            check(target.size <= bench->input.size - at);
            memcpy(target.data, data + at, target.size);
            decoder_direct_filled(bench->decoder, target.size);
            at += target.size;
        }
        size_t tail = bench->input.size - at;
        check(tail <= sizeof(kept) / 2);
        memcpy(kept + keep, data + at, tail);
        rest = bytes_make(kept, keep + tail);
        check(decoder_next(bench->decoder, &rest, &limits, &request, &error) == DECODE_REQUEST);
        count(bench, &request);
        decoder_rewind(bench->decoder);
    }
}

static void report(bool quick, const char *name, struct bench *bench,
                   void (*step)(void *context, uint64_t rounds))
{
    struct micro micro = {.quick = quick, .step = step, .context = bench};
    bench->decoder = decoder_create();
    bench->bytes = 0;
    struct micro_cost cost = micro_run(&micro);
    double requests = (double)bench->requests;
    check(bench->bytes > 0);
    printf("%-34s %9.1f ns a request (fastest %9.1f), %6.3f ns a byte\n", name,
           cost.median_ns / requests, cost.fastest_ns / requests,
           cost.median_ns / (double)bench->input.size);
    decoder_destroy(&bench->decoder);
    buf_deinit(&bench->input);
}

/* ---- The inputs: keys of 16 bytes, as redis-benchmark sends them ---- */

static void put_pairs(struct buf *input, const char *command, int pairs, size_t value_size)
{
    static unsigned char value[LARGE];
    memset(value, 'x', sizeof(value));
    int arguments = value_size > 0 ? 2 * pairs : pairs;
    buf_format(input, "*%d\r\n$%zu\r\n%s\r\n", arguments + 1, strlen(command), command);
    for (int i = 0; i < pairs; i++) {
        buf_format(input, "$16\r\nkey:%012d\r\n", i);
        if (value_size > 0) {
            buf_format(input, "$%zu\r\n", value_size);
            buf_append(input, bytes_make(value, value_size));
            buf_append_text(input, "\r\n");
        }
    }
}

static void report_pipelines(bool quick)
{
    static const int depths[] = {1, 16, 64};
    static const size_t value_sizes[] = {0, 3, 32};
    for (size_t size = 0; size < sizeof(value_sizes) / sizeof(value_sizes[0]); size++) {
        for (size_t depth = 0; depth < sizeof(depths) / sizeof(depths[0]); depth++) {
            struct bench bench = {.requests = (uint64_t)depths[depth]};
            size_t value_size = value_sizes[size];
            char name[64];
            for (int i = 0; i < depths[depth]; i++) {
                put_pairs(&bench.input, value_size > 0 ? "SET" : "GET", 1, value_size);
            }
            if (value_size > 0) {
                (void)snprintf(name, sizeof(name), "SET, %zu B, pipeline %d", value_size,
                               depths[depth]);
            } else {
                (void)snprintf(name, sizeof(name), "GET, pipeline %d", depths[depth]);
            }
            report(quick, name, &bench, decode_whole);
        }
    }
}

static void report_others(bool quick)
{
    struct bench bench = {.requests = 1};
    put_pairs(&bench.input, "MSET", 10, 3);
    report(quick, "MSET of 10, 3 B", &bench, decode_whole);
    put_pairs(&bench.input, "SET", 1, LARGE);
    report(quick, "SET, 200 KB, in one read", &bench, decode_whole);
    put_pairs(&bench.input, "SET", 1, LARGE);
    report(quick, "SET, 200 KB, read into its blob", &bench, decode_direct);
    buf_append_text(&bench.input, "PING\r\n");
    report(quick, "inline PING", &bench, decode_whole);
    bench.requests = 16;
    for (int i = 0; i < 16; i++) {
        buf_format(&bench.input, "set key:%012d 'xxx yyy'\r\n", i);
    }
    report(quick, "inline SET, quoted, pipeline 16", &bench, decode_whole);
}

int main(int argc, char **argv)
{
    bool quick;
    if (!micro_arguments(argc, argv, &quick)) {
        return 2;
    }
    clock_setup();
    thread_adopt();
    report_pipelines(quick);
    report_others(quick);
    thread_release();
    return 0;
}
