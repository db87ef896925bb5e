/* Suspensions: a session's wait for a later reply. See suspend.h for who touches what. */
#include "suspend.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/client/push.h"
#include <stddef.h>

static void free_plain(struct suspension *suspension)
{
    mem_free(suspension);
}

static void finish(struct suspension *suspension);

/* What it was about is a part of another's reply. */
static void finish_part(struct suspension *suspension)
{
    struct suspension *then = suspension->then;
    if (suspension->session == NULL) {
        chain_clear(&suspension->chain);
        then->session = NULL;
    } else {
        suspension->take_part(then, &suspension->chain);
        then->session->suspension = then;
    }
    suspension->free_self(suspension);
    finish(then);
}

/* The reply goes home; the session goes on with its input. On the reactor. */
static void finish(struct suspension *suspension)
{
    struct session *session = suspension->session;
    struct dispatcher *dispatcher = suspension->dispatcher;
    reactor_timer_cancel(suspension->reactor, &suspension->timer);
    if (suspension->then != NULL) {
        finish_part(suspension);
        return;
    }
    if (suspension->come_home != NULL && suspension->come_home(suspension)) {
        return;
    }
    if (session == NULL) {
        chain_clear(&suspension->chain);
        suspension->free_self(suspension);
        return;
    }
    session->suspension = NULL;
    session->flags &= ~(uint32_t)SESSION_JOB;
    session_set_blocked(session, false);
    if (suspension->discard) {
        chain_clear(&suspension->chain);
    } else {
        chain_splice(&session->conn.output, &suspension->chain);
    }
    suspension->free_self(suspension);
    session_release(session);
    struct cycle *cycle = cycle_of(session, dispatcher);
    conn_want_reads(&session->conn, true);
    if (session->input.size > session->input_offset) {
        reactor_renew(&session->conn);
    }
    cycle_mark_dirty(cycle, session);
}

static void on_mail(struct mail *mail, struct reactor *reactor)
{
    finish((struct suspension *)mail);
}

/* Its session is gone, and so is the server. */
static void on_drop(struct mail *mail)
{
    finish((struct suspension *)mail);
}

/* Jobs book their own errors when they are done; what is left is the errors of later replies. */
static void note_error(const struct suspension *suspension)
{
    if (suspension->reply.had_error && suspension->free_self == free_plain) {
        stat_add(STAT_error_replies, 1);
        stats_error(suspension->reply.error_code);
    }
}

static void on_timer(struct timer *timer, struct reactor *reactor)
{
    struct suspension *suspension =
        (struct suspension *)((char *)timer - offsetof(struct suspension, timer));
    if (suspension->take_back != NULL && !suspension->take_back(suspension)) {
        return; /* It is being served at this moment. */
    }
    if (suspension->look_again != NULL && suspension->look_again(suspension)) {
        return;
    }
    suspension->timeout(suspension, &suspension->reply);
    note_error(suspension);
    finish(suspension);
}

void suspension_end(struct suspension *suspension)
{
    note_error(suspension);
    finish(suspension);
}

void suspension_begin(struct suspension *suspension, struct dispatcher *dispatcher,
                      struct session *session)
{
    check(session->suspension == NULL);
    suspension->dispatcher = dispatcher;
    suspension->session = session;
    suspension->reactor = session->conn.reactor;
    suspension->mail.deliver = on_mail;
    suspension->mail.drop = on_drop;
    suspension->timer.fire = on_timer;
    suspension->discard = (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
    reply_init(&suspension->reply, &suspension->chain, session->protocol);
    session->suspension = suspension;
    session->flags |= SESSION_JOB;
}

struct suspension *exec_suspend(struct exec *x, bool blocked, int64_t timeout_ms,
                                suspension_timeout *timeout, void *argument)
{
    check(x->session != NULL);
    struct suspension *suspension = mem_alloc_zero(sizeof(*suspension));
    suspension->argument = argument;
    suspension->timeout = timeout;
    suspension->free_self = free_plain;
    suspension_begin(suspension, x->services->dispatcher, x->session);
    session_set_blocked(x->session, blocked);
    if (timeout != NULL && timeout_ms > 0) {
        struct reactor *reactor = x->session->conn.reactor;
        reactor_timer_set(reactor, &suspension->timer, reactor_monotonic_ms(reactor) + timeout_ms);
    }
    return suspension;
}

void *suspension_argument(const struct suspension *suspension)
{
    return suspension->argument;
}

struct reply *suspension_reply(struct suspension *suspension)
{
    return &suspension->reply;
}

void suspension_resume(struct suspension *suspension)
{
    note_error(suspension);
    reactor_post(suspension->reactor, &suspension->mail);
}

void suspension_detach(struct session *session)
{
    struct suspension *suspension = session->suspension;
    if (suspension == NULL) {
        return;
    }
    session->suspension = NULL;
    suspension->session = NULL;
    atomic_store_explicit(&suspension->cancelled, true, memory_order_relaxed);
    bool is_mine = suspension->timeout != NULL &&
                   (suspension->take_back == NULL || suspension->take_back(suspension));
    if (is_mine) {
        /* Nobody else holds it: it ends here. */
        finish(suspension);
    }
}
