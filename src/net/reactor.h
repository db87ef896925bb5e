/* The inside of a reactor, for the files of net. Private to net. */
#ifndef POLLARD_NET_REACTOR_H
#define POLLARD_NET_REACTOR_H

#include "mailbox.h"
#include "pollard/net/net.h"
#include "poller.h"
#include "timer.h"
#include <stdatomic.h>

/* Something polled that is no connection. The conn's fd, flags, reactor and slots alone are used.
 */
struct source {
    struct conn conn; /* first: the poller knows conns only */
    void (*on_event)(struct source *source, struct reactor *reactor);
};

struct conn_list {
    struct conn **items;
    size_t count;
    size_t capacity;
};

/* Written by the reactor's thread, read by any: relaxed, each on its own. */
struct reactor_counters {
    _Atomic uint64_t cycles;
    _Atomic uint64_t waits;
    _Atomic uint64_t parked;
    _Atomic uint64_t connections;
    _Atomic uint64_t busy_ticks;
    _Atomic uint64_t mails;
};

struct reactor {
    struct reactor_hooks hooks;
    const struct net_options *options;
    uint32_t index;
    int64_t monotonic_ms;
    int64_t now_ms;
    uint64_t woken_ticks;
    struct poller poller;
    struct timer_heap timers;
    struct conn_list all;     /* conn->place */
    struct conn_list ready;   /* conn->ready_slot; NULL where one was removed */
    struct conn_list queued;  /* conn->queue_slot; for the next cycle */
    uint32_t linger_failures; /* looks in vain, one after the other */
    uint32_t linger_skips;    /* sleeps without a look left */
    size_t source_count;
    struct source wake;
    struct listeners *listeners; /* on the first reactor, while open */
    atomic_bool stopping;
    struct reactor_counters counters;
    /* Others write here: on lines of its own. */
    ATTR_ALIGNED(CACHE_LINE) struct mailbox mailbox;
    _Atomic uint64_t arriving; /* connections handed to it that it has not taken in yet */
};

/* Only the owner writes, so that a load and a store do; the partner loads are in
 * reactor_figures and the listener's choice. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

/* Watches a source whose fd and on_event are set. false when the system is out of something. */
ATTR_MUST_USE bool reactor_watch(struct reactor *reactor, struct source *source);
/* Stops to watch it; the descriptor stays open. */
void reactor_unwatch(struct reactor *reactor, struct source *source);

/* ready.c: what happens to connections between two waits. */

/* Makes room for one connection or source more in all lists. */
ATTR_MUST_USE bool ready_reserve(struct reactor *reactor);
/* Puts it into the next cycle's list, once. */
void ready_queue(struct reactor *reactor, struct conn *conn);
/* Takes it out of the lists it is in. */
void ready_forget(struct reactor *reactor, struct conn *conn);
/* Begins a cycle's list with what was queued. */
void ready_begin(struct reactor *reactor);
/* Adds what a wait found; the note of struct poller_sink with the reactor as argument. */
void ready_note(void *argument, struct conn *conn, uint32_t events);
/* Runs sources, writes leftovers, tells the owner. */
void ready_dispatch(struct reactor *reactor);

/* listen.c */

/* A descriptor was closed on the listeners' reactor. */
void listeners_descriptor_closed(struct listeners *listeners);

/* socket.c */

extern const struct transport socket_transport;

#endif
