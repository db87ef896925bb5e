/* One call on the reactor: gate, keys, handler, bookkeeping. The innermost part of the hot path. */
#include "block.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/client/push.h"
#include "transaction.h"

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
    int64_t dispatch = option_get(cycle->dispatch);
    if (LIKELY(command->route == ROUTE_INLINE)) {
        return UNLIKELY(dispatch == DISPATCH_POOL) && command->key_spec_count > 0 &&
               command->inside != INSIDE_SESSION;
    }
    return command->route == ROUTE_POOL || dispatch == DISPATCH_POOL ||
           (dispatch == DISPATCH_AUTO && call->request.argc > SIZE_ROUTE_KEYS_MAX);
}

static enum access_result open_list(struct cycle *cycle, struct exec *x, enum access_mode mode,
                                    struct key_list keys)
{
    struct access *access = x->access;
    access_init(access, cycle->services->keyspace, mode, keys, reactor_now_ms(cycle->reactor));
    access->client_id = x->client_id;
    if (UNLIKELY((x->session->flags & SESSION_NO_TOUCH) != 0)) {
        access->flags |= ACCESS_NO_TOUCH;
    }
    return keys.count == 0 ? ACCESS_GRANTED : access_try(access);
}

static enum access_result open_keys(struct cycle *cycle, struct exec *x, struct access_key *keys,
                                    uint32_t count)
{
    return open_list(cycle, x, x->command->is_exclusive ? ACCESS_WRITE : ACCESS_READ,
                     (struct key_list){keys, count});
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

/* The handler, when others may be concerned: those who wait for its keys or watch them, or the
 * session itself, which is told of changes and must have heard of earlier ones before it reads. */
static ATTR_NOINLINE enum status run_concerned(struct cycle *cycle, struct exec *x)
{
    struct access *access = x->access;
    struct block_room room = {0};
    struct served served = {.last = &served.first};
    enum status status = STATUS_TO_POOL;
    bool is_noted = (access->interest & ACCESS_NOTED) != 0 && access->mode == ACCESS_WRITE;
    if (!is_noted || block_widen(access, &room)) {
        if ((x->session->flags & SESSION_TRACKING) != 0) {
            (void)push_take(cycle->services->registry, cycle->reactor); /* Woken below. */
        }
        x->now_ms = access->now_ms;
        status = x->command->handler(x);
        if (x->tracks && (x->command->flags & COMMAND_READONLY) != 0) {
            x->services->sinks.remember(x->services->sinks.context, x);
        }
        block_serve(x->services, access, &served);
    }
    if (status != STATUS_BLOCK) {
        access_end(access);
    }
    push_wake(cycle->services->registry);
    block_send_home(&served);
    block_room_free(&room);
    return status;
}

/* Runs the handler with its access open. STATUS_TO_POOL when the shards are busy or the handler
 * asks for it. After STATUS_BLOCK the access is open still. */
static inline enum status run_handler(struct cycle *cycle, struct exec *x,
                                      enum access_result result)
{
    if (UNLIKELY(result == ACCESS_BUSY)) {
        access_end(x->access);
        return STATUS_TO_POOL;
    }
    if (UNLIKELY(((x->access->interest & ACCESS_NOTED) | (x->session->flags & SESSION_TRACKING)) !=
                 0)) {
        return run_concerned(cycle, x);
    }
    x->now_ms = x->access->now_ms;
    enum status status = x->command->handler(x);
    if (LIKELY(status != STATUS_BLOCK)) {
        access_end(x->access);
    }
    return status;
}

/* The handler found nothing to take: the client waits, and the keys are let go. */
static ATTR_NOINLINE enum status wait_for_keys(struct cycle *cycle, struct exec *x,
                                               struct call *call)
{
    job_wait(cycle, x->session, call, x->access);
    access_end(x->access);
    return STATUS_PENDING;
}

/* The keys were found with the group's. */
static enum status run_with_found(struct cycle *cycle, struct exec *x, struct call *call)
{
    for (uint32_t i = 0; i < call->key_count; i++) {
        call->keys[i].db = x->db;
    }
    return run_handler(cycle, x, open_keys(cycle, x, call->keys, call->key_count));
}

/* EXEC: the keys are those of the queue. */
static enum status run_queue(struct cycle *cycle, struct exec *x)
{
    struct session *session = x->session;
    struct transaction *transaction = session->transaction;
    x->now_ms = reactor_now_ms(cycle->reactor);
    if (transaction == NULL || !transaction->is_open) {
        access_init(x->access, cycle->services->keyspace, ACCESS_READ, (struct key_list){0},
                    x->now_ms);
        return x->command->handler(x);
    }
    if (transaction_wants_pool(transaction)) {
        return STATUS_TO_POOL;
    }
    x->now_ms = 0;
    const struct key_list keys =
        transaction_keys(transaction, cycle->services->keyspace, session->db);
    enum access_result result = open_list(cycle, x, transaction_mode(transaction), keys);
    /* Pushes for this client wait until the whole reply is there. */
    session_hold(session);
    enum status status = run_handler(cycle, x, result);
    session_release(session);
    transaction_settle(session);
    return status;
}

static enum status run_with_keys(struct cycle *cycle, struct exec *x, struct call *call)
{
    struct access_key room[INLINE_KEYS_MAX + 1];
    struct access_key *keys = room;
    int count = find_keys_inline(cycle->services->keyspace, x, &keys);
    /* Arguments that name no keys are the handler's to refuse. */
    enum status status =
        run_handler(cycle, x, open_keys(cycle, x, keys, count < 0 ? 0 : (uint32_t)count));
    if (UNLIKELY(status == STATUS_BLOCK)) {
        status = wait_for_keys(cycle, x, call);
    }
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
        status = run_handler(cycle, x, open_one(cycle, x, call));
    } else if (call->keys != NULL) {
        status = run_with_found(cycle, x, call);
    } else if (call->command->route == ROUTE_QUEUE) {
        status = run_queue(cycle, x);
    } else {
        status = run_with_keys(cycle, x, call);
    }
    if (UNLIKELY(status != STATUS_OK)) {
        if (status == STATUS_BLOCK) {
            status = wait_for_keys(cycle, x, call);
        }
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

/* What CLIENT REPLY asked for: the reply just written is dropped, or the next one will be. Pushes
 * that came with it are not. */
static void apply_reply_mode(struct cycle *cycle, struct session *session, size_t before)
{
    bool is_muted = (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
    if (is_muted && cycle->reply.chain == &session->conn.output) {
        chain_truncate(&session->conn.output, before);
    }
    chain_clear(&cycle->muted);
    session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
    if ((session->flags & SESSION_REPLY_SKIP_NEXT) != 0) {
        session->flags &= ~(uint32_t)SESSION_REPLY_SKIP_NEXT;
        session->flags |= SESSION_REPLY_SKIP;
    }
}

/* What the call leaves to be done for a session that is not like most. */
static ATTR_NOINLINE void end_slowly(struct cycle *cycle, struct session *session, size_t before)
{
    apply_reply_mode(cycle, session, before);
    if ((session->flags & SESSION_SUBSCRIBED) != 0) {
        /* What it told itself comes behind the reply, and before the next one. */
        if (push_take(cycle->services->registry, cycle->reactor)) {
            push_wake(cycle->services->registry);
        }
    }
}

/* Has nothing but the usual to be asked, and that with success? Else gate_check says why not. */
static inline bool is_plain(const struct cycle *cycle, const struct session *session,
                            const struct call *call)
{
    const struct command *command = call->command;
    if (UNLIKELY(command == NULL || command->is_gated ||
                 (session->flags & SESSION_GUARDED) != SESSION_AUTHENTICATED)) {
        return false;
    }
    bool may_be_refused = UNLIKELY(call->request.wire_size > cycle->plain_size_max) &&
                          ((command->flags & COMMAND_DENYOOM) != 0 || call->request.is_cut);
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
    if (gate == GATE_QUEUE) {
        transaction_queue(session, call, &cycle->reply);
        return;
    }
    transaction_break(session);
    if ((session->flags & (SESSION_TRACKING | SESSION_MULTI)) == SESSION_TRACKING) {
        /* It was the next command all the same: what CLIENT CACHING said of it is over. */
        (void)cycle->services->sinks.tracks(cycle->services->sinks.context, session, call->command);
    }
    stat_counter_add(&cycle->stats->counters[STAT_error_replies], 1);
    stats_error(cycle->reply.error_code);
}

/* The calls of a transaction are shown when they run, before its EXEC. */
static ATTR_NOINLINE void feed_monitors(struct exec *x)
{
    if (x->command->route == ROUTE_QUEUE) {
        transaction_feed_monitors(x);
    }
    exec_feed_monitors(x);
}

void call_begin(struct cycle *cycle, struct session *session)
{
    struct exec *x = &cycle->exec;
    x->session = session;
    x->client_id = session->id;
    x->transaction = &session->transaction;
    x->tracks = false;
    cycle->access.client_id = session->id;
}

void call_run(struct cycle *cycle, struct session *session, struct call *call)
{
    size_t before = chain_size(&session->conn.output);
    struct exec *x = &cycle->exec;
    reply_init(x->reply, &session->conn.output, session->protocol);
    session->commands++;
    if (UNLIKELY(!is_plain(cycle, session, call))) {
        if ((session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0) {
            x->reply->chain = &cycle->muted;
        }
        enum gate gate = gate_check(cycle, session, call, x->reply);
        if (gate != GATE_RUN) {
            session->last_command = call->command == NULL ? "NULL" : call->command->full_name;
            turn_away(cycle, session, call, gate);
            if (gate != GATE_PARK) {
                apply_reply_mode(cycle, session, before);
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
    x->protocol = session->protocol;
    x->now_ms = 0;
    if (UNLIKELY((session->flags & SESSION_TRACKING) != 0)) {
        x->tracks =
            cycle->services->sinks.tracks(cycle->services->sinks.context, session, call->command);
    }
    if (UNLIKELY(cycle->monitored)) {
        feed_monitors(x);
    }
    enum pool_lane lane = POOL_LONG;
    if (UNLIKELY(wants_pool(cycle, call)) || UNLIKELY(!run_inline(cycle, x, call, &lane))) {
        job_start(cycle, session, call, lane);
        return;
    }
    if (UNLIKELY((session->flags & SESSION_SLOW_PATH) != 0)) {
        end_slowly(cycle, session, before);
    }
}
