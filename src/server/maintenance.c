/* Expiry, reclaiming and trimming, driven by need.
 *
 *   a key with an earlier TTL --want_expire--> arm_mail --> timer of reactor 0 --due--> expire_task
 *        on the pool: keyspace_expire, at most a millisecond, then again or arm_mail
 *
 * Threads: hooks come from any; the timer is the first reactor's; tasks run on the pool. Each
 * is_out flag is set by who starts the thing and cleared by who does it, so that it is out once. */
#include "maintenance.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/exec/dispatcher.h"
#include <sched.h>
#include <stddef.h>

/* Most microseconds of expiry at a time before other quick work has its turn. */
#define EXPIRE_BUDGET_US 1000
/* And of eviction: what is left is asked for again. */
#define EVICT_BUDGET_US 2000
/* While memory is short the caches of the reactors' threads are emptied so often: what they keep of
 * each size in that time is some hundred blocks. */
#define FLUSH_INTERVAL_MS 20

static struct maintenance *of_task(struct pool_task *task, size_t offset)
{
    return (struct maintenance *)((char *)task - offset);
}

static void post_arm(struct maintenance *self)
{
    /* Sequentially consistent exchange: pairs with the clearing store in on_arm, so that a due
     * time stored before it is either seen by on_arm or posted again. */
    if (!atomic_exchange(&self->mail_is_out, true)) {
        reactor_post(self->reactor, &self->arm_mail);
    }
}

static void on_arm(struct mail *mail, struct reactor *reactor)
{
    struct maintenance *self =
        (struct maintenance *)((char *)mail - offsetof(struct maintenance, arm_mail));
    atomic_store(&self->mail_is_out, false);
    int64_t due_ms = atomic_load(&self->due_ms);
    if (due_ms == INT64_MAX) {
        reactor_timer_cancel(reactor, &self->timer);
        return;
    }
    int64_t wait_ms = due_ms - clock_ms();
    reactor_timer_set(reactor, &self->timer,
                      reactor_monotonic_ms(reactor) + (wait_ms > 0 ? wait_ms : 0));
}

/* Has the pool run the task, unless it is out already or the end has begun. */
static void submit(struct maintenance *self, struct pool_task *task, _Atomic bool *is_out,
                   enum pool_lane lane)
{
    if (self->pool != NULL && !atomic_load(&self->stopping) && !atomic_exchange(is_out, true)) {
        pool_submit(self->pool, task, lane);
    }
}

static void submit_expire(struct maintenance *self)
{
    submit(self, &self->expire_task, &self->expire_is_out, POOL_QUICK);
}

static void on_timer(struct timer *timer, struct reactor *reactor)
{
    submit_expire((struct maintenance *)((char *)timer - offsetof(struct maintenance, timer)));
}

/* For LATENCY: a run that began then has ended. Redis's event eviction-del has no counterpart: what
 * takes long to free does not go in the run. */
static void tell_run(const struct maintenance *self, const char *event, int64_t began_us)
{
    latency_add(self->services->stats_options, event, (clock_monotonic_us() - began_us) / 1000);
}

static void run_expire(struct pool_task *task)
{
    struct maintenance *self = of_task(task, offsetof(struct maintenance, expire_task));
    int64_t began_us = clock_monotonic_us();
    atomic_store(&self->due_ms, INT64_MAX);
    int64_t next_ms = keyspace_expire(self->keyspace, clock_ms(), EXPIRE_BUDGET_US);
    tell_run(self, "expire-cycle", began_us);
    int64_t seen_ms = atomic_load(&self->due_ms);
    while (next_ms < seen_ms && !atomic_compare_exchange_weak(&self->due_ms, &seen_ms, next_ms)) {
    }
    atomic_store(&self->expire_is_out, false);
    if (next_ms <= clock_ms()) {
        submit_expire(self);
    } else {
        post_arm(self);
    }
}

static void want_reclaim(void *context)
{
    struct maintenance *self = context;
    submit(self, &self->reclaim_task, &self->reclaim_is_out, POOL_LONG);
}

static void run_reclaim(struct pool_task *task)
{
    struct maintenance *self = of_task(task, offsetof(struct maintenance, reclaim_task));
    atomic_store(&self->reclaim_is_out, false);
    if (keyspace_reclaim(self->keyspace)) {
        want_reclaim(self);
    }
}

static void want_evict(void *context)
{
    struct maintenance *self = context;
    submit(self, &self->evict_task, &self->evict_is_out, POOL_QUICK);
}

/* So that the next commands need not evict: an amount in short steps, between which other quick
 * work has its turn. */
static void run_evict(struct pool_task *task)
{
    struct maintenance *self = of_task(task, offsetof(struct maintenance, evict_task));
    int64_t began_us = clock_monotonic_us();
    uint64_t bytes = self->evict_left;
    bool is_more = true;
    bytes = bytes > 0 ? bytes : keyspace_evict_margin(self->keyspace);
    while (is_more && clock_monotonic_us() - began_us < EVICT_BUDGET_US) {
        keyspace_enter(self->keyspace);
        is_more = keyspace_evict_ahead(self->keyspace, &bytes);
        keyspace_leave(self->keyspace);
        (void)sched_yield(); /* A reactor may wait for this processor. */
    }
    tell_run(self, "eviction-cycle", began_us);
    /* What is left goes on; a new amount is for when the data is over its budget again. */
    self->evict_left = is_more ? bytes : 0;
    /* Cleared last: one evict task at a time. */
    atomic_store(&self->evict_is_out, false);
    if (is_more) {
        want_evict(self);
    }
}

static void on_flush(struct mail *mail, struct reactor *reactor)
{
    struct flush_mail *flush =
        (struct flush_mail *)((char *)mail - offsetof(struct flush_mail, mail));
    (void)reactor;
    atomic_store(&flush->is_out, false);
    mem_thread_flush();
}

/* What threads keep for themselves holds the slabs that trimming wants to empty. */
static void flush_caches(struct maintenance *self)
{
    int64_t now_ms = clock_monotonic_us() / 1000;
    if (now_ms - self->flushed_ms < FLUSH_INTERVAL_MS) {
        return;
    }
    self->flushed_ms = now_ms;
    for (size_t i = 0; i < self->reactor_count; i++) {
        struct flush_mail *flush = &self->flush_mails[i];
        if (!atomic_exchange(&flush->is_out, true)) {
            reactor_post(flush->reactor, &flush->mail);
        }
    }
}

static void want_trim(void *context)
{
    struct maintenance *self = context;
    submit(self, &self->trim_task, &self->trim_is_out, POOL_LONG);
}

static void run_trim(struct pool_task *task)
{
    struct maintenance *self = of_task(task, offsetof(struct maintenance, trim_task));
    bool is_more = keyspace_trim(self->keyspace);
    flush_caches(self);
    /* Cleared last: one trim task at a time. */
    atomic_store(&self->trim_is_out, false);
    if (is_more) {
        want_trim(self);
    }
}

static void run_turns(struct pool_task *task)
{
    struct maintenance *self = of_task(task, offsetof(struct maintenance, turns_task));
    /* Before the look: who adds to the list after it asks again. */
    atomic_store(&self->turns_is_out, false);
    dispatcher_give_turns(self->services);
}

static void want_turns(void *context)
{
    struct maintenance *self = context;
    submit(self, &self->turns_task, &self->turns_is_out, POOL_QUICK);
}

static void want_expire(void *context, int64_t due_ms)
{
    struct maintenance *self = context;
    int64_t seen_ms = atomic_load(&self->due_ms);
    while (due_ms < seen_ms) {
        if (atomic_compare_exchange_weak(&self->due_ms, &seen_ms, due_ms)) {
            if (self->reactor != NULL) {
                post_arm(self);
            }
            return;
        }
    }
}

struct keyspace_hooks maintenance_hooks(struct maintenance *maintenance)
{
    atomic_init(&maintenance->due_ms, INT64_MAX);
    return (struct keyspace_hooks){.context = maintenance,
                                   .want_reclaim = want_reclaim,
                                   .want_expire = want_expire,
                                   .want_evict = want_evict,
                                   .want_trim = want_trim,
                                   .want_turns = want_turns};
}

static void make_flush_mails(struct maintenance *maintenance, struct reactor **reactors,
                             size_t count)
{
    maintenance->flush_mails = mem_alloc_zero(count * sizeof(*maintenance->flush_mails));
    maintenance->reactor_count = count;
    for (size_t i = 0; i < count; i++) {
        maintenance->flush_mails[i].mail.deliver = on_flush;
        maintenance->flush_mails[i].reactor = reactors[i];
    }
}

void maintenance_start(struct maintenance *maintenance, const struct services *services,
                       struct reactor **reactors, size_t count)
{
    make_flush_mails(maintenance, reactors, count);
    maintenance->services = services;
    maintenance->keyspace = services->keyspace;
    maintenance->pool = services->pool;
    maintenance->reactor = reactors[0];
    maintenance->arm_mail.deliver = on_arm;
    maintenance->timer.fire = on_timer;
    maintenance->expire_task.run = run_expire;
    maintenance->reclaim_task.run = run_reclaim;
    maintenance->evict_task.run = run_evict;
    maintenance->trim_task.run = run_trim;
    maintenance->turns_task.run = run_turns;
}

void maintenance_stop(struct maintenance *maintenance)
{
    atomic_store(&maintenance->stopping, true);
}

void maintenance_deinit(struct maintenance *maintenance)
{
    mem_free(maintenance->flush_mails);
    maintenance->flush_mails = NULL;
}
