/* stats: what happened, counted per thread and summed on demand. Floor 2.
 *
 * Every thread adds to a block of its own with stat_add (a relaxed load and store, no locked
 * instruction); readers sum all blocks. A reset remembers the sums and subtracts them from then on:
 * no thread ever writes another's block. */
#ifndef POLLARD_STATS_STATS_H
#define POLLARD_STATS_STATS_H

#include "pollard/base/attr.h"
#include "pollard/base/clock.h"
#include "pollard/base/thread.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t stat_counter;

/* The plain counters, each a row: STAT(field). INFO prints them by these. */
#define STATS_COUNTERS(STAT)                                                                       \
    STAT(connections_received)                                                                     \
    STAT(connections_rejected)                                                                     \
    STAT(commands_processed)                                                                       \
    STAT(net_input_bytes)                                                                          \
    STAT(net_output_bytes)                                                                         \
    STAT(keyspace_hits)                                                                            \
    STAT(keyspace_misses)                                                                          \
    STAT(expired_keys)                                                                             \
    STAT(expired_subkeys)                                                                          \
    STAT(expire_time_caps)                                                                         \
    STAT(expire_cycle_us)                                                                          \
    STAT(evicted_keys)                                                                             \
    STAT(lazyfreed_objects)                                                                        \
    STAT(changes)                                                                                  \
    STAT(error_replies)                                                                            \
    STAT(auth_failures)                                                                            \
    STAT(command_denials)                                                                          \
    STAT(reads_processed)                                                                          \
    STAT(writes_processed)                                                                         \
    STAT(client_input_limit_cuts)                                                                  \
    STAT(client_output_limit_cuts)                                                                 \
    STAT(clients_evicted)                                                                          \
    STAT(pool_jobs)                                                                                \
    STAT(pool_jobs_busy_shard)                                                                     \
    STAT(lock_spins)                                                                               \
    STAT(parse_batches)                                                                            \
    STAT(parse_batch_commands)

enum stat_index {
#define STAT(field) STAT_##field,
    STATS_COUNTERS(STAT)
#undef STAT
        STAT_COUNT
};

/* Latency histogram of a command: bucket i counts calls of [2^i, 2^(i+1)) ns, 0 .. 39. */
#define STATS_HISTOGRAM_BUCKETS 40

struct stats_command {
    stat_counter calls;
    stat_counter ticks;    /* clock_ticks spent */
    stat_counter rejected; /* refused before the handler ran */
    stat_counter failed;   /* the handler replied an error */
    stat_counter histogram[STATS_HISTOGRAM_BUCKETS];
};

struct stats_thread {
    stat_counter counters[STAT_COUNT];
    _Atomic(struct stats_command *) *commands; /* one pointer a command, made at its first call */
    size_t command_count;
} ATTR_ALIGNED(CACHE_LINE);

static inline void stat_counter_add(stat_counter *counter, uint64_t amount)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + amount,
                          memory_order_relaxed);
}

/* command_count: how many commands (with subcommands) the table has. Before threads. */
void stats_setup(size_t command_count);
void stats_teardown(void);
/* The calling thread's block; made at the first call, kept (and still summed) after its end. */
extern _Thread_local struct stats_thread *stats_self_cached;
struct stats_thread *stats_self_make(void);
static inline struct stats_thread *stats_self(void)
{
    struct stats_thread *self = stats_self_cached;
    return LIKELY(self != NULL) ? self : stats_self_make();
}
static inline void stat_add(enum stat_index index, uint64_t amount)
{
    stat_counter_add(&stats_self()->counters[index], amount);
}
/* One call of a command done: ticks is its duration. */
struct stats_command *stats_command_make(struct stats_thread *self, uint32_t command);
static inline unsigned stats_bucket_of(uint64_t ns)
{
    unsigned bucket = 63 - (unsigned)__builtin_clzll(ns | 1);
    return bucket < STATS_HISTOGRAM_BUCKETS ? bucket : STATS_HISTOGRAM_BUCKETS - 1;
}
static inline void stats_command_done(struct stats_thread *self, uint32_t command, uint64_t ticks,
                                      bool failed)
{
    struct stats_command *figures =
        atomic_load_explicit(&self->commands[command], memory_order_relaxed);
    if (UNLIKELY(figures == NULL)) {
        figures = stats_command_make(self, command);
    }
    stat_counter_add(&figures->calls, 1);
    stat_counter_add(&figures->ticks, ticks);
    stat_counter_add(&figures->histogram[stats_bucket_of(clock_ticks_to_ns(ticks))], 1);
    if (UNLIKELY(failed)) {
        stat_counter_add(&figures->failed, 1);
    }
}
void stats_command_rejected(uint32_t command);

/* Sums over threads, minus what the last reset took. Any thread. */
uint64_t stats_sum(enum stat_index index);
/* The same since the start of the process, whatever was reset. */
uint64_t stats_sum_ever(enum stat_index index);
struct stats_command_sum {
    uint64_t calls;
    uint64_t ticks;
    uint64_t rejected;
    uint64_t failed;
    uint64_t histogram[STATS_HISTOGRAM_BUCKETS];
};
void stats_command_sum(uint32_t command, struct stats_command_sum *ret_sum);
/* The run time that percentile (0 .. 100) of the calls stayed within, interpolated in its bucket:
 * us. 0 without calls. */
double stats_percentile_us(const struct stats_command_sum *sum, double percentile);
/* CONFIG RESETSTAT: counters, figures of commands with their histograms, and errors. */
void stats_reset(void);

/* Error replies by code word ("ERR", "WRONGTYPE"), for INFO errorstats; at most 128 different
 * ones are kept. Takes a lock: errors are rare. */
void stats_error(const char *code);
void stats_errors_each(void (*visit)(void *argument, const char *code, uint64_t count),
                       void *argument);

/* Rates over the last seconds (instantaneous_ops_per_sec, input and output kbps): sampled when
 * asked, at most 10 times a second: no timer. */
struct stats_rates {
    double commands;
    double input_bytes;
    double output_bytes;
};
void stats_rates(struct stats_rates *ret_rates);

/* The highest use of memory that any call has told, and when (s since the epoch): peaks are seen by
 * who looks. Any thread. */
uint64_t stats_memory_peak(uint64_t used_bytes, int64_t now_s, int64_t *ret_peak_s);

#endif
