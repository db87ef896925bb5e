/* Tests of counters, command figures, error counts and percentiles. */
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/stats/commandlog.h"
#include "pollard/stats/sampler.h"
#include "pollard/stats/stats.h"
#include <criterion/criterion.h>
#include <stdio.h>

static void begin(void)
{
    thread_adopt();
    clock_setup();
    stats_setup(4);
}

static void end(void)
{
    stats_teardown();
    commandlog_teardown();
    thread_release();
}

static void count_some(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        stat_add(STAT_keyspace_hits, 1);
        stats_command_done(stats_self(), 1, 100, i % 10 == 0);
    }
}

Test(stats, sums_over_threads_that_ended)
{
    begin();
    for (int i = 0; i < 4; i++) {
        struct thread *a = thread_start("a", count_some, NULL);
        struct thread *b = thread_start("b", count_some, NULL);
        thread_join(&a);
        thread_join(&b);
    }
    cr_assert_eq(stats_sum(STAT_keyspace_hits), 8000);
    struct stats_command_sum sum;
    stats_command_sum(1, &sum);
    cr_assert_eq(sum.calls, 8000);
    cr_assert_eq(sum.ticks, 800000);
    cr_assert_eq(sum.failed, 800);
    stats_command_sum(2, &sum);
    cr_assert_eq(sum.calls, 0);
    end();
}

Test(stats, reset_moves_the_zero_line)
{
    begin();
    count_some(NULL);
    stats_command_rejected(1);
    stats_error("WRONGTYPE");
    stats_reset();
    cr_assert_eq(stats_sum(STAT_keyspace_hits), 0);
    cr_assert_eq(stats_sum_ever(STAT_keyspace_hits), 1000);
    struct stats_command_sum sum;
    stats_command_sum(1, &sum);
    cr_assert_eq(sum.calls + sum.ticks + sum.rejected + sum.failed, 0);
    for (unsigned i = 0; i < STATS_HISTOGRAM_BUCKETS; i++) {
        cr_assert_eq(sum.histogram[i], 0);
    }
    stat_add(STAT_keyspace_hits, 3);
    cr_assert_eq(stats_sum(STAT_keyspace_hits), 3);
    end();
}

Test(stats, counters_before_setup_are_kept)
{
    thread_adopt();
    clock_setup();
    stat_add(STAT_changes, 5);
    stats_setup(2);
    stats_command_done(stats_self(), 1, 10, false);
    cr_assert_eq(stats_sum(STAT_changes), 5);
    end();
}

static void add_errors(void *argument, const char *code, uint64_t count)
{
    uint64_t *total = argument;
    if (strcmp(code, "ERR") == 0) {
        total[0] = count;
    }
    total[1]++;
}

Test(stats, errors_are_counted_and_bounded)
{
    begin();
    stats_error("ERR");
    stats_error("ERR");
    for (int i = 0; i < 500; i++) {
        char code[16];
        (void)snprintf(code, sizeof(code), "MADE%d", i);
        stats_error(code);
    }
    stats_error("A_VERY_LONG_CODE_WORD_THAT_A_CLIENT_MADE_UP_TO_OVERFLOW_THE_TABLE");
    uint64_t total[2] = {0};
    stats_errors_each(add_errors, total);
    cr_assert_eq(total[0], 2);
    cr_assert_eq(total[1], 128);
    stats_reset();
    memset(total, 0, sizeof(total));
    stats_errors_each(add_errors, total);
    cr_assert_eq(total[1], 0);
    end();
}

Test(stats, percentiles_interpolate)
{
    struct stats_command_sum sum = {0};
    cr_assert_eq(stats_percentile_us(&sum, 50), 0);
    sum.histogram[10] = 100; /* 1024 .. 2048 ns */
    sum.histogram[20] = 1;
    cr_assert_float_eq(stats_percentile_us(&sum, 0), 1.024, 0.0001);
    double half = stats_percentile_us(&sum, 50);
    cr_assert(half > 1.5 && half < 1.6);
    cr_assert_float_eq(stats_percentile_us(&sum, 100), 2097.152, 0.001);
}

struct log_seen {
    size_t count;
    int64_t first_id;
    size_t arguments;
    char last[64];
    char first[160];
};

static void see(void *argument, const struct commandlog_entry *entry)
{
    struct log_seen *seen = argument;
    if (seen->count == 0) {
        seen->first_id = entry->id;
        seen->arguments = entry->argument_count;
        const struct buf *last = &entry->arguments[entry->argument_count - 1];
        (void)snprintf(seen->last, sizeof(seen->last), "%.*s", (int)last->size, last->data);
        (void)snprintf(seen->first, sizeof(seen->first), "%.*s", (int)entry->arguments[0].size,
                       entry->arguments[0].data);
    }
    seen->count++;
}

Test(commandlog, trims_orders_and_forgets)
{
    begin();
    size_t before = mem_used();
    struct stats_options options = {0};
    option_put(&options.commandlog_max_size[COMMANDLOG_SLOW], 3);
    unsigned char large[200];
    memset(large, 'x', sizeof(large));
    struct bytes argv[40];
    for (size_t i = 0; i < 40; i++) {
        argv[i] = bytes_make(large, i == 0 ? 200 : 1);
    }
    struct commandlog_call call = {
        .argv = argv, .argc = 40, .peer = bytes_text("p"), .client_name = bytes_text("n")};
    for (int i = 0; i < 5; i++) {
        commandlog_add(&options, COMMANDLOG_SLOW, 7, &call);
    }
    cr_assert_eq(commandlog_length(COMMANDLOG_SLOW), 3);
    struct log_seen seen = {0};
    commandlog_each(COMMANDLOG_SLOW, 2, see, &seen);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.first_id, 4);
    cr_assert_eq(seen.arguments, 32);
    cr_assert_str_eq(seen.last, "... (9 more arguments)");
    cr_assert(strstr(seen.first, "x... (72 more bytes)") != NULL);
    option_put(&options.commandlog_max_size[COMMANDLOG_SLOW], 0);
    commandlog_add(&options, COMMANDLOG_SLOW, 7, &call);
    cr_assert_eq(commandlog_length(COMMANDLOG_SLOW), 0);
    cr_assert_eq(mem_used(), before);
    end();
}

static void see_event(void *argument, const struct latency_event *event)
{
    struct latency_event *copy = argument;
    *copy = *event;
}

Test(latency, keeps_the_worst_of_a_second)
{
    begin();
    struct stats_options options = {0};
    latency_add(&options, "command", 500);
    option_put(&options.latency_monitor_threshold, 100);
    latency_add(&options, "command", 99);
    latency_add(&options, "command", 100);
    latency_add(&options, "command", 300);
    latency_add(&options, "command", 200);
    struct latency_event event = {0};
    latency_each(see_event, &event);
    cr_assert_str_eq(event.name, "command");
    cr_assert_eq(event.max_ms, 300);
    cr_assert(event.sample_count >= 1 && event.sample_count <= 2);
    cr_assert_eq(latency_reset(bytes_text("other")), 0);
    cr_assert_eq(latency_reset(bytes_text("command")), 1);
    cr_assert_eq(latency_reset(bytes_make(NULL, 0)), 0);
    end();
}

/* Events of which the sampler looked at some; what they stand for. */
static uint64_t sample(struct sampler *sampler, uint32_t events, uint32_t most, uint32_t *ret_looks)
{
    uint64_t weight = 0;
    *ret_looks = 0;
    for (uint32_t i = 0; i < events; i++) {
        if (sampler_is_due(sampler)) {
            weight += sampler_next(sampler, most);
            ++*ret_looks;
        }
    }
    return weight;
}

Test(sampler, few_events_are_exact)
{
    struct sampler sampler = SAMPLER_BEGIN;
    uint32_t looks;
    cr_assert_eq(sample(&sampler, 60, 64, &looks), 60);
    cr_assert_eq(looks, 60);
}

Test(sampler, many_events_are_scaled)
{
    struct sampler sampler = SAMPLER_BEGIN;
    uint32_t looks;
    uint64_t weight = sample(&sampler, 2000000, 64, &looks);
    /* Nine standard deviations of a sum of some 31,000 gaps. */
    cr_assert(weight > 1940000 && weight < 2060000, "%llu", (unsigned long long)weight);
    cr_assert(looks > 25000 && looks < 40000, "%u", looks);
    cr_assert_eq(sampler.weight, 64);
}

Test(sampler, one_in_one_is_all)
{
    struct sampler sampler = SAMPLER_BEGIN;
    uint32_t looks;
    cr_assert_eq(sample(&sampler, 10000, 1, &looks), 10000);
    cr_assert_eq(looks, 10000);
}

Test(sampler, odd_bounds_and_changes)
{
    struct sampler sampler = SAMPLER_BEGIN;
    uint32_t looks;
    uint64_t weight = sample(&sampler, 1000000, 100, &looks);
    cr_assert_eq(sampler.weight, 100);
    cr_assert(weight > 940000 && weight < 1060000);
    weight = sample(&sampler, 1000000, 10, &looks);
    cr_assert_eq(sampler.weight, 10);
    cr_assert(weight > 940000 && weight < 1060000);
}

Test(sampler, off_and_on)
{
    struct sampler sampler = SAMPLER_BEGIN;
    uint32_t looks;
    cr_assert_eq(sample(&sampler, 1000, 0, &looks), 0);
    cr_assert_eq(looks, 1);
    sampler.left = 1;
    cr_assert_eq(sample(&sampler, 50, 64, &looks), 50, "it begins anew");
}
