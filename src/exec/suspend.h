/* Suspensions: what a session waits for. Private to exec.
 *
 * A suspension is made on the reactor, ends on the reactor, and is freed there. Between, at most
 * one other thread fills its reply and resumes it by mail. session and the timer are touched by
 * the reactor only; cancelled is how the reactor tells the other thread that nobody waits. */
#ifndef POLLARD_EXEC_SUSPEND_H
#define POLLARD_EXEC_SUSPEND_H

#include "cycle.h"

struct suspension {
    struct mail mail; /* first: net hands it back */
    struct dispatcher *dispatcher;
    struct session *session; /* NULL: it has ended meanwhile */
    struct reactor *reactor;
    struct timer timer;
    suspension_timeout *timeout;
    void *argument;
    struct chain chain;
    struct reply reply;
    _Atomic bool cancelled;
    bool discard; /* CLIENT REPLY: nobody wants the answer */
    void (*free_self)(struct suspension *suspension);
};

/* Makes the session wait. */
void suspension_begin(struct suspension *suspension, struct dispatcher *dispatcher,
                      struct session *session);
/* On the reactor: the session ends and its suspension must let go of it. */
void suspension_detach(struct session *session);

#endif
