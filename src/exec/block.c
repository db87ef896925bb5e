/* Clients that wait for keys: the beginning and the end of a wait. Off the path of everybody else.
 *
 * Threads: begun by the reactor or a worker, under the locks of the keys; ended on the reactor. */
#include "block.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

static void reply_nothing(const struct exec *x, struct reply *reply)
{
    if (x->wait.null_is_array) {
        reply_null_array(reply);
    } else {
        reply_null(reply);
    }
}

enum status exec_wait(struct exec *x, const struct exec_wait *wait)
{
    x->wait = *wait;
    if (x->is_inside) {
        reply_nothing(x, x->reply);
        return STATUS_OK;
    }
    return STATUS_BLOCK;
}

/* Whatever the commands that Redis knows reply when they may not wait: this is its one answer. */
static void on_timeout(struct suspension *suspension, struct reply *reply)
{
    void (*time_over)(struct reply * reply) = ((struct job *)suspension)->x.wait.time_over;
    if (time_over != NULL) {
        time_over(reply);
    } else {
        reply_null_array(reply);
    }
}

static bool take_back(struct suspension *suspension)
{
    return block_take(((struct job *)suspension)->waiting);
}

/* The handler runs once more, on the pool; from here on only the job's mail ends the suspension. */
static bool look_again(struct suspension *suspension)
{
    struct job *job = (struct job *)suspension;
    if (!job->x.wait.looks_again) {
        return false;
    }
    block_end(job);
    suspension->timeout = NULL;
    suspension->take_back = NULL;
    session_set_blocked(suspension->session, false);
    job->is_inline = false;
    job->is_open = false;
    job->x.has_waited = true;
    job->x.now_ms = reactor_now_ms(suspension->reactor);
    pool_submit(job->x.services->pool, &job->task, POOL_QUICK);
    return true;
}

/* The reactor's half of the beginning: the client shows as blocked, its time runs, and from here on
 * the reactor may take the wait back. */
static void arm(struct waiting *waiting, struct reactor *reactor)
{
    struct suspension *suspension = &waiting->job->suspension;
    int64_t timeout_ms = waiting->job->x.wait.timeout_ms;
    suspension->timeout = on_timeout;
    suspension->take_back = take_back;
    suspension->look_again = look_again;
    session_set_blocked(suspension->session, true);
    if (timeout_ms > 0) {
        /* From now, not from when the cycle began; the next whole millisecond, never before. */
        int64_t due_us = clock_monotonic_us() + timeout_ms * 1000;
        reactor_timer_set(reactor, &suspension->timer, (due_us + 999) / 1000);
    }
}

/* While it waits the client hears of changes at once: what it will get is not for its cache. */
static void let_pushes(struct job *job, struct reactor *reactor)
{
    if (job->is_marked) {
        job->is_marked = false;
        (void)push_take(job->x.services->registry, reactor);
        session_release(job->suspension.session);
    }
}

static void on_arm(struct mail *mail, struct reactor *reactor)
{
    struct waiting *waiting = (struct waiting *)((char *)mail - offsetof(struct waiting, arm));
    /* The job is there until it has come home, whoever has taken it. */
    struct suspension *suspension = &waiting->job->suspension;
    if (suspension->session != NULL) {
        let_pushes(waiting->job, reactor);
        arm(waiting, reactor);
    } else if (block_take(waiting)) {
        /* The client went while the call was on the pool. */
        suspension_end(suspension);
    }
}

static void on_drop(struct mail *mail)
{
    on_arm(mail, /* reactor= */ NULL); /* All sessions are gone. */
}

void block_begin(struct job *job, struct access *access)
{
    const struct exec_wait *wait = &job->x.wait;
    uint32_t count = wait->key_count;
    size_t name_size = wait->has_target ? access->keys[count].name.size : 0;
    struct waiting *waiting =
        mem_alloc_zero(sizeof(*waiting) + count * sizeof(waiting->waiters[0]) + name_size);
    struct reactor *reactor = job->suspension.reactor;
    waiting->job = job;
    waiting->keyspace = job->x.services->keyspace;
    waiting->arm.deliver = on_arm;
    waiting->arm.drop = on_drop;
    waiting->count = count;
    waiting->type = wait->type;
    waiting->least = wait->least;
    waiting->has_target = wait->has_target;
    if (wait->has_target) {
        unsigned char *name = (unsigned char *)&waiting->waiters[count];
        waiting->target = access->keys[count];
        memcpy(name, waiting->target.name.data, name_size);
        waiting->target.name.data = name;
    }
    job->waiting = waiting;
    for (uint32_t i = 0; i < count; i++) {
        waiting->waiters[i].owner = waiting;
        waiting->waiters[i].index = i;
        waiting->waiters[i].takes_turns = wait->takes_turns;
        key_wait(access, i, &waiting->waiters[i]);
    }
    if (job->is_inline) {
        arm(waiting, reactor);
    } else {
        /* Before anybody can take it: so this mail is delivered before the job's. */
        reactor_post(reactor, &waiting->arm);
    }
}

bool block_take(struct waiting *waiting)
{
    bool expected = false;
    /* Partners: the takers of the same wait. The job itself was published by the shard's lock. */
    return atomic_compare_exchange_strong(&waiting->is_taken, &expected, true);
}

static void run_cleanup(struct pool_task *task)
{
    struct waiting *waiting = (struct waiting *)((char *)task - offsetof(struct waiting, cleanup));
    keyspace_enter(waiting->keyspace);
    for (uint32_t i = 0; i < waiting->count; i++) {
        (void)keyspace_unwait(waiting->keyspace, &waiting->waiters[i], /* patient= */ true);
    }
    keyspace_leave(waiting->keyspace);
    mem_free(waiting);
}

void block_end(struct job *job)
{
    struct waiting *waiting = job->waiting;
    struct pool *pool = job->x.services->pool;
    bool is_busy = false;
    job->waiting = NULL;
    waiting->job = NULL;
    for (uint32_t i = 0; i < waiting->count && !is_busy; i++) {
        is_busy = !keyspace_unwait(waiting->keyspace, &waiting->waiters[i], /* patient= */ false);
    }
    if (!is_busy) {
        mem_free(waiting);
        return;
    }
    waiting->cleanup.run = run_cleanup;
    pool_submit(pool, &waiting->cleanup, POOL_QUICK);
}

bool exec_unblock(struct session *session, bool with_error)
{
    struct suspension *suspension = session->suspension;
    if (suspension == NULL || (session->flags & SESSION_BLOCKED) == 0 ||
        suspension->timeout == NULL || (session->flags & SESSION_PAUSED) != 0 ||
        (suspension->take_back != NULL && !suspension->take_back(suspension))) {
        return false;
    }
    if (with_error) {
        reply_error(&suspension->reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    } else {
        suspension->timeout(suspension, &suspension->reply);
    }
    suspension_end(suspension);
    return true;
}
