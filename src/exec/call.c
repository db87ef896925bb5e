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
    }
    if (positions != room) {
        mem_free(positions);
    }
    return count;
}

/* All keys, prefetched. Returns the count, or -1. */
static int find_keys_inline(const struct keyspace *keyspace, const struct exec *x,
                            struct access_key **keys)
{
    int count = call_find_keys(keyspace, x->command, x->request, x->db, keys);
    keyspace_prefetch(keyspace, *keys, count < 0 ? 0 : (uint32_t)count);
    return count;
}

static bool wants_pool(const struct cycle *cycle, const struct call *call)
{
    const struct command *command = call->command;
    int64_t dispatch = option_get(&cycle->services->exec_options->dispatch);
    if (LIKELY(command->route == ROUTE_INLINE)) {
        return dispatch == DISPATCH_POOL && command->key_spec_count > 0;
    }
    return command->route == ROUTE_POOL || dispatch == DISPATCH_POOL ||
           (dispatch == DISPATCH_AUTO && call->request.argc > SIZE_ROUTE_KEYS_MAX);
}

static enum access_result open_keys(struct cycle *cycle, struct exec *x, struct access_key *keys,
                                    uint32_t count)
{
    struct access *access = x->access;
    access_init(access, cycle->services->keyspace,
                x->command->is_exclusive ? ACCESS_WRITE : ACCESS_READ,
                (struct key_list){keys, count}, reactor_now_ms(cycle->reactor));
    if (UNLIKELY((x->session->flags & SESSION_NO_TOUCH) != 0)) {
        access->flags |= ACCESS_NO_TOUCH;
    }
    return count == 0 ? ACCESS_GRANTED : access_try(access);
}

/* The commonest: the one key whose hash is known. */
static enum access_result open_one(struct cycle *cycle, struct exec *x, const struct call *call)
{
    /* The second is room for exec_key_in_db. */
    struct access_key *key = cycle->one_key;
    key->name = call->request.argv[call->command->first_key];
    key->hash = call->key.hash;
    key->db = x->db;
    const struct access_open open = {
        .key = key,
        .mode = call->command->is_exclusive ? ACCESS_WRITE : ACCESS_READ,
        .flags = UNLIKELY((x->session->flags & SESSION_NO_TOUCH) != 0) ? ACCESS_NO_TOUCH : 0,
        .now_ms = reactor_now_ms(cycle->reactor),
    };
    return access_open_one(x->access, &open);
}

/* Runs the handler with its access open. STATUS_TO_POOL when the shards are busy or the handler
 * asks for it. */
static inline enum status run_handler(struct exec *x, enum access_result result)
{
    if (UNLIKELY(result == ACCESS_BUSY)) {
        access_end(x->access);
        return STATUS_TO_POOL;
    }
    x->now_ms = x->access->now_ms;
    enum status status = x->command->handler(x);
    access_end(x->access);
    return status;
}

/* The keys were found with the group's. */
static enum status run_with_found(struct cycle *cycle, struct exec *x, const struct call *call)
{
    for (uint32_t i = 0; i < call->key_count; i++) {
        call->keys[i].db = x->db;
    }
    return run_handler(x, open_keys(cycle, x, call->keys, call->key_count));
}

static enum status run_with_keys(struct cycle *cycle, struct exec *x)
{
    struct access_key room[INLINE_KEYS_MAX + 1];
    struct access_key *keys = room;
    int count = find_keys_inline(cycle->services->keyspace, x, &keys);
    /* Arguments that name no keys are the handler's to refuse. */
    enum status status = run_handler(x, open_keys(cycle, x, keys, count < 0 ? 0 : (uint32_t)count));
    if (keys != room) {
        mem_free(keys);
    }
    return status;
}

/* Runs the call here if it can be. False: the caller hands it to the pool's lane. */
static bool run_inline(struct cycle *cycle, struct exec *x, struct call *call,
                       enum pool_lane *ret_lane)
{
    size_t before = chain_size(x->reply->chain);
    enum status status;
    if (LIKELY(call->command->has_one_key)) {
        status = run_handler(x, open_one(cycle, x, call));
    } else if (call->keys != NULL) {
        status = run_with_found(cycle, x, call);
    } else {
        status = run_with_keys(cycle, x);
    }
    if (UNLIKELY(status != STATUS_OK)) {
        if (status == STATUS_TO_POOL || status == STATUS_PREPARE) {
            blob_release(x->access->prepare_source);
            x->access->prepare_source = NULL;
            /* The handler asked for it, or the shards were busy. */
            *ret_lane = status == STATUS_TO_POOL && x->now_ms != 0 ? POOL_LONG : POOL_QUICK;
            return false;
        }
        if (status != STATUS_PENDING) {
            call_reply_status(x->reply, status);
        }
    }
    call_book_inline(cycle, x, chain_size(x->reply->chain) - before);
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

/* Has nothing but the usual to be asked, and that with success? Else gate_check says why not. */
static inline bool is_plain(const struct cycle *cycle, const struct session *session,
                            const struct call *call)
{
    const struct command *command = call->command;
    if (UNLIKELY(command == NULL || command->is_gated ||
                 (session->flags & SESSION_AUTHENTICATED) == 0)) {
        return false;
    }
    bool may_be_refused = (command->flags & COMMAND_DENYOOM) != 0 &&
                          option_get(&cycle->services->keyspace_options->maxmemory) != 0;
    return LIKELY(call_has_arity(call) && !may_be_refused) &&
           LIKELY(atomic_load_explicit((_Atomic int64_t *)cycle->pause_mark,
                                       memory_order_relaxed) <= reactor_now_ms(cycle->reactor));
}

/* The call may not run now, or not at all. */
static ATTR_NOINLINE void turn_away(struct cycle *cycle, struct session *session, struct call *call,
                                    enum gate gate)
{
    if (gate == GATE_PARK) {
        job_park(cycle, session, call);
        return;
    }
    stat_counter_add(&cycle->stats->counters[STAT_error_replies], 1);
    stats_error(cycle->reply.error_code);
}

void call_run(struct cycle *cycle, struct session *session, struct call *call)
{
    size_t before = chain_size(&session->conn.output);
    struct exec *x = &cycle->exec;
    reply_init(x->reply, &session->conn.output, session->protocol);
    session->commands++;
    if (UNLIKELY(!is_plain(cycle, session, call))) {
        enum gate gate = gate_check(cycle, session, call, x->reply);
        if (gate != GATE_RUN) {
            turn_away(cycle, session, call, gate);
            if (gate != GATE_PARK) {
                apply_reply_mode(session, before);
            }
            return;
        }
    }
    session->last_command = call->command->full_name;
    x->command = call->command;
    x->request = &call->request;
    x->argv = call->request.argv;
    x->argc = call->request.argc;
    x->db = session->db;
    x->session = session;
    x->client_id = session->id;
    x->protocol = session->protocol;
    x->now_ms = 0;
    if (UNLIKELY(cycle->monitored)) {
        exec_feed_monitors(x);
    }
    enum pool_lane lane = POOL_LONG;
    if (UNLIKELY(wants_pool(cycle, call)) || UNLIKELY(!run_inline(cycle, x, call, &lane))) {
        job_start(cycle, session, call, lane);
        return;
    }
    if (UNLIKELY((session->flags & SESSION_SLOW_PATH) != 0)) {
        apply_reply_mode(session, before);
    }
}
