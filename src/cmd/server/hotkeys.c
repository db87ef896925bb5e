/* HOTKEYS: a session that finds the keys that cost most time, or most bytes on the wire. On the
 * reactor: the sketches are bounded. */
#include "pollard/exec/hotkeys.h"
#include "../arguments.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

#define COUNT_DEFAULT 10
/* The slots of a cluster: they are all this server's. */
#define LAST_SLOT 16383

/* What START is told; numbers are at least 1 there, so 0 is one that was not given. */
struct hotkeys_start {
    struct hotkeys_session session;
    uint64_t count;
    uint64_t duration;
    uint64_t sample;
};

struct number_option {
    const char *name;
    int64_t max;
    const char *error;
};

/* argv[index] as a number within bounds. False: the error was replied. */
static bool read_number(struct exec *x, uint32_t index, int64_t max, const char *error,
                        int64_t *ret_number)
{
    bool is_number = index < x->argc && number_parse_i64(x->argv[index], ret_number);
    if (!is_number || *ret_number < 1 || *ret_number > max) {
        reply_error(x->reply, error);
        return false;
    }
    return true;
}

/* METRICS n metric..., at argv[*index]; moves *index to its last word. */
static bool read_metrics(struct exec *x, uint32_t *index, struct hotkeys_session *session)
{
    static const char *const names[HOTKEYS_METRICS] = {
        [HOTKEYS_CPU] = "CPU", [HOTKEYS_NET] = "NET"};
    static const char *const words[HOTKEYS_METRICS] = {
        [HOTKEYS_CPU] = "cpu", [HOTKEYS_NET] = "net"};
    int64_t count;
    int64_t found = 0;
    if (session->wants[HOTKEYS_CPU] || session->wants[HOTKEYS_NET]) {
        reply_error(x->reply, "ERR METRICS defined more than once!");
        return false;
    }
    if (!read_number(x, ++*index, INT64_MAX, "ERR METRICS count must be a positive integer",
                     &count)) {
        return false;
    }
    while (*index + 1 < x->argc) {
        int metric = argument_is(x, *index + 1, words[HOTKEYS_CPU])   ? HOTKEYS_CPU
                     : argument_is(x, *index + 1, words[HOTKEYS_NET]) ? HOTKEYS_NET
                                                                      : HOTKEYS_METRICS;
        if (metric == HOTKEYS_METRICS) {
            break;
        }
        if (session->wants[metric]) {
            reply_error_format(x->reply, "ERR METRICS %s defined more than once!", names[metric]);
            return false;
        }
        session->wants[metric] = true;
        ++*index;
        found++;
    }
    if (found != count) {
        reply_error(x->reply, "ERR METRICS count does not match number of metric types provided");
        return false;
    }
    return true;
}

/* The number of the option at argv[*index], which may stand once; moves *index to it. */
static bool read_once(struct exec *x, uint32_t *index, const struct number_option *option,
                      uint64_t *number)
{
    int64_t given;
    if (*number != 0) {
        reply_error_format(x->reply, "ERR %s defined more than once!", option->name);
        return false;
    }
    if (!read_number(x, ++*index, option->max, option->error, &given)) {
        return false;
    }
    *number = (uint64_t)given;
    return true;
}

/* One option at argv[*index]; moves *index to its last word. */
static enum status read_option(struct exec *x, uint32_t *index, struct hotkeys_start *start)
{
    static const struct number_option count = {"COUNT", HOTKEYS_COUNT_MAX,
                                               "ERR COUNT must be between 1 and 64"};
    static const struct number_option duration = {"DURATION", HOTKEYS_DURATION_MAX_S,
                                                  "ERR DURATION must be between 1 and 1000000"};
    static const struct number_option sample = {"SAMPLE", INT64_MAX,
                                                "ERR SAMPLE ratio must be a positive integer"};
    bool is_read = false;
    if (argument_is(x, *index, "metrics")) {
        is_read = read_metrics(x, index, &start->session);
    } else if (argument_is(x, *index, "count")) {
        is_read = read_once(x, index, &count, &start->count);
    } else if (argument_is(x, *index, "duration")) {
        is_read = read_once(x, index, &duration, &start->duration);
    } else if (argument_is(x, *index, "sample")) {
        is_read = read_once(x, index, &sample, &start->sample);
    } else if (argument_is(x, *index, "slots")) {
        reply_error(x->reply, "ERR SLOTS parameter cannot be used in non-cluster mode");
    } else {
        return STATUS_SYNTAX;
    }
    return is_read ? STATUS_OK : STATUS_REPLIED;
}

enum status cmd_hotkeys_start(struct exec *x)
{
    struct hotkeys_start start = {0};
    struct hotkeys_session *session = &start.session;
    for (uint32_t i = 2; i < x->argc; i++) {
        enum status status = read_option(x, &i, &start);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (!session->wants[HOTKEYS_CPU] && !session->wants[HOTKEYS_NET]) {
        reply_error(x->reply, "ERR METRICS parameter is required");
        return STATUS_REPLIED;
    }
    session->count = start.count == 0 ? COUNT_DEFAULT : (uint32_t)start.count;
    session->duration_s = (int64_t)start.duration;
    session->sample = start.sample == 0 ? 1 : start.sample;
    if (!hotkeys_start(x->services->hotkeys, session, clock_ms())) {
        reply_error(x->reply, "ERR hotkeys tracking session already in progress");
        return STATUS_REPLIED;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_hotkeys_stop(struct exec *x)
{
    if (hotkeys_stop(x->services->hotkeys, clock_ms())) {
        reply_ok(x->reply);
    } else {
        reply_null(x->reply);
    }
    return STATUS_OK;
}

enum status cmd_hotkeys_reset(struct exec *x)
{
    if (!hotkeys_reset(x->services->hotkeys, clock_ms())) {
        reply_error(x->reply, "ERR hotkeys tracking session in progress, stop it first");
        return STATUS_REPLIED;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

static void answer_number(struct reply *reply, const char *name, uint64_t number)
{
    reply_bulk_text(reply, name);
    reply_integer(reply, (int64_t)number);
}

/* Time is kept in ticks and told in us; who was there at all has taken at least one. */
static uint64_t amount_of(enum hotkeys_metric metric, const struct topk_item *item)
{
    uint64_t amount = item->weight - item->error;
    return metric == HOTKEYS_CPU ? (clock_ticks_to_ns(amount) + 999) / 1000 : amount;
}

static void answer_keys(struct reply *reply, const char *name, enum hotkeys_metric metric,
                        const struct hotkeys_figures *figures)
{
    struct topk_item best[HOTKEYS_COUNT_MAX];
    uint32_t count = topk_best(figures->found[metric], best, figures->session.count);
    reply_bulk_text(reply, name);
    reply_array(reply, (size_t)count * 2);
    for (uint32_t i = 0; i < count; i++) {
        reply_bulk(reply, best[i].key);
        reply_integer(reply, (int64_t)amount_of(metric, &best[i]));
    }
}

static void answer_figures(struct reply *reply, const struct hotkeys_figures *figures)
{
    bool has_cpu = figures->found[HOTKEYS_CPU] != NULL;
    bool has_net = figures->found[HOTKEYS_NET] != NULL;
    reply_array(reply, 1);
    reply_map(reply, 7 + (has_cpu ? 3 : 0) + (has_net ? 2 : 0));
    answer_number(reply, "tracking-active", figures->is_tracking);
    answer_number(reply, "sample-ratio", figures->session.sample);
    reply_bulk_text(reply, "selected-slots");
    reply_array(reply, 1);
    reply_array(reply, 2);
    reply_integer(reply, 0);
    reply_integer(reply, LAST_SLOT);
    answer_number(reply, "all-commands-all-slots-us", figures->all_us);
    answer_number(reply, "net-bytes-all-commands-all-slots", figures->all_bytes);
    answer_number(reply, "collection-start-time-unix-ms", (uint64_t)figures->start_ms);
    answer_number(reply, "collection-duration-ms", (uint64_t)figures->duration_ms);
    if (has_cpu) {
        answer_number(reply, "total-cpu-time-user-ms", figures->user_ms);
        answer_number(reply, "total-cpu-time-sys-ms", figures->sys_ms);
    }
    if (has_net) {
        answer_number(reply, "total-net-bytes", figures->net_bytes);
    }
    if (has_cpu) {
        answer_keys(reply, "by-cpu-time-us", HOTKEYS_CPU, figures);
    }
    if (has_net) {
        answer_keys(reply, "by-net-bytes", HOTKEYS_NET, figures);
    }
}

enum status cmd_hotkeys_get(struct exec *x)
{
    struct hotkeys_figures figures;
    if (!hotkeys_figures(x->services->hotkeys, clock_ms(), &figures)) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    answer_figures(x->reply, &figures);
    for (int i = 0; i < HOTKEYS_METRICS; i++) {
        topk_destroy(&figures.found[i]);
    }
    return STATUS_OK;
}

enum status cmd_hotkeys_help(struct exec *x)
{
    static const char *const lines[] = {
        "START METRICS <count> [CPU] [NET] [COUNT <k>] [DURATION <seconds>] [SAMPLE <ratio>]",
        "    Begin to find the <k> keys (default: 10, at most 64) that cost most run time (CPU)",
        "    or most bytes on the wire (NET); for so many seconds, or until STOP. Every call",
        "    counts, or one in <ratio>.",
        "STOP",
        "    End it. What was found stays until RESET or the next START.",
        "GET",
        "    Tell what was found.",
        "RESET",
        "    Forget what was found.",
        NULL};
    reply_help(x->reply, "HOTKEYS", lines);
    return STATUS_OK;
}
