/* The options of statistics: rows for config. */
#include "pollard/base/number.h"
#include "pollard/base/text.h"
#include "pollard/stats/commandlog.h"

static const char *parse_percentiles(void *owner, struct bytes value)
{
    struct stats_options *options = owner;
    struct buf storage = {0};
    struct bytes words[STATS_PERCENTILES_MAX];
    double percentiles[STATS_PERCENTILES_MAX];
    int count = text_split_words(value, &storage, words, STATS_PERCENTILES_MAX);
    const char *error = count < 0 ? "Invalid latency-tracking-info-percentiles parameters" : NULL;
    for (int i = 0; i < count && error == NULL; i++) {
        if (!number_parse_double(words[i], &percentiles[i])) {
            error = "Invalid latency-tracking-info-percentiles parameters";
        } else if (percentiles[i] < 0 || percentiles[i] > 100) {
            error = "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
        }
    }
    for (int i = 0; i < count && error == NULL; i++) {
        atomic_store_explicit(&options->latency_percentiles[i], percentiles[i],
                              memory_order_relaxed);
    }
    if (error == NULL) {
        option_put(&options->latency_percentile_count, count);
    }
    buf_deinit(&storage);
    return error;
}

static void print_percentiles(const void *owner, struct buf *value)
{
    const struct stats_options *options = owner;
    int64_t count = option_get(&options->latency_percentile_count);
    for (int64_t i = 0; i < count; i++) {
        buf_format(value, "%s%g", i == 0 ? "" : " ", stats_percentile_get(options, (size_t)i));
    }
}

#define FIELD(name) .offset = offsetof(struct stats_options, name)
#define THRESHOLD(kind) FIELD(commandlog_threshold[COMMANDLOG_##kind])
#define MAX_SIZE(kind) FIELD(commandlog_max_size[COMMANDLOG_##kind])

const struct option_row stats_option_rows[] = {
    {.name = "slowlog-log-slower-than",
     .alias = "commandlog-execution-slower-than",
     .kind = OPTION_NUMBER,
     THRESHOLD(SLOW),
     .fallback = "10000",
     .min = -1,
     .max = INT64_MAX,
     .unit = "us",
     .section = "statistics",
     .doc = "Commands that run longer go into the slow log; 0 logs all, -1 none."},
    {.name = "slowlog-max-len",
     .alias = "commandlog-slow-execution-max-len",
     .kind = OPTION_NUMBER,
     MAX_SIZE(SLOW),
     .fallback = "128",
     .min = 0,
     .max = INT64_MAX,
     .unit = "entries",
     .section = "statistics",
     .doc = "Most entries of the slow log; the oldest go first."},
    {.name = "commandlog-request-larger-than",
     .kind = OPTION_NUMBER,
     THRESHOLD(LARGE_REQUEST),
     .fallback = "1048576",
     .min = -1,
     .max = INT64_MAX,
     .unit = "bytes",
     .section = "statistics",
     .doc = "Larger requests go into the log of large requests; 0 logs all, -1 none."},
    {.name = "commandlog-large-request-max-len",
     .kind = OPTION_NUMBER,
     MAX_SIZE(LARGE_REQUEST),
     .fallback = "128",
     .min = 0,
     .max = INT64_MAX,
     .unit = "entries",
     .section = "statistics",
     .doc = "Most entries of the log of large requests."},
    {.name = "commandlog-reply-larger-than",
     .kind = OPTION_NUMBER,
     THRESHOLD(LARGE_REPLY),
     .fallback = "1048576",
     .min = -1,
     .max = INT64_MAX,
     .unit = "bytes",
     .section = "statistics",
     .doc = "Commands with larger replies go into the log of large replies; 0 logs all, -1 none."},
    {.name = "commandlog-large-reply-max-len",
     .kind = OPTION_NUMBER,
     MAX_SIZE(LARGE_REPLY),
     .fallback = "128",
     .min = 0,
     .max = INT64_MAX,
     .unit = "entries",
     .section = "statistics",
     .doc = "Most entries of the log of large replies."},
    {.name = "latency-monitor-threshold",
     .kind = OPTION_NUMBER,
     FIELD(latency_monitor_threshold),
     .fallback = "0",
     .min = 0,
     .max = INT64_MAX,
     .unit = "ms",
     .section = "statistics",
     .doc = "Events that take at least so long are kept for LATENCY; 0 keeps none."},
    {.name = "latency-tracking",
     .kind = OPTION_BOOL,
     FIELD(latency_tracking),
     .fallback = "yes",
     .section = "statistics",
     .doc = "Show percentiles of each command's run time in INFO and LATENCY HISTOGRAM."},
    {.name = "latency-tracking-info-percentiles",
     .kind = OPTION_SPECIAL,
     .flags = OPTION_WORDS,
     .fallback = "50 99 99.9",
     .section = "statistics",
     .doc = "Which percentiles INFO latencystats shows.",
     .parse = parse_percentiles,
     .print = print_percentiles},
};
const size_t stats_option_row_count = sizeof(stats_option_rows) / sizeof(stats_option_rows[0]);
