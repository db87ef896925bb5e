/* INFO sections about commands and errors: commandstats, errorstats, latencystats. A line for each
 * command that was called or refused. */
#include "info.h"
#include "pollard/base/clock.h"
#include "pollard/stats/commandlog.h"

void info_commandstats(const struct info *info)
{
    for (uint32_t i = 0; i < command_table_count(); i++) {
        struct stats_command_sum sum;
        stats_command_sum(i, &sum);
        if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) {
            continue;
        }
        uint64_t usec = clock_ticks_to_ns(sum.ticks) / 1000;
        double per_call = sum.calls == 0 ? 0 : (double)usec / (double)sum.calls;
        buf_format(info->text,
                   "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,"
                   "failed_calls=%llu\r\n",
                   command_by_id(i)->full_name, (unsigned long long)sum.calls,
                   (unsigned long long)usec, per_call, (unsigned long long)sum.rejected,
                   (unsigned long long)sum.failed);
    }
}

static void print_error(void *argument, const char *code, uint64_t count)
{
    const struct info *info = argument;
    /* A client can make up code words: what would break the line is not printed. */
    buf_append_text(info->text, "errorstat_");
    for (const char *c = code; *c != '\0'; c++) {
        bool breaks = *c == ':' || *c == ',' || *c == '=' || *c < ' ' || *c > '~';
        buf_append_byte(info->text, breaks ? '_' : (unsigned char)*c);
    }
    buf_format(info->text, ":count=%llu\r\n", (unsigned long long)count);
}

void info_errorstats(const struct info *info)
{
    stats_errors_each(print_error, (void *)info);
}

static void print_percentiles(const struct info *info, const struct stats_command_sum *sum)
{
    const struct stats_options *options = info->services->stats_options;
    int64_t count = option_get(&options->latency_percentile_count);
    for (int64_t i = 0; i < count; i++) {
        double percentile = stats_percentile_get(options, (size_t)i);
        buf_format(info->text, "%sp%g=%.3f", i == 0 ? "" : ",", percentile,
                   stats_percentile_us(sum, percentile));
    }
}

void info_latencystats(const struct info *info)
{
    if (option_get(&info->services->stats_options->latency_tracking) == 0) {
        return;
    }
    for (uint32_t i = 0; i < command_table_count(); i++) {
        struct stats_command_sum sum;
        stats_command_sum(i, &sum);
        if (sum.calls > 0) {
            buf_format(info->text, "latency_percentiles_usec_%s:", command_by_id(i)->full_name);
            print_percentiles(info, &sum);
            buf_append_text(info->text, "\r\n");
        }
    }
}
