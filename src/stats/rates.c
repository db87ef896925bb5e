/* Rates and percentiles computed from the counters when somebody asks.
 *
 * Off the data path. Invariant: the last sample is at least RATE_WINDOW_US older than the one that
 * replaces it, so that two askers in a row get the same, meaningful figure. */
#include "pollard/base/clock.h"
#include "stats_private.h"

/* At most 10 samples a second. */
#define RATE_WINDOW_US INT64_C(100000)

struct rate_sample {
    int64_t time_us; /* monotonic; 0 before the first */
    uint64_t commands;
    uint64_t input_bytes;
    uint64_t output_bytes;
};

static struct lock rates_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_RANK_STATS};
static struct rate_sample last_sample;
static struct stats_rates last_rates;
static uint64_t memory_peak;
static int64_t memory_peak_s;

void stats_rates(struct stats_rates *ret_rates)
{
    struct rate_sample now = {
        .time_us = clock_monotonic_us(),
        .commands = stats_sum_ever(STAT_commands_processed),
        .input_bytes = stats_sum_ever(STAT_net_input_bytes),
        .output_bytes = stats_sum_ever(STAT_net_output_bytes),
    };
    lock_acquire(&rates_lock);
    int64_t elapsed_us = now.time_us - last_sample.time_us;
    if (last_sample.time_us == 0) {
        last_sample = now;
    } else if (elapsed_us >= RATE_WINDOW_US) {
        double seconds = (double)elapsed_us / 1e6;
        last_rates = (struct stats_rates){
            .commands = (double)(now.commands - last_sample.commands) / seconds,
            .input_bytes = (double)(now.input_bytes - last_sample.input_bytes) / seconds,
            .output_bytes = (double)(now.output_bytes - last_sample.output_bytes) / seconds,
        };
        last_sample = now;
    }
    *ret_rates = last_rates;
    lock_release(&rates_lock);
}

double stats_percentile_us(const struct stats_command_sum *sum, double percentile)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < STATS_HISTOGRAM_BUCKETS; i++) {
        total += sum->histogram[i];
    }
    double wanted = (double)total * percentile / 100.0;
    if (total == 0) {
        return 0;
    }
    double below = 0;
    for (unsigned i = 0; i < STATS_HISTOGRAM_BUCKETS; i++) {
        double count = (double)sum->histogram[i];
        if (count > 0 && below + count >= wanted) {
            /* Calls are taken as spread evenly over their bucket. */
            double lower = i == 0 ? 0 : (double)(UINT64_C(1) << i);
            double upper = (double)(UINT64_C(2) << i);
            double share = wanted <= below ? 0 : (wanted - below) / count;
            return (lower + (upper - lower) * share) / 1000.0;
        }
        below += count;
    }
    return (double)(UINT64_C(1) << STATS_HISTOGRAM_BUCKETS) / 1000.0;
}

uint64_t stats_memory_peak(uint64_t used_bytes, int64_t now_s, int64_t *ret_peak_s)
{
    lock_acquire(&rates_lock);
    if (used_bytes > memory_peak) {
        memory_peak = used_bytes;
        memory_peak_s = now_s;
    }
    *ret_peak_s = memory_peak_s;
    uint64_t peak = memory_peak;
    lock_release(&rates_lock);
    return peak;
}
