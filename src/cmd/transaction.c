/* Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH. The work is dispatch's (exec/transaction.h):
 * the queue decides which keys EXEC holds.
 *
 * MULTI, DISCARD and UNWATCH run on the reactor; EXEC and WATCH, which have keys, may be on the
 * pool. */
#include "pollard/exec/transaction.h"
#include "pollard_commands.h"

enum status cmd_multi(struct exec *x)
{
    if ((x->session->flags & SESSION_MULTI) != 0) {
        return STATUS_MULTI_NESTED;
    }
    transaction_begin(x->session);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_exec(struct exec *x)
{
    return transaction_execute(x);
}

enum status cmd_discard(struct exec *x)
{
    if ((x->session->flags & SESSION_MULTI) == 0) {
        return STATUS_DISCARD_ALONE;
    }
    transaction_discard(x->services, x->session);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_watch(struct exec *x)
{
    if (exec_is_queueing(x)) {
        return STATUS_WATCH_INSIDE;
    }
    transaction_watch(x);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_unwatch(struct exec *x)
{
    /* Inside EXEC the watches have been settled already. */
    if (!x->is_inside) {
        transaction_discard(x->services, x->session);
    }
    reply_ok(x->reply);
    return STATUS_OK;
}
