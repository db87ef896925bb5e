/* Sessions that got pushes: flushed at the end of the cycle, but not again at once after a flush
 * that took long.
 *
 *     message -> 100 outputs -> 100 writes, 110 us .. messages gather for 220 us .. 100 writes
 *
 * A message to many costs a write for each. While a stream of them comes, those that arrive within
 * twice the time that the last flush took are sent with one write; a message that comes alone is
 * sent at once. Few receivers, no waiting. Measured with bench/run pubsub, all cores, pipeline 1:
 * 1.25 times redis-server's deliveries a CPU second with once that time, 2.7 with twice.
 * Threads: the reactor's. Invariant: is_pushed says whether a session is in the list. */
#include "cycle.h"
#include "pollard/base/clock.h"

/* A flush to fewer is no reason to wait, whatever it took: 16 writes are about 40 us. */
#define HOLD_FROM_RECEIVERS 16
/* None waits longer than this. The timer that ends a wait in which nothing happens has the
 * resolution of a millisecond. */
#define HOLD_MAX_NS 500000

void pushed_add(struct cycle *cycle, struct session *session)
{
    struct pushed *pushed = &cycle->pushed;
    if (session->is_pushed) {
        return;
    }
    session->is_pushed = true;
    session->next_pushed = NULL;
    session->previous_pushed = pushed->last;
    if (pushed->last == NULL) {
        pushed->first = session;
    } else {
        pushed->last->next_pushed = session;
    }
    pushed->last = session;
}

void pushed_remove(struct cycle *cycle, struct session *session)
{
    struct pushed *pushed = &cycle->pushed;
    if (!session->is_pushed) {
        return;
    }
    session->is_pushed = false;
    if (session->previous_pushed == NULL) {
        pushed->first = session->next_pushed;
    } else {
        session->previous_pushed->next_pushed = session->next_pushed;
    }
    if (session->next_pushed == NULL) {
        pushed->last = session->previous_pushed;
    } else {
        session->next_pushed->previous_pushed = session->previous_pushed;
    }
}

/* The end of the cycle does the rest. */
static void on_timer(struct timer *timer, struct reactor *reactor)
{
}

void pushed_flush(struct cycle *cycle)
{
    struct pushed *pushed = &cycle->pushed;
    if (LIKELY(pushed->first == NULL)) {
        return;
    }
    uint64_t begin = clock_ticks();
    if (begin - pushed->flushed_at < pushed->hold_ticks) {
        pushed->timer.fire = on_timer;
        if (pushed->timer.position == 0) {
            reactor_timer_set(cycle->reactor, &pushed->timer,
                              reactor_monotonic_ms(cycle->reactor) + 1);
        }
        return;
    }
    struct session *session;
    size_t receivers = 0;
    while ((session = pushed->first) != NULL) {
        pushed_remove(cycle, session);
        (void)cycle_flush(cycle, session);
        receivers++;
    }
    reactor_timer_cancel(cycle->reactor, &pushed->timer);
    pushed->flushed_at = clock_ticks();
    uint64_t cost = pushed->flushed_at - begin;
    uint64_t most = clock_ns_to_ticks(HOLD_MAX_NS);
    cost = 2 * cost < most ? 2 * cost : most;
    pushed->hold_ticks = receivers < HOLD_FROM_RECEIVERS ? 0 : cost;
}

/* Pushes that make pushes (a redirection) are taken in at once, but not for ever: other reactors
 * may post without a pause. */
#define TURNS_MAX 4

void pushed_settle(struct cycle *cycle)
{
    struct client_registry *registry = cycle->services->registry;
    int turns = 0;
    while (turns < TURNS_MAX && push_take(registry, cycle->reactor)) {
        turns++;
    }
    pushed_flush(cycle);
    push_wake(registry);
    if (turns == TURNS_MAX) {
        push_ask(registry, cycle->reactor);
    }
}
