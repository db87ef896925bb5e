/* Jobs: commands on the pool. A job owns a copy of its request, runs the handler with an access of
 * its own, and mails the reply home.
 *
 *   job_start -> pool -> job_run: access_try --granted--> handler -> suspension_resume
 *                  ^        | busy
 *                  +- wake -+ (queued at the shard, no thread waits)
 *
 * Threads: made on the reactor, run by one worker at a time, freed on the reactor. */
#include "block.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/client/fieldsets.h"
#include "transaction.h"

/* The session's transaction comes back with the job, or ends if the session has. */
static void return_transaction(struct job *job)
{
    struct session *session = job->suspension.session;
    if (session == NULL) {
        transaction_destroy(job->x.services, &job->transaction);
        return;
    }
    session->transaction = job->transaction;
    transaction_settle(session);
    transaction_describe(session);
}

static void job_free(struct suspension *suspension)
{
    struct job *job = (struct job *)suspension;
    return_transaction(job);
    if (job->waiting != NULL) {
        block_end(job);
    }
    if (job->room != NULL) {
        block_room_free(job->room);
        mem_free(job->room);
    }
    request_deinit(&job->request);
    buf_deinit(&job->peer);
    fieldsets_release(job->x.fieldsets);
    mem_free(job->keys);
    mem_free(job);
}

/* The session's queue, if this is its EXEC and it has one. */
static struct transaction *queue_of(const struct job *job)
{
    return job->x.command->route == ROUTE_QUEUE ? job->transaction : NULL;
}

/* Finds and hashes the keys: on the worker, because there may be many. */
static void job_open(struct job *job)
{
    struct exec *x = &job->x;
    struct keyspace *keyspace = x->services->keyspace;
    struct transaction *queue = queue_of(job);
    enum access_mode mode = x->command->is_exclusive ? ACCESS_WRITE : ACCESS_READ;
    struct key_list keys = {0};
    keyspace_enter(keyspace);
    if (queue != NULL) {
        keys = transaction_keys(queue, keyspace, x->db);
        mode = transaction_mode(queue);
    } else {
        int count = call_find_keys(keyspace, x->command, &job->request, x->db, &job->keys);
        if (job->keys == NULL) {
            job->keys = mem_alloc(2 * sizeof(*job->keys));
        }
        /* Arguments that name no keys are the handler's to refuse. */
        keys = (struct key_list){job->keys, count < 0 ? 0 : (uint32_t)count};
    }
    keyspace_leave(keyspace);
    access_init(&job->access, keyspace, mode, keys, x->now_ms);
    job->access.flags = (uint8_t)job->access_flags;
    job->access.client_id = x->client_id;
    job->is_open = true;
}

static bool wants_everything(const struct job *job)
{
    const struct transaction *queue = queue_of(job);
    return queue != NULL && queue->is_whole && !queue->is_broken;
}

/* A keyless command of ROUTE_POOL works on whole databases: it brackets itself. */
static bool job_wants_enter(const struct job *job)
{
    return !wants_everything(job) &&
           (job->access.key_count > 0 || job->x.command->route != ROUTE_POOL);
}

static void job_leave(struct job *job)
{
    if (job->is_entered) {
        keyspace_leave(job->x.services->keyspace);
        job->is_entered = false;
    }
}

/* One try for the keys, and for what those who wait for them need. */
static bool try_keys(struct job *job)
{
    struct access *access = &job->access;
    if (access->key_count > 0 && access_try(access) == ACCESS_BUSY) {
        return false;
    }
    if (LIKELY((access->interest & ACCESS_NOTED) == 0 || access->mode != ACCESS_WRITE ||
               access->key_count == 0)) {
        return true;
    }
    if (job->room == NULL) {
        job->room = mem_alloc_zero(sizeof(*job->room));
    }
    return block_widen(access, job->room);
}

/* On the reactor, in the order of its pushes: from here on they wait for the job's reply. */
static void on_marker(struct push *push, struct reactor *reactor)
{
    struct job *job = (struct job *)((char *)push - offsetof(struct job, marker));
    if (reactor != NULL && job->suspension.session != NULL) {
        session_hold(job->suspension.session);
    }
}

/* Under the lock: what changes later is told after the reply. */
static void mark_pushes(struct job *job)
{
    if (job->is_tracking && !job->is_marked) {
        job->is_marked = true;
        job->marker.deliver = on_marker;
        push_post(job->x.services->registry, reactor_index(job->suspension.reactor), &job->marker);
    }
}

/* Takes the keys. False: the job waits at a shard and will be run again. */
static bool job_take_keys(struct job *job)
{
    if (wants_everything(job)) {
        access_take_all(&job->access);
        mark_pushes(job);
        return true;
    }
    while (!try_keys(job)) {
        stat_add(STAT_pool_jobs_busy_shard, 1);
        /* Out of the epoch first: a queued job holds nothing back. */
        job_leave(job);
        if (access_queue(&job->access, &job->waiter)) {
            return false;
        }
        keyspace_enter(job->x.services->keyspace);
        job->is_entered = true;
    }
    mark_pushes(job);
    return true;
}

/* The call waits for its keys: from the end of the access on the job is another's. */
static void job_block(struct job *job)
{
    struct keyspace *keyspace = job->x.services->keyspace;
    struct client_registry *registry = job->x.services->registry;
    struct access access = job->access;
    if (job->access.shards == job->access.inline_shards) {
        access.shards = access.inline_shards;
    }
    job->is_entered = false;
    block_begin(job, &access);
    access_end(&access);
    keyspace_leave(keyspace);
    push_wake(registry);
}

/* Runs the handler once. What it wants to be done outside the access (STATUS_PREPARE,
 * STATUS_COMPUTE) is done here; then it is to be called again. After STATUS_BLOCK the job may be
 * gone. */
static enum status job_call(struct job *job)
{
    struct exec *x = &job->x;
    struct served served = {.last = &served.first};
    x->now_ms = job->access.key_count > 0 ? job->access.now_ms : clock_ms();
    enum status status = x->command->handler(x);
    if (UNLIKELY(x->tracks) && (x->command->flags & COMMAND_READONLY) != 0) {
        x->services->sinks.remember(x->services->sinks.context, x);
    }
    if (UNLIKELY(job->access.ready != NULL)) {
        block_serve(x->services, &job->access, &served);
    }
    if (UNLIKELY(status == STATUS_BLOCK)) {
        /* It found nothing, so it brought nothing. */
        check(served.first == NULL);
        job_block(job);
        return status;
    }
    access_end(&job->access);
    block_send_home(&served);
    if (status == STATUS_PREPARE) {
        enum status prepared = access_prepare(&job->access);
        return prepared == STATUS_OK ? STATUS_PREPARE : prepared;
    }
    if (status == STATUS_COMPUTE) {
        check(x->work != NULL);
        x->computes++;
        enum status computed = x->work->run(x, x->work);
        return computed == STATUS_OK ? STATUS_COMPUTE : computed;
    }
    return status;
}

void job_finish(struct job *job, enum status status)
{
    struct exec *x = &job->x;
    call_reply_status(x->reply, status);
    push_wake(x->services->registry);
    exec_drop_work(x);
    const struct call_result result = {
        .ticks = job->ticks,
        .request_bytes = x->request->wire_size,
        .reply_bytes = chain_size(&job->suspension.chain),
        .failed = x->reply->had_error,
    };
    call_book(x, buf_bytes(&job->peer), &result);
    call_book_keys(x, result.ticks, result.request_bytes + result.reply_bytes);
    suspension_resume(&job->suspension);
}

static void job_run(struct pool_task *task)
{
    struct job *job = (struct job *)((char *)task - offsetof(struct job, task));
    enum status status;
    if (!job->is_open) {
        job_open(job);
    }
    do {
        if (!job->is_entered && job_wants_enter(job)) {
            keyspace_enter(job->x.services->keyspace);
            job->is_entered = true;
        }
        if (!job_take_keys(job)) {
            return;
        }
        uint64_t begin = clock_ticks();
        status = job_call(job);
        if (UNLIKELY(status == STATUS_BLOCK)) {
            return;
        }
        job->ticks += clock_ticks() - begin;
    } while (status == STATUS_PREPARE || status == STATUS_COMPUTE);
    check(status != STATUS_PENDING && status != STATUS_TO_POOL);
    job_leave(job);
    job_finish(job, status);
}

static void job_wake(struct access_waiter *waiter)
{
    struct job *job = (struct job *)((char *)waiter - offsetof(struct job, waiter));
    pool_submit(job->x.services->pool, &job->task, POOL_QUICK);
}

/* The job is back on its reactor. True: its reply is not complete yet. */
static bool come_home(struct suspension *suspension)
{
    struct job *job = (struct job *)suspension;
    struct session *session = suspension->session;
    if (job->is_marked) {
        /* The marker is taken in before the job goes, and what came before it before the reply. */
        job->is_marked = false;
        (void)push_take(job->x.services->registry, suspension->reactor);
        push_wake(job->x.services->registry);
    }
    if (session == NULL || job->x.command->route != ROUTE_QUEUE) {
        return false;
    }
    session->db = job->x.db; /* SELECT inside EXEC */
    return transaction_tail(job);
}

/* A job with a copy of the call's request. The call's own request is empty afterwards. */
static struct job *job_make(struct cycle *cycle, struct session *session, struct call *call)
{
    struct job *job = mem_alloc_zero(sizeof(*job));
    job->request = call->request;
    request_detach(&job->request);
    call->request = (struct request){0};
    job->key_hash = call->key.hash;
    job->suspension.free_self = job_free;
    suspension_begin(&job->suspension, cycle->dispatcher, session);
    job->suspension.come_home = come_home;
    job->transaction = session->transaction;
    session->transaction = NULL;
    job->is_tracking = (session->flags & SESSION_TRACKING) != 0;
    job->task.run = job_run;
    job->waiter.wake = job_wake;
    conn_peer_text(&session->conn, &job->peer);
    job->x = (struct exec){
        .command = call->command,
        .request = &job->request,
        .argv = job->request.argv,
        .argc = job->request.argc,
        .db = session->db,
        .reply = &job->suspension.reply,
        .access = &job->access,
        .services = cycle->services,
        .client_id = session->id,
        .reactor_index = reactor_index(session->conn.reactor),
        .fieldsets = fieldsets_acquire(session->fieldsets),
        .protocol = session->protocol,
        .transaction = &job->transaction,
        .tracks = cycle->exec.tracks,
        .cancelled = &job->suspension.cancelled,
    };
    return job;
}

void job_wait(struct cycle *cycle, struct session *session, struct call *call,
              struct access *access)
{
    struct exec_wait wait = cycle->exec.wait;
    struct job *job = job_make(cycle, session, call);
    job->is_inline = true;
    job->x.wait = wait;
    (void)call_find_keys(cycle->services->keyspace, job->x.command, &job->request, session->db,
                         &job->keys);
    block_begin(job, access);
}

void job_start(struct cycle *cycle, struct session *session, struct call *call, enum pool_lane lane)
{
    struct job *job = job_make(cycle, session, call);
    uint32_t flags = (session->flags & SESSION_NO_TOUCH) != 0 ? ACCESS_NO_TOUCH : 0;
    job->access_flags = flags | (lane == POOL_LONG ? ACCESS_LONG : 0);
    job->x.now_ms = reactor_now_ms(cycle->reactor);
    stat_counter_add(&cycle->handovers, 1);
    stat_add(STAT_pool_jobs, 1);
    pool_submit(cycle->services->pool, &job->task, lane);
}

/* ---- Parked calls ---- */

#define PARKED_LOOK_MS 20

/* Runs the parked calls whose pause is over, in the order they came. */
static void on_parked_timer(struct timer *timer, struct reactor *reactor)
{
    struct cycle *cycle = (struct cycle *)((char *)timer - offsetof(struct cycle, parked_timer));
    struct job *list = cycle->parked;
    cycle->parked = NULL;
    while (list != NULL) {
        struct job *job = list;
        list = job->next;
        struct session *session = job->suspension.session;
        if (session == NULL) {
            job_free(&job->suspension);
            continue;
        }
        session->suspension = NULL;
        session->flags &= ~(uint32_t)(SESSION_JOB | SESSION_PAUSED);
        session_set_blocked(session, false);
        struct call call = {.request = job->request, .command = job->x.command};
        call.key.hash = job->key_hash;
        job->request = (struct request){0};
        job_free(&job->suspension);
        /* Its time begins now, not when it came. */
        cycle->ticks = clock_ticks();
        call_begin(cycle, session);
        call_run(cycle, session, &call);
        request_deinit(&call.request);
        if ((session->flags & SESSION_JOB) == 0) {
            conn_want_reads(&session->conn, true);
            if (session->input.size > session->input_offset) {
                reactor_renew(&session->conn);
            }
        }
        cycle_mark_dirty(cycle, session);
    }
    if (cycle->parked != NULL) {
        reactor_timer_set(reactor, timer, reactor_monotonic_ms(reactor) + PARKED_LOOK_MS);
    }
}

void job_park(struct cycle *cycle, struct session *session, struct call *call)
{
    struct job *job = job_make(cycle, session, call);
    session_set_blocked(session, true);
    session->flags |= SESSION_PAUSED;
    struct job **link = &cycle->parked;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = job;
    if (cycle->parked_timer.position == 0) {
        cycle->parked_timer.fire = on_parked_timer;
        reactor_timer_set(cycle->reactor, &cycle->parked_timer,
                          reactor_monotonic_ms(cycle->reactor) + PARKED_LOOK_MS);
    }
}
