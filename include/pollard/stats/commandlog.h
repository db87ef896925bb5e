/* The command logs: slow commands, large requests, large replies (SLOWLOG, COMMANDLOG). Ring
 * buffers under a lock that only commands over a threshold take. */
#ifndef POLLARD_STATS_COMMANDLOG_H
#define POLLARD_STATS_COMMANDLOG_H

#include "pollard/base/bytes.h"
#include "pollard/base/option.h"

enum commandlog_kind {
    COMMANDLOG_SLOW,
    COMMANDLOG_LARGE_REQUEST,
    COMMANDLOG_LARGE_REPLY,
    COMMANDLOG_KINDS
};

#define STATS_PERCENTILES_MAX 16

struct stats_options {
    option_number commandlog_threshold[COMMANDLOG_KINDS];      /* us, bytes, bytes; -1 off, 0 all */
    option_number commandlog_max_size[COMMANDLOG_KINDS];       /* entries */
    option_number latency_monitor_threshold;                   /* ms, 0 off */
    option_number latency_tracking;                            /* bool: histograms */
    _Atomic double latency_percentiles[STATS_PERCENTILES_MAX]; /* stats_percentile_get */
    option_number latency_percentile_count;
};

static inline double stats_percentile_get(const struct stats_options *options, size_t index)
{
    return atomic_load_explicit((_Atomic double *)&options->latency_percentiles[index],
                                memory_order_relaxed);
}

extern const struct option_row stats_option_rows[];
extern const size_t stats_option_row_count;

/* Arguments kept of an entry, and bytes of each: as Redis. */
#define COMMANDLOG_ARGUMENTS_MAX 32
#define COMMANDLOG_ARGUMENT_SIZE_MAX 128

struct commandlog_entry {
    int64_t id;
    int64_t time_s;
    int64_t value; /* us or bytes */
    size_t argument_count;
    /* The last one may read "... (N more arguments)". */
    struct buf arguments[COMMANDLOG_ARGUMENTS_MAX];
    struct buf peer;
    struct buf client_name;
};

/* A call as the logs keep it; everything is borrowed. */
struct commandlog_call {
    const struct bytes *argv;
    size_t argc;
    struct bytes peer;
    struct bytes client_name;
};

/* Adds an entry (arguments are trimmed and copied). options: for the maximum size. */
void commandlog_add(const struct stats_options *options, enum commandlog_kind kind, int64_t value,
                    const struct commandlog_call *call);
/* Visits the newest first, at most count (-1: all), each under the log's lock. */
void commandlog_each(enum commandlog_kind kind, int64_t count,
                     void (*visit)(void *argument, const struct commandlog_entry *entry),
                     void *argument);
size_t commandlog_length(enum commandlog_kind kind);
void commandlog_reset(enum commandlog_kind kind);
void commandlog_teardown(void);

/* Latency events (LATENCY LATEST, HISTORY, RESET, GRAPH, DOCTOR): at most 160 samples an event. */
#define LATENCY_SAMPLES_MAX 160
struct latency_sample {
    int64_t time_s;
    uint32_t latency_ms;
};
struct latency_event {
    const char *name;
    size_t sample_count; /* oldest first */
    struct latency_sample samples[LATENCY_SAMPLES_MAX];
    uint32_t max_ms;
};
/* Records when latency_ms reaches the threshold option (0: never). name is static memory:
 * "command", "fast-command", "expire-cycle", ... */
void latency_add(const struct stats_options *options, const char *name, int64_t latency_ms);
void latency_each(void (*visit)(void *argument, const struct latency_event *event), void *argument);
/* Resets the event of that name, or all when name.size is 0; returns how many were. */
size_t latency_reset(struct bytes name);

#endif
