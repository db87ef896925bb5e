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
    /* Of a wait that others may end as well: takes it back, so that it ends here. NULL: nobody else
     * ends it while it has a timeout. */
    bool (*take_back)(struct suspension *suspension);
    /* When the time is over, after take_back: true when the wait goes on instead. NULL: never. */
    bool (*look_again)(struct suspension *suspension);
    /* Before the reply is sent: true when there is more to do first. NULL: there never is. */
    bool (*come_home)(struct suspension *suspension);
    /* This one is about a part of that one's reply, which goes on behind it. NULL: the usual. */
    struct suspension *then;
    void (*take_part)(struct suspension *then, struct chain *part);
    void (*free_self)(struct suspension *suspension);
};

/* Makes the session wait. */
void suspension_begin(struct suspension *suspension, struct dispatcher *dispatcher,
                      struct session *session);
/* On the reactor, by who took it back: sends the reply and frees it. */
void suspension_end(struct suspension *suspension);
/* On the reactor: the session ends and its suspension must let go of it. */
void suspension_detach(struct session *session);

#endif
