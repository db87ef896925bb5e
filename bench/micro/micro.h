/* What the micro-benchmarks share: how often a step is run and what it cost.
 *
 * A step is timed in samples of about 20 ms, after one that warms caches and finds how many rounds
 * that is. What is told is the median of the samples; the fastest stands beside it, because on a
 * machine that others use the two lie apart. Quick: one sample of one round, which proves that the
 * step runs and measures nothing. One thread, after clock_setup(). */
#ifndef POLLARD_BENCH_MICRO_H
#define POLLARD_BENCH_MICRO_H

#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICRO_SAMPLES 15
#define MICRO_SAMPLE_NS UINT64_C(20000000)

struct micro {
    bool quick;
    /* The step: runs rounds times what is measured. */
    void (*step)(void *context, uint64_t rounds);
    void *context;
};

struct micro_cost {
    double median_ns; /* a round */
    double fastest_ns;
};

/* Are the arguments none, or --quick alone? Says how it is used otherwise. */
static inline bool micro_arguments(int argc, char **argv, bool *ret_quick)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && !quick) {
        (void)fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
        return false;
    }
    *ret_quick = quick;
    return true;
}

static inline double micro_sample(const struct micro *micro, uint64_t rounds)
{
    uint64_t begin = clock_ticks();
    micro->step(micro->context, rounds);
    return (double)clock_ticks_to_ns(clock_ticks() - begin) / (double)rounds;
}

static inline int micro_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static inline struct micro_cost micro_run(const struct micro *micro)
{
    double samples[MICRO_SAMPLES];
    double once_ns = micro_sample(micro, 1);
    if (micro->quick) {
        return (struct micro_cost){once_ns, once_ns};
    }
    uint64_t rounds = 1;
    while (once_ns * (double)rounds < (double)MICRO_SAMPLE_NS && rounds < MICRO_SAMPLE_NS) {
        rounds *= 2;
        once_ns = micro_sample(micro, rounds);
    }
    for (int i = 0; i < MICRO_SAMPLES; i++) {
        samples[i] = micro_sample(micro, rounds);
    }
    qsort(samples, MICRO_SAMPLES, sizeof(samples[0]), micro_compare);
    return (struct micro_cost){samples[MICRO_SAMPLES / 2], samples[0]};
}

#endif
