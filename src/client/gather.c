/* A question to all clients: one mail a reactor, each visits its own sessions, the last finishes.
 *
 * Threads: the caller's posts the mails; visits run on the reactors; pending is what they share. */
#include "pollard/base/mem.h"
#include "registry_private.h"

struct gather_mail {
    struct mail mail; /* first */
    struct gather *gather;
};

static void visit_conn(struct conn *conn, void *argument)
{
    struct gather *gather = argument;
    struct session *session = session_of(conn);
    gather->visit(gather, session);
    /* The asker of CLIENT KILL may be among the killed: its reply is still to come, so a session
     * that waits for one ends when it has it (CLOSE_AFTER is set by the visitor then). */
    if ((session->flags & SESSION_CLOSE_NOW) != 0) {
        session_destroy(session);
    }
}

static void deliver(struct mail *mail, struct reactor *reactor)
{
    struct gather_mail *self = (struct gather_mail *)mail;
    struct gather *gather = self->gather;
    reactor_each(reactor, visit_conn, gather);
    /* Acquire-release: the last one to count down sees what all visits wrote to their slots. */
    if (atomic_fetch_sub_explicit(&gather->pending, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct buf *slots = gather->slots;
    size_t slot_count = gather->slot_count;
    struct mail *mails = gather->mails;
    gather->finish(gather);
    for (size_t i = 0; i < slot_count; i++) {
        buf_deinit(&slots[i]);
    }
    mem_free(slots);
    mem_free(mails);
}

void registry_gather(struct client_registry *registry, struct gather *gather)
{
    size_t count = registry->reactor_count;
    struct gather_mail *mails = mem_alloc_zero(count * sizeof(*mails));
    gather->slots = mem_alloc_zero(count * sizeof(*gather->slots));
    gather->slot_count = count;
    gather->mails = &mails->mail;
    atomic_init(&gather->pending, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        mails[i].mail.deliver = deliver;
        mails[i].gather = gather;
        reactor_post(registry->reactors[i], &mails[i].mail);
    }
}
