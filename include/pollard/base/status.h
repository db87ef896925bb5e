/* Status codes: what a function that can fail in more than one way returns.
 *
 * The codes of errors that reach a client are generated from wire_errors.def, so that a code and
 * its text cannot drift apart; the few others steer control flow and never reach the wire. */
#ifndef POLLARD_BASE_STATUS_H
#define POLLARD_BASE_STATUS_H

enum status {
    STATUS_OK = 0,
    /* A handler that has already written its (error) reply. */
    STATUS_REPLIED,
    /* A handler whose reply comes later: the session is suspended (exec/suspend.h). */
    STATUS_PENDING,
    /* A handler that found, before its first write, that its work is too large for a reactor:
     * dispatch closes the access and runs it again on the pool. */
    STATUS_TO_POOL,
    /* A large copy or growth must be prepared without the lock; dispatch calls access_prepare()
     * and runs the handler again. */
    STATUS_PREPARE,
    /* A handler that found nothing to take: the client waits for its keys (exec_wait). */
    STATUS_BLOCK,
    /* A handler on the pool that left x->work to be done without its keys (exec/exec.h). */
    STATUS_COMPUTE,
    /* The thing is not there, and this is no error. */
    STATUS_ABSENT,
    /* More input is needed before an answer can be given. */
    STATUS_AGAIN,
    /* The system refused (errno was logged where it was seen). */
    STATUS_IO,
#define WIRE_ERROR(name, text) STATUS_##name,
#include "pollard/base/wire_errors.def"
#undef WIRE_ERROR
    STATUS_COUNT
};

/* The text of an error status as it goes on the wire after '-'; NULL for codes that have none.
 * Static memory. Any thread. */
const char *status_text(enum status status);

#endif
