/* Publishers wait for those who deliver.
 *
 * A message costs its publisher one post a reactor, and the reactor a copy a receiver: without a
 * bound a pipeline of PUBLISH would fill another reactor's queue until its subscribers are cut,
 * however fast they read. So a publisher that finds a reactor too far behind sends a barrier after
 * its message and is answered when the reactor comes to it.
 *
 * Not for notifications, nor for what is published in a transaction: there the cut is the bound
 * (publish.c). Threads: the publisher's reactor; the barrier's. */
#include "events_private.h"
#include "pollard/base/mem.h"

/* Bytes to be copied on a reactor: what it does in about a millisecond. */
#define BACKLOG_MAX ((uint64_t)4 * 1024 * 1024)

struct barrier {
    struct push push; /* first */
    struct suspension *suspension;
};

static void on_barrier(struct push *push, struct reactor *reactor)
{
    struct barrier *barrier = (struct barrier *)push;
    /* reactor NULL: sessions and their reactors are gone, nobody is to be answered. */
    if (reactor != NULL) {
        suspension_resume(barrier->suspension);
    }
    mem_free(barrier);
}

/* The reactor that is behind, or the count of them. Its own is not: it delivers before it reads
 * more. */
static uint32_t find_behind(const struct events *events, uint32_t own)
{
    uint32_t i = 0;
    while (i < events->reactor_count &&
           (i == own || atomic_load_explicit(&events->backlogs[i].bytes, memory_order_relaxed) <=
                            BACKLOG_MAX)) {
        i++;
    }
    return i;
}

bool events_hold_publisher(struct events *events, struct exec *x, uint64_t receivers)
{
    if (receivers == 0) {
        return false;
    }
    uint32_t behind = find_behind(events, reactor_index(x->session->conn.reactor));
    if (LIKELY(behind == events->reactor_count)) {
        return false;
    }
    struct barrier *barrier = mem_alloc(sizeof(*barrier));
    barrier->push.deliver = on_barrier;
    barrier->suspension =
        exec_suspend(x, /* blocked= */ false, /* timeout_ms= */ 0, /* timeout= */ NULL,
                     /* argument= */ NULL);
    reply_integer(suspension_reply(barrier->suspension), (int64_t)receivers);
    push_post(events->registry, behind, &barrier->push);
    return true;
}
