/* Booking finished calls: figures of the command, errors, the command logs.
 *
 * On the hot path once a call (call_book_inline); the logs are asked only when a threshold is met.
 */
#include "cycle.h"
#include "job.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

/* sampler NULL: the thread's own. EXEC has no keys of its own: its calls are booked one by one. */
static ATTR_NOINLINE void book_keys(const struct exec *x, struct sampler *sampler, uint64_t ticks,
                                    uint64_t bytes)
{
    struct access_key room[INLINE_KEYS_MAX + 1];
    struct access_key *keys = room;
    struct hotkeys_call call = {0};
    if (x->command->route != ROUTE_QUEUE) {
        /* A call that waits has taken its arguments along. The keys of the access may be gone. */
        int count = x->request->argc == 0 ? 0
                                          : call_find_keys(x->services->keyspace, x->command,
                                                           x->request, x->db, &keys);
        call.keys = (struct key_list){keys, count < 0 ? 0 : (uint32_t)count};
        call.ticks = ticks;
        call.bytes = bytes;
    }
    if (sampler != NULL) {
        hotkeys_book(x->services->hotkeys, sampler, &call);
    } else {
        hotkeys_book_here(x->services->hotkeys, &call);
    }
    if (keys != room) {
        mem_free(keys);
    }
}

void call_book_keys(const struct exec *x, uint64_t ticks, uint64_t bytes)
{
    if (hotkeys_is_due_here(x->services->hotkeys)) {
        book_keys(x, /* sampler= */ NULL, ticks, bytes);
    }
}

void call_book(const struct exec *x, struct bytes peer, const struct call_result *result)
{
    struct stats_thread *self = stats_self();
    stats_command_done(self, x->command->id, result->ticks, result->failed);
    if (result->failed) {
        stat_counter_add(&self->counters[STAT_error_replies], 1);
        stats_error(x->reply->error_code);
    }
    struct stats_options *options = x->services->stats_options;
    const int64_t values[COMMANDLOG_KINDS] = {
        [COMMANDLOG_SLOW] = (int64_t)(clock_ticks_to_ns(result->ticks) / 1000),
        [COMMANDLOG_LARGE_REQUEST] = (int64_t)result->request_bytes,
        [COMMANDLOG_LARGE_REPLY] = (int64_t)result->reply_bytes,
    };
    latency_add(options, (x->command->flags & COMMAND_FAST) != 0 ? "fast-command" : "command",
                values[COMMANDLOG_SLOW] / 1000);
    if ((x->command->flags & COMMAND_SKIP_SLOWLOG) != 0) {
        return;
    }
    struct bytes name = {0};
    if (x->session != NULL && x->session->name != NULL) {
        name = bytes_text(x->session->name);
    }
    for (int kind = 0; kind < COMMANDLOG_KINDS; kind++) {
        int64_t threshold = option_get(&options->commandlog_threshold[kind]);
        if (threshold >= 0 && values[kind] >= threshold) {
            /* The command's own words stay, all else is kept out of the logs. */
            size_t shown = x->command->parent != NULL ? 2 : 1;
            struct bytes masked[3] = {x->argv[0], x->argc > 1 ? x->argv[1] : x->argv[0]};
            masked[shown] = bytes_text("(redacted)");
            bool hide = x->command->sensitive && x->argc > shown;
            const struct commandlog_call call = {.argv = hide ? masked : x->argv,
                                                 .argc = hide ? shown + 1 : x->argc,
                                                 .peer = peer,
                                                 .client_name = name};
            commandlog_add(options, (enum commandlog_kind)kind, values[kind], &call);
        }
    }
}

void call_book_inline(struct cycle *cycle, const struct exec *x, size_t reply_bytes)
{
    uint64_t now = clock_ticks();
    uint64_t ticks = now - cycle->ticks;
    cycle->ticks = now;
    bool failed = x->reply->had_error;
    if (sampler_is_due(&cycle->key_sampler)) {
        book_keys(x, &cycle->key_sampler, ticks, x->request->wire_size + reply_bytes);
    }
    bool is_logged = ticks >= cycle->slow_ticks || x->request->wire_size >= cycle->large_request ||
                     reply_bytes >= cycle->large_reply;
    if (LIKELY(!is_logged)) {
        stats_command_done(cycle->stats, x->command->id, ticks, failed);
        if (UNLIKELY(failed)) {
            stat_counter_add(&cycle->stats->counters[STAT_error_replies], 1);
            stats_error(x->reply->error_code);
        }
        return;
    }
    struct buf peer = {0};
    conn_peer_text(&x->session->conn, &peer);
    const struct call_result result = {.ticks = ticks,
                                       .request_bytes = x->request->wire_size,
                                       .reply_bytes = reply_bytes,
                                       .failed = failed};
    call_book(x, buf_bytes(&peer), &result);
    buf_deinit(&peer);
}
