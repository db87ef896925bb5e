/* Transactions: a session's queued commands and watched keys. What the handlers of MULTI, EXEC,
 * DISCARD, WATCH and UNWATCH call.
 *
 *   MULTI -> SESSION_MULTI: dispatch queues calls instead of running them
 *   EXEC  -> one access over the keys of all queued calls, each in the database it will run in,
 *            and the watched keys; watches are compared; the calls run in views of it; one reply
 *
 * It lives in exec, not in a room above it, because dispatch opens EXEC's access from the queue.
 *
 * Threads: the transaction belongs to the session's reactor, or to the job that is out for it.
 * Source: the pages of MULTI, EXEC, DISCARD, WATCH; docs/architecture.md, section 3. */
#ifndef POLLARD_EXEC_TRANSACTION_H
#define POLLARD_EXEC_TRANSACTION_H

#include "pollard/exec/exec.h"

struct transaction;

/* Begins to queue the session's calls. On its reactor. */
void transaction_begin(struct session *session);
/* Drops the queue, if there is one, and ends all watches. On its reactor. */
void transaction_discard(const struct services *services, struct session *session);
/* Watches all keys of the call's WRITE access (but those that are watched already), on a reactor or
 * the pool. */
void transaction_watch(struct exec *x);
/* Was MULTI said, and neither EXEC nor DISCARD since? */
bool exec_is_queueing(const struct exec *x);
/* EXEC, its access being open: runs the queue and writes the reply. What dispatch frees afterwards
 * is not touched any more. STATUS_OK; STATUS_REPLIED after an error. */
enum status transaction_execute(struct exec *x);

#endif
