/* LATENCY: latency events and histograms of commands. On the reactor: everything is
 * bounded, but for a list of names that a client made long. */
#include "latency_text.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/exec/exec.h"
#include "pollard/stats/stats.h"
#include "pollard_commands.h"

struct latency_answer {
    struct reply *reply;
    size_t count;
    struct bytes wanted;
    struct latency_event *found; /* a copy, for answers that are long to make */
};

static void add_latest(void *argument, const struct latency_event *event)
{
    struct latency_answer *answer = argument;
    const struct latency_sample *last = &event->samples[event->sample_count - 1];
    reply_array(answer->reply, 4);
    reply_bulk_text(answer->reply, event->name);
    reply_integer(answer->reply, last->time_s);
    reply_integer(answer->reply, last->latency_ms);
    reply_integer(answer->reply, event->max_ms);
    answer->count++;
}

enum status cmd_latency_latest(struct exec *x)
{
    struct latency_answer answer = {.reply = x->reply};
    struct reply_later later;
    reply_later_begin(x->reply, &later);
    latency_each(add_latest, &answer);
    reply_later_end(x->reply, &later, REPLY_ARRAY, answer.count);
    return STATUS_OK;
}

static void copy_event(void *argument, const struct latency_event *event)
{
    struct latency_answer *answer = argument;
    if (bytes_equal(answer->wanted, bytes_text(event->name))) {
        *answer->found = *event;
        answer->count = 1;
    }
}

/* A copy of the event of that name in ret_event; false when there is none. */
static bool find_event(struct bytes name, struct latency_event *ret_event)
{
    struct latency_answer answer = {.wanted = name, .found = ret_event};
    latency_each(copy_event, &answer);
    return answer.count > 0;
}

enum status cmd_latency_history(struct exec *x)
{
    struct latency_event event;
    if (!find_event(x->argv[2], &event)) {
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    reply_array(x->reply, event.sample_count);
    for (size_t i = 0; i < event.sample_count; i++) {
        reply_array(x->reply, 2);
        reply_integer(x->reply, event.samples[i].time_s);
        reply_integer(x->reply, event.samples[i].latency_ms);
    }
    return STATUS_OK;
}

enum status cmd_latency_reset(struct exec *x)
{
    size_t count = 0;
    if (x->argc == 2) {
        count = latency_reset(bytes_make(NULL, 0));
    }
    for (uint32_t i = 2; i < x->argc; i++) {
        count += x->argv[i].size == 0 ? 0 : latency_reset(x->argv[i]);
    }
    reply_integer(x->reply, (int64_t)count);
    return STATUS_OK;
}

enum status cmd_latency_graph(struct exec *x)
{
    struct latency_event event;
    if (!find_event(x->argv[2], &event)) {
        reply_error_format(x->reply, "ERR No samples available for event '%.*s'",
                           (int)(x->argv[2].size < 128 ? x->argv[2].size : 128),
                           (const char *)x->argv[2].data);
        return STATUS_REPLIED;
    }
    struct buf text = {0};
    latency_text_graph(&event, clock_ms() / 1000, &text);
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}

enum status cmd_latency_doctor(struct exec *x)
{
    struct buf text = {0};
    latency_text_doctor(option_get(&x->services->stats_options->latency_monitor_threshold), &text);
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}

/* Histograms count by powers of two of nanoseconds; answers tell microseconds from 1.024 us on, as
 * Redis's logarithmic iteration does. */
#define HISTOGRAM_FIRST_BUCKET 9

static void add_histogram(struct reply *reply, const struct command *command,
                          const struct stats_command_sum *sum)
{
    reply_bulk_text(reply, command->full_name);
    reply_map(reply, 2);
    reply_bulk_text(reply, "calls");
    reply_integer(reply, (int64_t)sum->calls);
    reply_bulk_text(reply, "histogram_usec");
    struct reply_later later;
    reply_later_begin(reply, &later);
    size_t count = 0;
    uint64_t seen = 0;
    uint64_t told = 0;
    for (unsigned i = 0; i < STATS_HISTOGRAM_BUCKETS; i++) {
        seen += sum->histogram[i];
        if (i >= HISTOGRAM_FIRST_BUCKET && seen > told) {
            reply_integer(reply, (int64_t)((UINT64_C(2) << i) / 1000));
            reply_integer(reply, (int64_t)seen);
            told = seen;
            count++;
        }
    }
    reply_later_end(reply, &later, REPLY_MAP, count);
}

/* Adds the command's histogram if it was called; returns how many were added. */
static size_t add_if_called(struct reply *reply, const struct command *command)
{
    struct stats_command_sum sum;
    stats_command_sum(command->id, &sum);
    if (sum.calls == 0) {
        return 0;
    }
    add_histogram(reply, command, &sum);
    return 1;
}

/* A command with its subcommands, as far as they were called. */
static size_t add_named(struct reply *reply, const struct command *command)
{
    size_t count = add_if_called(reply, command);
    for (uint32_t i = 0; i < command->subcommand_count; i++) {
        count += add_if_called(reply, &command->subcommands[i]);
    }
    return count;
}

/* More names than this go to the pool: each is a sum over all threads. */
#define HISTOGRAM_INLINE_NAMES_MAX 64

enum status cmd_latency_histogram(struct exec *x)
{
    if (exec_on_reactor(x) && x->argc > HISTOGRAM_INLINE_NAMES_MAX) {
        return STATUS_TO_POOL;
    }
    struct reply_later later;
    reply_later_begin(x->reply, &later);
    size_t count = 0;
    for (uint32_t i = 0; x->argc == 2 && i < command_table_count(); i++) {
        count += add_if_called(x->reply, command_by_id(i));
    }
    for (uint32_t i = 2; i < x->argc; i++) {
        const struct command *command = command_find_full(x->argv[i]);
        count += command == NULL ? 0 : add_named(x->reply, command);
    }
    reply_later_end(x->reply, &later, REPLY_MAP, count);
    return STATUS_OK;
}

enum status cmd_latency_help(struct exec *x)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Sum up in words what the latency monitor has seen.",
        "GRAPH <event>",
        "    Draw the latest samples of an event.",
        "HISTORY <event>",
        "    List the samples of an event: time in seconds and milliseconds taken.",
        "LATEST",
        "    Show the latest and the worst sample of each event.",
        "RESET [<event> ...]",
        "    Forget the samples of these events.",
        "    (default: of all events)",
        "HISTOGRAM [COMMAND ...]",
        "    Show how many calls of these commands stayed within which time, in powers of two.",
        "    Without names, all commands that were called are shown.",
        NULL};
    reply_help(x->reply, "LATENCY", lines);
    return STATUS_OK;
}
