/* Jobs: commands on the pool. A job owns a copy of its request, runs the handler with an access of
 * its own, and mails the reply home.
 *
 *   job_start -> pool -> job_run: access_try --granted--> handler -> suspension_resume
 *                  ^        | busy
 *                  +- wake -+ (queued at the shard, no thread waits)
 *
 * Threads: made on the reactor, run by one worker at a time, freed on the reactor. */
#include "job.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/client/fieldsets.h"

static void job_free(struct suspension *suspension)
{
    struct job *job = (struct job *)suspension;
    request_deinit(&job->request);
    buf_deinit(&job->peer);
    fieldsets_release(job->x.fieldsets);
    mem_free(job->keys);
    mem_free(job);
}

/* Finds and hashes the keys: on the worker, because there may be many. */
static void job_open(struct job *job)
{
    struct exec *x = &job->x;
    struct keyspace *keyspace = x->services->keyspace;
    keyspace_enter(keyspace);
    int count = call_find_keys(keyspace, x->command, &job->request, x->db, &job->keys);
    keyspace_leave(keyspace);
    if (job->keys == NULL) {
        job->keys = mem_alloc(2 * sizeof(*job->keys));
    }
    /* Arguments that name no keys are the handler's to refuse. */
    access_init(&job->access, keyspace, x->command->is_exclusive ? ACCESS_WRITE : ACCESS_READ,
                (struct key_list){job->keys, count < 0 ? 0 : (uint32_t)count}, x->now_ms);
    job->access.flags = (uint8_t)job->access_flags;
    job->is_open = true;
}

/* A keyless command of ROUTE_POOL works on whole databases: it brackets itself. */
static bool job_wants_enter(const struct job *job)
{
    return job->access.key_count > 0 || job->x.command->route != ROUTE_POOL;
}

static void job_leave(struct job *job)
{
    if (job->is_entered) {
        keyspace_leave(job->x.services->keyspace);
        job->is_entered = false;
    }
}

/* Takes the keys. False: the job waits at a shard and will be run again. */
static bool job_take_keys(struct job *job)
{
    while (job->access.key_count > 0 && access_try(&job->access) == ACCESS_BUSY) {
        stat_add(STAT_pool_jobs_busy_shard, 1);
        /* Out of the epoch first: a queued job holds nothing back. */
        job_leave(job);
        if (access_queue(&job->access, &job->waiter)) {
            return false;
        }
        keyspace_enter(job->x.services->keyspace);
        job->is_entered = true;
    }
    return true;
}

/* Runs the handler once. What it wants to be done outside the access (STATUS_PREPARE,
 * STATUS_COMPUTE) is done here; then it is to be called again. */
static enum status job_call(struct job *job)
{
    struct exec *x = &job->x;
    x->now_ms = job->access.key_count > 0 ? job->access.now_ms : clock_ms();
    enum status status = x->command->handler(x);
    access_end(&job->access);
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

static void job_finish(struct job *job, enum status status)
{
    struct exec *x = &job->x;
    call_reply_status(x->reply, status);
    exec_drop_work(x);
    const struct call_result result = {
        .ticks = job->ticks,
        .request_bytes = x->request->wire_size,
        .reply_bytes = chain_size(&job->suspension.chain),
        .failed = x->reply->had_error,
    };
    call_book(x, buf_bytes(&job->peer), &result);
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
        .fieldsets = fieldsets_acquire(session->fieldsets),
        .protocol = session->protocol,
        .cancelled = &job->suspension.cancelled,
    };
    return job;
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
        session->flags &= ~(uint32_t)SESSION_JOB;
        session_set_blocked(session, false);
        struct call call = {.request = job->request, .command = job->x.command};
        call.key.hash = job->key_hash;
        job->request = (struct request){0};
        job_free(&job->suspension);
        /* Its time begins now, not when it came. */
        cycle->ticks = clock_ticks();
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
