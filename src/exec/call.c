/* One call on the reactor: gate, keys, handler, bookkeeping. The innermost part of the hot path. */
#include "job.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

void call_reply_status(struct reply *reply, enum status status)
{
    if (status != STATUS_OK && status != STATUS_REPLIED) {
        reply_error_status(reply, status);
    }
}

static void fill_key(const struct keyspace *keyspace, struct bytes name, uint32_t db,
                     struct access_key *key)
{
    key->name = name;
    key->hash = keyspace_hash(keyspace, name);
    key->db = db;
}

int call_find_keys(const struct keyspace *keyspace, const struct command *command,
                   const struct request *request, uint32_t db, struct access_key **keys)
{
    if (command->key_spec_count == 0) {
        if (*keys == NULL) {
            *keys = mem_alloc(2 * sizeof(**keys));
        }
        return 0;
    }
    struct key_position room[INLINE_KEYS_MAX];
    struct key_position *positions = room;
    int count = command_keys(command, request->argv, request->argc, positions, INLINE_KEYS_MAX);
    if (count > INLINE_KEYS_MAX) {
        positions = mem_alloc((size_t)count * sizeof(*positions));
        count = command_keys(command, request->argv, request->argc, positions, (uint32_t)count);
    }
    if (count >= 0 && (*keys == NULL || count > INLINE_KEYS_MAX)) {
        *keys = mem_alloc(((size_t)count + 1) * sizeof(**keys));
    }
    for (int i = 0; i < count; i++) {
        fill_key(keyspace, request->argv[positions[i].index], db, &(*keys)[i]);
        keyspace_prefetch_bucket(keyspace, db, (*keys)[i].hash);
    }
    if (positions != room) {
        mem_free(positions);
    }
    return count;
}

/* The common case, one key whose hash is known; else all keys, prefetched. Returns the count, or
 * -1. */
static int find_keys_inline(const struct keyspace *keyspace, const struct exec *x,
                            const struct call *call, struct access_key **keys)
{
    const struct command *command = call->command;
    if (LIKELY(command->key_spec_count == 1 && command->first_key > 0 &&
               command->first_key == command->last_key)) {
        **keys = (struct access_key){
            .name = x->argv[command->first_key], .hash = call->hash, .db = x->db};
        return 1;
    }
    int count = call_find_keys(keyspace, command, x->request, x->db, keys);
    for (int i = 0; i < count; i++) {
        keyspace_prefetch_entry(keyspace, x->db, (*keys)[i].hash);
    }
    return count;
}

static bool wants_pool(const struct cycle *cycle, const struct call *call)
{
    const struct command *command = call->command;
    if (LIKELY(command->route == ROUTE_INLINE)) {
        return option_get(&cycle->services->exec_options->dispatch) == DISPATCH_POOL &&
               command->key_spec_count > 0;
    }
    if (command->route == ROUTE_POOL) {
        return true;
    }
    int64_t dispatch = option_get(&cycle->services->exec_options->dispatch);
    return dispatch == DISPATCH_POOL ||
           (dispatch == DISPATCH_AUTO && call->request.argc > SIZE_ROUTE_KEYS_MAX);
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

/* Books a call that ran here. The logs are asked only when a threshold is met. */
static void book_inline(struct cycle *cycle, const struct exec *x, size_t reply_bytes)
{
    uint64_t now = clock_ticks();
    uint64_t ticks = now - cycle->ticks;
    cycle->ticks = now;
    bool failed = x->reply->had_error;
    bool is_logged =
        (cycle->slow_ticks >= 0 && (int64_t)ticks >= cycle->slow_ticks) ||
        (cycle->large_request >= 0 && (int64_t)x->request->wire_size >= cycle->large_request) ||
        (cycle->large_reply >= 0 && (int64_t)reply_bytes >= cycle->large_reply) ||
        option_get(&cycle->services->stats_options->latency_monitor_threshold) > 0;
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

/* Opens the access and runs the handler. STATUS_TO_POOL when the shards are busy or the handler
 * asks for it. */
static enum status run_handler(struct cycle *cycle, struct exec *x, struct access_key *keys,
                               int count)
{
    struct access *access = x->access;
    access_init(access, cycle->services->keyspace,
                (x->command->flags & COMMAND_WRITE) != 0 ? ACCESS_WRITE : ACCESS_READ,
                (struct key_list){keys, (uint32_t)count}, reactor_now_ms(cycle->reactor));
    if (count == 0) {
        x->now_ms = access->now_ms;
        enum status status = x->command->handler(x);
        access_end(access);
        return status;
    }
    if (UNLIKELY((x->session->flags & SESSION_NO_TOUCH) != 0)) {
        access->flags |= ACCESS_NO_TOUCH;
    }
    if (UNLIKELY(access_try(access) == ACCESS_BUSY)) {
        access_end(access);
        return STATUS_TO_POOL;
    }
    x->now_ms = access->now_ms;
    enum status status = x->command->handler(x);
    access_end(access);
    return status;
}

/* Runs the call here if it can be. False: the caller hands it to the pool's lane. */
static bool run_inline(struct cycle *cycle, struct exec *x, struct call *call,
                       enum pool_lane *ret_lane)
{
    struct access_key room[INLINE_KEYS_MAX + 1];
    struct access_key *keys = room;
    int count = find_keys_inline(cycle->services->keyspace, x, call, &keys);
    if (UNLIKELY(count < 0)) {
        /* Arguments that name no keys are the handler's to refuse. */
        count = 0;
    }
    size_t before = chain_size(x->reply->chain);
    enum status status = run_handler(cycle, x, keys, count);
    if (keys != room) {
        mem_free(keys);
    }
    if (UNLIKELY(status == STATUS_TO_POOL || status == STATUS_PREPARE)) {
        if (x->access->prepare_source != NULL) {
            blob_release(x->access->prepare_source);
        }
        *ret_lane = x->access->granted || count == 0 ? POOL_LONG : POOL_QUICK;
        return false;
    }
    if (UNLIKELY(status != STATUS_OK) && status != STATUS_PENDING) {
        call_reply_status(x->reply, status);
    }
    book_inline(cycle, x, chain_size(x->reply->chain) - before);
    return true;
}

/* What CLIENT REPLY asked for: the reply just written is dropped, or the next one will be. */
static void apply_reply_mode(struct session *session, size_t before)
{
    if ((session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0) {
        chain_truncate(&session->conn.output, before);
    }
    session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
    if ((session->flags & SESSION_REPLY_SKIP_NEXT) != 0) {
        session->flags &= ~(uint32_t)SESSION_REPLY_SKIP_NEXT;
        session->flags |= SESSION_REPLY_SKIP;
    }
}

void call_run(struct cycle *cycle, struct session *session, struct call *call)
{
    struct reply reply;
    reply_init(&reply, &session->conn.output, session->protocol);
    size_t before = chain_size(&session->conn.output);
    session->commands++;
    enum gate gate = gate_check(cycle, session, call, &reply);
    if (UNLIKELY(gate != GATE_RUN)) {
        if (gate == GATE_PARK) {
            job_park(cycle, session, call);
            return;
        }
        stat_counter_add(&cycle->stats->counters[STAT_error_replies], 1);
        stats_error(reply.error_code);
        apply_reply_mode(session, before);
        return;
    }
    session->last_command = call->command->full_name;
    struct access access;
    struct exec x = {
        .command = call->command,
        .request = &call->request,
        .argv = call->request.argv,
        .argc = call->request.argc,
        .db = session->db,
        .reply = &reply,
        .access = &access,
        .session = session,
        .services = cycle->services,
        .client_id = session->id,
        .protocol = session->protocol,
    };
    if (UNLIKELY(cycle->monitored)) {
        exec_feed_monitors(&x);
    }
    enum pool_lane lane = POOL_LONG;
    if (wants_pool(cycle, call) || !run_inline(cycle, &x, call, &lane)) {
        job_start(cycle, session, call, lane);
        return;
    }
    if (UNLIKELY((session->flags & SESSION_SLOW_PATH) != 0)) {
        apply_reply_mode(session, before);
    }
}
