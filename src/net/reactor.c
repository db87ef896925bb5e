/* The reactor: one thread's cycle over its connections, mails and timers.
 *
 *      wait -> clocks -> on_cycle_begin -> mails -> timers -> ready connections -> on_cycle_end
 *
 * Every request passes through one turn of reactor_cycle. Mails come before ready connections, so
 * that what another thread decided first (an invalidation, a kill) is seen first.
 * Threads: all of it belongs to the reactor's thread, but reactor_post, reactor_stop and
 * reactor_figures.
 * Invariants:
 * 1. It sleeps only with no mail, no queued connection, no stop, and at most until the earliest
 *    timer.
 * 2. A connection is in `all` from reactor_add to reactor_remove. */
#define _GNU_SOURCE
#include "reactor.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <errno.h>

/* Pauses between two looks: about a microsecond. */
#define LINGER_PAUSES 60
/* log2 of the most sleeps that follow a look in vain. */
#define LINGER_FAILURES_MAX 10

static void on_wake(struct source *source, struct reactor *reactor);
static void reactor_cycle(struct reactor *reactor);

struct reactor *reactor_create(const struct net_options *options, const struct reactor_hooks *hooks,
                               uint32_t index)
{
    struct reactor *reactor =
        mem_alloc_zero((sizeof(*reactor) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    reactor->hooks = *hooks;
    reactor->options = options;
    reactor->index = index;
    reactor->monotonic_ms = clock_monotonic_ms();
    reactor->now_ms = clock_ms();
    reactor->mailbox.wake_fd = -1;
    if (!poller_open(&reactor->poller, (enum net_poller)option_get(&options->poller)) ||
        !mailbox_open(&reactor->mailbox)) {
        reactor_destroy(&reactor);
        return NULL;
    }
    reactor->wake.conn.fd = reactor->mailbox.wake_fd;
    reactor->wake.on_event = on_wake;
    if (!reactor_watch(reactor, &reactor->wake)) {
        reactor_destroy(&reactor);
        return NULL;
    }
    return reactor;
}

void reactor_destroy(struct reactor **reactor)
{
    struct reactor *gone = *reactor;
    *reactor = NULL;
    if (gone == NULL) {
        return;
    }
    check(gone->all.count == 0);
    struct mail *mail = mailbox_take(&gone->mailbox);
    while (mail != NULL) {
        struct mail *next = mail->next;
        if (mail->drop != NULL) {
            mail->drop(mail);
        }
        mail = next;
    }
    mailbox_close(&gone->mailbox);
    poller_close(&gone->poller);
    timer_heap_deinit(&gone->timers);
    mem_free(gone->all.items);
    mem_free(gone->ready.items);
    mem_free(gone->queued.items);
    mem_free(gone);
}

void reactor_run(struct reactor *reactor)
{
    reactor->woken_ticks = clock_ticks();
    /* Relaxed: reactor_stop wakes after it stores, and the write and wait on the descriptor order
     * the two. */
    while (!atomic_load_explicit(&reactor->stopping, memory_order_relaxed)) {
        reactor_cycle(reactor);
    }
    atomic_store_explicit(&reactor->stopping, false, memory_order_relaxed);
}

void reactor_stop(struct reactor *reactor)
{
    /* Partner: the load in reactor_run. */
    atomic_store_explicit(&reactor->stopping, true, memory_order_relaxed);
    mailbox_wake(&reactor->mailbox);
}

void reactor_post(struct reactor *reactor, struct mail *mail)
{
    mailbox_post(&reactor->mailbox, mail);
}

uint32_t reactor_index(const struct reactor *reactor)
{
    return reactor->index;
}

void *reactor_context(const struct reactor *reactor)
{
    return reactor->hooks.context;
}

int64_t reactor_monotonic_ms(const struct reactor *reactor)
{
    return reactor->monotonic_ms;
}

int64_t reactor_now_ms(const struct reactor *reactor)
{
    return reactor->now_ms;
}

/* ---- The cycle ---- */

/* Looks for work a little longer before it sleeps (busy-wait-us); true when some has come. After
 * looks in vain it sleeps at once, twice as often each time. */
static bool reactor_linger(struct reactor *reactor, const struct poller_sink *sink, uint64_t now)
{
    int64_t wait_us = option_get(&reactor->options->busy_wait_us);
    if (LIKELY(wait_us == 0)) {
        return false;
    }
    if (reactor->linger_skips > 0) {
        reactor->linger_skips--;
        return false;
    }
    uint64_t end = now + clock_ns_to_ticks((uint64_t)wait_us * 1000);
    do {
        for (int i = 0; i < LINGER_PAUSES; i++) {
            thread_pause();
        }
        poller_wait(&reactor->poller, 0, sink);
        if (reactor->ready.count > 0) {
            reactor->linger_failures = 0;
            return true;
        }
    } while (clock_ticks() < end);
    reactor->linger_failures += reactor->linger_failures < LINGER_FAILURES_MAX;
    reactor->linger_skips = UINT32_C(1) << reactor->linger_failures;
    return false;
}

static void reactor_wait(struct reactor *reactor)
{
    int timeout_ms = 0;
    if (reactor->queued.count == 0) {
        /* The clock of the cycle is old by what the cycle cost: a timer would be late by that. */
        timeout_ms = reactor->timers.count == 0
                         ? -1
                         : timer_heap_timeout(&reactor->timers, clock_monotonic_ms());
    }
    ready_begin(reactor);
    atomic_store_explicit(&reactor->counters.parked, reactor->poller.parked, memory_order_relaxed);
    struct poller_sink sink = {.note = ready_note, .argument = reactor};
    uint64_t before = clock_ticks();
    counter_add(&reactor->counters.busy_ticks, before - reactor->woken_ticks);
    if (timeout_ms == 0 || !reactor_linger(reactor, &sink, before)) {
        if (timeout_ms != 0 && !mailbox_fall_asleep(&reactor->mailbox)) {
            timeout_ms = 0;
        }
        poller_wait(&reactor->poller, timeout_ms, &sink);
    }
    reactor->woken_ticks = clock_ticks();
    counter_add(&reactor->counters.waits, 1);
    counter_add(&reactor->counters.cycles, 1);
}

static void reactor_deliver(struct reactor *reactor)
{
    struct mail *mail = mailbox_take(&reactor->mailbox);
    uint64_t delivered = 0;
    while (mail != NULL) {
        struct mail *next = mail->next;
        mail->deliver(mail, reactor);
        mail = next;
        delivered++;
    }
    if (delivered > 0) {
        counter_add(&reactor->counters.mails, delivered);
    }
}

static void reactor_fire(struct reactor *reactor)
{
    /* At most as many as there were: one that sets itself to the past fires again in the next
     * cycle and cannot hold this one. */
    for (size_t left = reactor->timers.count; left > 0; left--) {
        struct timer *timer = timer_heap_take_due(&reactor->timers, reactor->monotonic_ms);
        if (timer == NULL) {
            return;
        }
        timer->fire(timer, reactor);
    }
}

static void reactor_cycle(struct reactor *reactor)
{
    reactor_wait(reactor);
    reactor->monotonic_ms = clock_monotonic_ms();
    reactor->now_ms = clock_ms();
    if (reactor->hooks.on_cycle_begin != NULL) {
        reactor->hooks.on_cycle_begin(reactor->hooks.context, reactor);
    }
    reactor_deliver(reactor);
    reactor_fire(reactor);
    ready_dispatch(reactor);
    if (reactor->hooks.on_cycle_end != NULL) {
        reactor->hooks.on_cycle_end(reactor->hooks.context, reactor);
    }
}

static void on_wake(struct source *source, struct reactor *reactor)
{
    mailbox_drain(&reactor->mailbox);
}

/* ---- What it watches ---- */

bool reactor_watch(struct reactor *reactor, struct source *source)
{
    source->conn.flags = CONN_SOURCE;
    source->conn.reactor = reactor;
    if (!ready_reserve(reactor) || !poller_add(&reactor->poller, &source->conn)) {
        return false;
    }
    reactor->source_count++;
    return true;
}

void reactor_unwatch(struct reactor *reactor, struct source *source)
{
    ready_forget(reactor, &source->conn);
    poller_remove(&reactor->poller, &source->conn);
    reactor->source_count--;
}

bool reactor_add(struct reactor *reactor, struct conn *conn, int fd, bool is_unix)
{
    conn->fd = fd;
    conn->flags = CONN_READS | (is_unix ? CONN_UNIX : 0);
    conn->reactor = reactor;
    conn->transport = &socket_transport;
    conn->output = (struct chain){0};
    conn->read_bytes = 0;
    conn->written_bytes = 0;
    conn->active_ms = reactor->monotonic_ms;
    conn->slot = 0;
    if (!ready_reserve(reactor) || !poller_add(&reactor->poller, conn)) {
        return false;
    }
    conn->place = (uint32_t)reactor->all.count;
    reactor->all.items[reactor->all.count++] = conn;
    counter_add(&reactor->counters.connections, 1);
    return true;
}

void reactor_remove(struct conn *conn)
{
    struct reactor *reactor = conn->reactor;
    check(conn->place < reactor->all.count && reactor->all.items[conn->place] == conn);
    ready_forget(reactor, conn);
    poller_remove(&reactor->poller, conn);
    struct conn *last = reactor->all.items[--reactor->all.count];
    reactor->all.items[conn->place] = last;
    last->place = conn->place;
    chain_clear(&conn->output);
    conn->transport->close(conn);
    conn->fd = -1;
    conn->reactor = NULL;
    /* Adding minus one: the counter wraps as unsigned numbers do. */
    counter_add(&reactor->counters.connections, UINT64_MAX);
    if (reactor->listeners != NULL) {
        listeners_descriptor_closed(reactor->listeners);
    }
}

void reactor_renew(struct conn *conn)
{
    conn->flags |= CONN_RENEWED;
    ready_queue(conn->reactor, conn);
}

void reactor_each(struct reactor *reactor, void (*visit)(struct conn *conn, void *argument),
                  void *argument)
{
    /* From the back: a removal moves the last one, already visited, into the gap. */
    for (size_t i = reactor->all.count; i-- > 0;) {
        visit(reactor->all.items[i], argument);
    }
}

void reactor_timer_set(struct reactor *reactor, struct timer *timer, int64_t due_ms)
{
    /* Not before this cycle: else one that sets itself to the past again and again would stand
     * before all others for ever. */
    int64_t earliest_ms = reactor->monotonic_ms;
    timer_heap_set(&reactor->timers, timer, due_ms > earliest_ms ? due_ms : earliest_ms);
}

void reactor_timer_cancel(struct reactor *reactor, struct timer *timer)
{
    timer_heap_cancel(&reactor->timers, timer);
}

void reactor_figures(const struct reactor *reactor, struct reactor_figures *ret_figures)
{
    /* C11's atomic loads do not take pointers to const in every compiler. */
    struct reactor_counters *from = (struct reactor_counters *)&reactor->counters;
    uint64_t ticks = atomic_load_explicit(&from->busy_ticks, memory_order_relaxed);
    *ret_figures = (struct reactor_figures){
        .cycles = atomic_load_explicit(&from->cycles, memory_order_relaxed),
        .waits = atomic_load_explicit(&from->waits, memory_order_relaxed),
        .parked = atomic_load_explicit(&from->parked, memory_order_relaxed),
        .connections = atomic_load_explicit(&from->connections, memory_order_relaxed),
        .busy_us = clock_ticks_to_ns(ticks) / 1000,
        .mails = atomic_load_explicit(&from->mails, memory_order_relaxed),
    };
}
