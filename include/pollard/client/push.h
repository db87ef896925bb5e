/* Pushes: what other threads have for a client besides its replies - messages of channels,
 * invalidations. Floor 4.
 *
 *   any thread, often under a shard's lock:  push_post -> queue of the receiving reactor
 *   the same thread, holding nothing:        push_wake
 *   the reactor: at its mail, or earlier (push_take): deliver -> session_push -> output
 *
 * The queue of a reactor is one order: what is posted under a lock is taken in before what is
 * posted under the next hold of that lock. A reactor that must not answer before it has said what
 * it was told earlier (a caching client reads, a client unsubscribes) takes it in at that point.
 *
 * Posting never blocks, never fails, never allocates. Source: the architecture page, section 2. */
#ifndef POLLARD_CLIENT_PUSH_H
#define POLLARD_CLIENT_PUSH_H

#include "pollard/client/registry.h"

/* The sender embeds it. */
struct push {
    struct push *next; /* private */
    /* Runs on the receiving reactor, which owns it from then on. It may append to sessions of this
     * reactor (session_push) and post pushes, but end no session and run no command. reactor NULL:
     * the server is at its end, only free it. */
    void (*deliver)(struct push *push, struct reactor *reactor);
};

/* What a reactor's thread looks at to know that it has pushes to take in. */
struct push_marks {
    _Atomic(struct push *) *pushes;
};
/* The calling thread runs this reactor, and takes its pushes in at the end of each cycle: what it
 * posts to itself needs no wake. */
void push_adopt(struct client_registry *registry, const struct reactor *reactor,
                struct push_marks *ret_marks);
static inline bool push_is_due(const struct push_marks *marks)
{
    return atomic_load_explicit(marks->pushes, memory_order_relaxed) != NULL;
}
/* Has the reactor look at its pushes in its next cycle. On its thread. */
void push_ask(struct client_registry *registry, struct reactor *reactor);
/* Enqueues for a reactor. Any thread, any locks held. push_wake is to follow. */
void push_post(struct client_registry *registry, size_t reactor_index, struct push *push);
/* Wakes the reactors that the calling thread has posted to. With no shard lock held. */
void push_wake(struct client_registry *registry);
/* Delivers what has been posted to this reactor so far; false: nothing. On its thread; shard locks
 * may be held. What is delivered may post in turn: push_wake is to follow. */
bool push_take(struct client_registry *registry, struct reactor *reactor);
/* Delivers (reactor NULL) what is left. After all threads have ended. */
void push_drop_all(struct client_registry *registry);

/* The chain that the next push of this session goes to: its output, or what is held back while a
 * reply is being written (SESSION_HOLD). Whole frames only; session_pushed when they are in. On
 * the owner's thread. */
struct chain *session_push(struct session *session);
void session_pushed(struct session *session);
/* Holds pushes back until session_release; for who writes a reply in parts. */
void session_hold(struct session *session);
void session_release(struct session *session);

#endif
