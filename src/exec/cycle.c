/* The cycle: runs what was gathered, batch by batch, and sends one answer a connection, those of
 * several connections together. The second half of the hot path; on the reactor's thread, between
 * keyspace_enter and keyspace_leave. */
#include "cycle.h"
#include "job.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/client/push.h"
#include "suspend.h"
#include "transaction.h"
#include <unistd.h>

void cycle_mark_dirty(struct cycle *cycle, struct session *session)
{
    if (session->is_dirty) {
        return;
    }
    session->is_dirty = true;
    session->next_dirty = NULL;
    if (cycle->dirty == NULL) {
        cycle->dirty = session;
        cycle->dirty_since = cycle->ticks;
    } else {
        cycle->last_dirty->next_dirty = session;
    }
    cycle->last_dirty = session;
}

static void unmark_dirty(struct cycle *cycle, struct session *session)
{
    if (!session->is_dirty) {
        return;
    }
    struct session *before = NULL;
    struct session **link = &cycle->dirty;
    while (*link != session) {
        before = *link;
        link = &before->next_dirty;
    }
    *link = session->next_dirty;
    if (cycle->last_dirty == session) {
        cycle->last_dirty = before;
    }
    session->is_dirty = false;
}

/* A client that stops to read makes no event that its soft limit could be looked at in. */
#define SOFT_LOOK_MS 250

/* So much more than at the last look, and it is looked again at what clients take. */
#define CLIENTS_GROWN ((uint64_t)64 * 1024)

struct soft_look {
    int64_t now_ms;
    bool again;
};

static void look_at_soft_limit(struct conn *conn, void *argument)
{
    struct soft_look *look = argument;
    struct session *session = session_of(conn);
    if (session->soft_limit_since_ms == 0) {
        return;
    }
    session_check_output(session, look->now_ms);
    if ((session->flags & SESSION_CLOSE_NOW) != 0) {
        session_destroy(session);
        return;
    }
    look->again = true;
}

static void on_soft_timer(struct timer *timer, struct reactor *reactor)
{
    struct soft_look look = {.now_ms = reactor_monotonic_ms(reactor)};
    reactor_each(reactor, look_at_soft_limit, &look);
    if (look.again) {
        reactor_timer_set(reactor, timer, look.now_ms + SOFT_LOOK_MS);
    }
}

/* Its client has not read all, or had not before. */
static ATTR_NOINLINE void look_at_output(struct cycle *cycle, struct session *session)
{
    int64_t now_ms = reactor_monotonic_ms(cycle->reactor);
    session_check_output(session, now_ms);
    if (session->soft_limit_since_ms != 0 && cycle->soft_timer.position == 0) {
        cycle->soft_timer.fire = on_soft_timer;
        reactor_timer_set(cycle->reactor, &cycle->soft_timer, now_ms + SOFT_LOOK_MS);
    }
}

/* cycle_flush, for the one caller that is hot. */
static inline ATTR_ALWAYS_INLINE bool flush_session(struct cycle *cycle, struct session *session)
{
    if (!chain_is_empty(&session->conn.output)) {
        uint64_t before = session->conn.written_bytes;
        if (!conn_flush(&session->conn)) {
            session_destroy(session);
            return false;
        }
        stat_counter_add(&cycle->stats->counters[STAT_writes_processed], 1);
        stat_counter_add(&cycle->stats->counters[STAT_net_output_bytes],
                         session->conn.written_bytes - before);
        if (UNLIKELY(!chain_is_empty(&session->conn.output) || session->soft_limit_since_ms != 0)) {
            look_at_output(cycle, session);
        }
    }
    if (UNLIKELY(cycle->counts_clients) && UNLIKELY(!session_is_bare(session))) {
        session_count_memory(session);
    }
    bool is_sent = chain_is_empty(&session->conn.output);
    if ((session->flags & SESSION_CLOSE_NOW) != 0 ||
        ((session->flags & SESSION_CLOSE_AFTER) != 0 && is_sent &&
         (session->flags & SESSION_JOB) == 0)) {
        session_destroy(session);
        return false;
    }
    return true;
}

bool cycle_flush(struct cycle *cycle, struct session *session)
{
    return flush_session(cycle, session);
}

/* What is left of a batch's input goes to (or stays in) the session's own input. */
static void keep_rest(struct batch *batch, struct bytes rest)
{
    struct session *session = batch->session;
    struct buf *input = &session->input;
    if (!batch->from_input) {
        if (rest.size > 0) {
            buf_append(input, rest);
        }
        return;
    }
    if (rest.size == 0) {
        /* An idle connection holds no buffers. */
        buf_deinit(input);
        session->input_offset = 0;
        return;
    }
    session->input_offset = (size_t)(rest.data - input->data);
    /* What a large argument has taken over need not be kept. */
    input->size = session->input_offset + rest.size;
    if (session->input_offset > input->size / 2) {
        memmove(input->data, rest.data, rest.size);
        input->size = rest.size;
        session->input_offset = 0;
    }
}

static void end_batch(struct cycle *cycle, struct batch *batch, struct bytes rest, bool is_cut)
{
    struct session *session = batch->session;
    if (!is_cut && decoder_is_mid_frame(batch->decoder)) {
        size_t keep = decoder_keep(batch->decoder);
        rest.size = keep < rest.size ? keep : rest.size;
        keep_rest(batch, rest);
        decoder_rewind(batch->decoder);
        session->decoder = batch->decoder;
        batch->decoder = NULL;
        return;
    }
    if (decoder_is_mid_frame(batch->decoder)) {
        /* The frame in work stands behind calls that wait: it is decoded again after them. */
        decoder_destroy(&batch->decoder);
    } else {
        decoder_rewind(batch->decoder);
        cycle_give_decoder(cycle, &batch->decoder);
    }
    keep_rest(batch, rest);
    if (rest.size > 0 && (session->flags & SESSION_JOB) == 0) {
        reactor_renew(&session->conn);
    }
}

/* Drops calls that will not run now. */
static void drop_calls(struct cycle *cycle, const struct batch *batch, uint32_t from)
{
    for (uint32_t i = from; i < batch->call_count; i++) {
        request_deinit(&cycle->calls[batch->first_call + i].request);
    }
}

static void reply_protocol_error(struct session *session, const char *text)
{
    struct reply reply;
    reply_init(&reply, &session->conn.output, session->protocol);
    reply_error_format(&reply, "ERR %s", text);
    stats_error(reply.error_code);
    session->flags |= SESSION_CLOSE_AFTER;
}

/* Runs a batch's calls until one takes the session away. Returns how many have run. */
static uint32_t run_calls(struct cycle *cycle, struct batch *batch)
{
    struct session *session = batch->session;
    call_begin(cycle, session);
    uint32_t i = 0;
    while (i < batch->call_count) {
        struct call *call = &cycle->calls[batch->first_call + i];
        i++;
        call_run(cycle, session, call);
        if (UNLIKELY(call->request.blob_count > 0 || call->request.owned != NULL)) {
            request_deinit(&call->request);
        }
        if (UNLIKELY((session->flags & (SESSION_JOB | SESSION_CLOSE_AFTER | SESSION_CLOSE_NOW)) !=
                     0) ||
            UNLIKELY(chain_size(&session->conn.output) > CONNECTION_REPLY_MAX)) {
            break;
        }
    }
    return i;
}

static void run_batch(struct cycle *cycle, struct batch *batch)
{
    struct session *session = batch->session;
    uint32_t done = run_calls(cycle, batch);
    bool is_cut = done < batch->call_count;
    struct bytes rest = batch->rest;
    if (is_cut) {
        const unsigned char *next = cycle->calls[batch->first_call + done].wire;
        rest = bytes_make(next, (size_t)(batch->end - next));
        drop_calls(cycle, batch, done);
    } else if (batch->error != NULL &&
               (session->flags & (SESSION_JOB | SESSION_CLOSE_AFTER)) == 0) {
        reply_protocol_error(session, batch->error);
        rest.size = 0;
    }
    if ((session->flags & (SESSION_CLOSE_AFTER | SESSION_CLOSE_NOW)) != 0) {
        rest.size = 0;
        is_cut = true;
    }
    end_batch(cycle, batch, rest, is_cut);
    stat_counter_add(&cycle->stats->counters[STAT_reads_processed], 1);
    if (chain_size(&session->conn.output) < FLUSH_AT_ONCE_SIZE &&
        (session->flags & (SESSION_CLOSE_AFTER | SESSION_CLOSE_NOW)) == 0) {
        cycle_mark_dirty(cycle, session);
        return;
    }
    (void)cycle_flush(cycle, session);
}

static inline ATTR_ALWAYS_INLINE void flush_dirty(struct cycle *cycle)
{
    struct session *session;
    while ((session = cycle->dirty) != NULL) {
        cycle->dirty = session->next_dirty;
        session->is_dirty = false;
        (void)flush_session(cycle, session);
    }
}

/* The same between groups and after pushes, which is seldom. */
static ATTR_NOINLINE void flush_early(struct cycle *cycle)
{
    flush_dirty(cycle);
}

/* The lines of all calls' keys: each step asks for what the next one reads. */
static void prefetch_keys(struct cycle *cycle)
{
    struct key_hint *deeper[GROUP_CALLS_MAX];
    uint32_t count = 0;
    for (uint32_t c = 0; c < cycle->call_count; c++) {
        key_hint_bucket(&cycle->calls[c].hint);
    }
    if (cycle->hint_count > 0) {
        key_hints_finish(cycle->hints, cycle->hint_count);
    }
    for (uint32_t c = 0; c < cycle->call_count; c++) {
        deeper[count] = &cycle->calls[c].hint;
        count += key_hint_entry(deeper[count]);
    }
    for (uint32_t i = 0; i < count; i++) {
        key_hint_node(deeper[i]);
    }
}

/* While data is over its budget, each command that may need memory evicts before it: looked at once
 * a group. */
static void look_at_budget(struct cycle *cycle)
{
    uint64_t limit = (uint64_t)option_get(cycle->maxmemory);
    cycle->plain_size_max = UINT64_MAX;
    if (UNLIKELY(limit != 0)) {
        struct keyspace *keyspace = cycle->services->keyspace;
        bool holds = LIKELY(budget_holds(&cycle->budget, cycle->ticks)) ||
                     (keyspace_over_budget(keyspace) == 0 && !keyspace_wants_relief(keyspace));
        cycle->plain_size_max = holds ? cycle->bulk_keep_max : 0;
    }
}

void cycle_run(struct cycle *cycle)
{
    prefetch_keys(cycle);
    cycle->ticks = clock_ticks();
    look_at_budget(cycle);
    for (uint32_t b = 0; b < cycle->batch_count; b++) {
        run_batch(cycle, &cycle->batches[b]);
    }
    stat_counter_add(&cycle->stats->counters[STAT_parse_batches], cycle->batch_count);
    stat_counter_add(&cycle->stats->counters[STAT_parse_batch_commands], cycle->call_count);
    stat_counter_add(&cycle->stats->counters[STAT_commands_processed], cycle->call_count);
    stat_counter_add(&cycle->calls_run, cycle->call_count);
    cycle->batch_count = 0;
    cycle->call_count = 0;
    cycle->arena_used = 0;
    cycle->key_count = 0;
    cycle->hint_count = 0;
}

/* ---- Hooks ---- */

static struct cycle *cycle_for(void *context, struct reactor *reactor)
{
    struct dispatcher *dispatcher = context;
    return &dispatcher->cycles[reactor_index(reactor)];
}

static void on_idle_timer(struct timer *timer, struct reactor *reactor)
{
    struct dispatcher *dispatcher = reactor_context(reactor);
    int64_t next_ms = registry_close_idle(dispatcher->services->registry, reactor);
    if (next_ms != INT64_MAX) {
        reactor_timer_set(reactor, timer, next_ms);
    }
}

static void on_accept(void *context, struct reactor *reactor, int fd, bool is_unix)
{
    struct cycle *cycle = cycle_for(context, reactor);
    struct client_registry *registry = cycle->services->registry;
    if (UNLIKELY(atomic_load(&cycle->services->shutting_down))) {
        (void)close(fd); /* It was waiting to be accepted when all others were closed. */
        return;
    }
    if (session_create(registry, reactor, fd, is_unix) == NULL) {
        return;
    }
    if (cycle->idle_timer.position == 0 && option_get(&registry_options(registry)->timeout) > 0) {
        cycle->idle_timer.fire = on_idle_timer;
        reactor_timer_set(reactor, &cycle->idle_timer, reactor_monotonic_ms(reactor) + 100);
    }
}

static void on_ready(void *context, struct reactor *reactor, struct conn **conns, size_t count)
{
    struct cycle *cycle = cycle_for(context, reactor);
    for (size_t i = 0; i < count; i++) {
        if (conns[i] == NULL) {
            continue;
        }
        cycle_gather(cycle, conns[i]);
        if (cycle_is_full(cycle)) {
            cycle_run(cycle);
            /* Between groups, when no batch holds a session that the flush may end. */
            if (cycle->dirty != NULL && cycle->ticks - cycle->dirty_since > cycle->flush_ticks) {
                flush_early(cycle);
            }
            if (UNLIKELY(push_is_due(&cycle->push_marks))) {
                pushed_settle(cycle);
            }
        }
    }
    if (cycle->batch_count > 0) {
        cycle_run(cycle);
    }
}

static void on_drained(void *context, struct conn *conn)
{
    struct cycle *cycle = cycle_for(context, conn->reactor);
    cycle_mark_dirty(cycle, session_of(conn));
}

static uint64_t log_threshold(const struct stats_options *options, enum commandlog_kind kind)
{
    int64_t threshold = option_get(&options->commandlog_threshold[kind]);
    return threshold < 0 ? UINT64_MAX : (uint64_t)threshold;
}

static void on_cycle_begin(void *context, struct reactor *reactor)
{
    struct cycle *cycle = cycle_for(context, reactor);
    const struct stats_options *options = cycle->services->stats_options;
    if (UNLIKELY(cycle->reactor == NULL)) {
        cycle->reactor = reactor;
        cycle->stats = stats_self();
        cycle->pause_mark = registry_pause_mark(cycle->services->registry);
        cycle->exec = (struct exec){
            .reply = &cycle->reply,
            .access = &cycle->access,
            .services = cycle->services,
            .reactor_index = reactor_index(reactor),
        };
        access_init(&cycle->access, cycle->services->keyspace, ACCESS_READ, (struct key_list){0},
                    /* now_ms= */ 0);
        cycle->key_sampler = (struct sampler)SAMPLER_BEGIN;
        cycle->hotkeys_mark = hotkeys_mark(cycle->services->hotkeys);
        cycle->hotkeys_ratio = &cycle->services->exec_options->hotkeys_sample_ratio;
        cycle->flush_ticks = clock_ns_to_ticks(FLUSH_DELAY_NS);
        cycle->dispatch = &cycle->services->exec_options->dispatch;
        cycle->maxmemory = &cycle->services->keyspace_options->maxmemory;
        cycle->activedefrag = &cycle->services->keyspace_options->activedefrag;
        cycle->maxmemory_clients = &cycle->services->client_options->maxmemory_clients;
        cycle->budget = keyspace_budget_view(cycle->services->keyspace);
        cycle->bulk_keep_max = UINT64_MAX;
        cycle->client_bytes = registry_memory_of(cycle->services->registry, reactor);
        push_adopt(cycle->services->registry, reactor, &cycle->push_marks);
    }
    keyspace_enter(cycle->services->keyspace);
    uint64_t slow_us = log_threshold(options, COMMANDLOG_SLOW);
    cycle->slow_ticks = slow_us == UINT64_MAX ? UINT64_MAX : clock_ns_to_ticks(slow_us * 1000);
    if (option_get(&options->latency_monitor_threshold) > 0) {
        cycle->slow_ticks = 0;
    }
    cycle->large_request = log_threshold(options, COMMANDLOG_LARGE_REQUEST);
    cycle->large_reply = log_threshold(options, COMMANDLOG_LARGE_REPLY);
    /* Acquire: pairs with the release when a session begins or ends. */
    uint32_t mark =
        atomic_load_explicit((_Atomic uint32_t *)cycle->hotkeys_mark, memory_order_acquire);
    int64_t key_ratio = option_get(cycle->hotkeys_ratio);
    if (UNLIKELY(mark != cycle->key_mark || key_ratio != cycle->key_ratio)) {
        cycle->key_mark = mark;
        cycle->key_ratio = key_ratio;
        cycle->key_sampler = (struct sampler)SAMPLER_BEGIN;
    }
    cycle->monitored = registry_count_monitors(cycle->services->registry) > 0;
}

static void on_cycle_end(void *context, struct reactor *reactor)
{
    struct cycle *cycle = cycle_for(context, reactor);
    flush_dirty(cycle);
    if (UNLIKELY(push_is_due(&cycle->push_marks) || cycle->pushed.first != NULL)) {
        pushed_settle(cycle);
        flush_early(cycle);
    }
    bool has_limit = option_get(cycle->maxmemory) != 0;
    if (UNLIKELY(option_get(cycle->maxmemory_clients) != 0 || has_limit != cycle->counts_clients)) {
        cycle_hold_clients(cycle);
    }
    if (UNLIKELY(has_limit)) {
        uint64_t clients =
            atomic_load_explicit((_Atomic uint64_t *)cycle->client_bytes, memory_order_relaxed);
        if (UNLIKELY(!budget_holds(&cycle->budget, clock_ticks()) ||
                     clients > cycle->held_bytes + CLIENTS_GROWN)) {
            cycle_hold_clients(cycle);
            /* The pool evicts when the limit was lowered, too, or replies took the memory. */
            (void)keyspace_make_room(cycle->services->keyspace, /* max_keys= */ 0);
        }
    } else if (UNLIKELY(option_get(cycle->activedefrag) != 0)) {
        keyspace_look_at_waste(cycle->services->keyspace);
    }
    keyspace_leave(cycle->services->keyspace);
}

struct reactor_hooks dispatcher_hooks(struct dispatcher *dispatcher)
{
    return (struct reactor_hooks){
        .context = dispatcher,
        .on_accept = on_accept,
        .on_ready = on_ready,
        .on_drained = on_drained,
        .on_cycle_begin = on_cycle_begin,
        .on_cycle_end = on_cycle_end,
    };
}

/* ---- Life ---- */

static void on_session_end(void *context, struct session *session)
{
    struct dispatcher *dispatcher = context;
    const struct services *services = dispatcher->services;
    suspension_detach(session);
    if (services->sinks.session_ended != NULL) {
        services->sinks.session_ended(services->sinks.context, session);
    }
    transaction_destroy(services, &session->transaction);
    unmark_dirty(cycle_of(session, dispatcher), session);
    pushed_remove(cycle_of(session, dispatcher), session);
}

static void on_session_describe(void *context, struct session *session)
{
    transaction_look(session);
}

/* A push has come for the session. */
static void on_session_output(void *context, struct session *session)
{
    pushed_add(cycle_of(session, context), session);
}

struct dispatcher *dispatcher_create(struct services *services, uint32_t reactors)
{
    struct dispatcher *dispatcher = mem_alloc_zero(sizeof(*dispatcher));
    dispatcher->services = services;
    dispatcher->cycle_count = reactors;
    dispatcher->cycles = mem_alloc_zero(reactors * sizeof(struct cycle));
    for (uint32_t i = 0; i < reactors; i++) {
        struct cycle *cycle = &dispatcher->cycles[i];
        cycle->dispatcher = dispatcher;
        cycle->services = services;
        cycle->arena = mem_alloc(ARENA_SIZE);
    }
    services->dispatcher = dispatcher;
    registry_on_destroy(services->registry, on_session_end, dispatcher);
    registry_on_output(services->registry, on_session_output);
    registry_on_describe(services->registry, on_session_describe);
    return dispatcher;
}

void dispatcher_destroy(struct dispatcher **dispatcher_pointer)
{
    struct dispatcher *dispatcher = *dispatcher_pointer;
    if (dispatcher == NULL) {
        return;
    }
    for (uint32_t i = 0; i < dispatcher->cycle_count; i++) {
        struct cycle *cycle = &dispatcher->cycles[i];
        while (cycle->decoder_count > 0) {
            decoder_destroy(&cycle->decoders[--cycle->decoder_count]);
        }
        mem_free(cycle->arena);
    }
    mem_free(dispatcher->cycles);
    mem_free(dispatcher->renames);
    mem_free(dispatcher);
    *dispatcher_pointer = NULL;
}

struct drain {
    struct cycle *cycle;
    size_t left;
};

static void drain_conn(struct conn *conn, void *argument)
{
    struct drain *drain = argument;
    struct session *session = session_of(conn);
    struct suspension *suspension = session->suspension;
    if (suspension != NULL) {
        atomic_store_explicit(&suspension->cancelled, true, memory_order_relaxed);
    }
    session->flags |= SESSION_CLOSE_AFTER;
    if (chain_is_empty(&session->conn.output) && suspension == NULL) {
        session_destroy(session);
        return;
    }
    if (suspension == NULL || suspension->timeout == NULL) {
        drain->left++;
    }
}

size_t dispatcher_drain(struct dispatcher *dispatcher, struct reactor *reactor)
{
    struct drain drain = {.cycle = &dispatcher->cycles[reactor_index(reactor)]};
    reactor_each(reactor, drain_conn, &drain);
    return drain.left;
}

static void close_conn(struct conn *conn, void *argument)
{
    session_destroy(session_of(conn));
}

void dispatcher_close_all(struct dispatcher *dispatcher, struct reactor *reactor)
{
    reactor_each(reactor, close_conn, NULL);
}

void dispatcher_figures(const struct dispatcher *dispatcher, uint32_t reactor,
                        struct dispatcher_figures *ret_figures)
{
    struct cycle *cycle = &dispatcher->cycles[reactor];
    ret_figures->calls = atomic_load_explicit(&cycle->calls_run, memory_order_relaxed);
    ret_figures->handovers = atomic_load_explicit(&cycle->handovers, memory_order_relaxed);
}
