/* WAIT and WAITAOF: the answers of a primary that has no replicas and no append log. What is asked
 * for beyond none is never met, so that the client waits for its own time-out.
 *
 * Run on the reactor: they may suspend their session. */
#include "../arguments.h"
#include "pollard/base/check.h"
#include "pollard_commands.h"

/* A longer time-out is none: 100 years. */
#define TIMEOUT_MS_MAX (INT64_C(100) * 366 * 24 * 3600 * 1000)

/* 0 means no time-out. */
static enum status read_timeout(const struct exec *x, uint32_t index, int64_t *ret_timeout_ms)
{
    int64_t timeout_ms;
    if (argument_integer(x, index, &timeout_ms) != STATUS_OK) {
        return STATUS_TIMEOUT_NOT_INTEGER;
    }
    if (timeout_ms < 0) {
        return STATUS_TIMEOUT_NEGATIVE;
    }
    *ret_timeout_ms = timeout_ms > TIMEOUT_MS_MAX ? 0 : timeout_ms;
    return STATUS_OK;
}

static void reply_no_replicas(struct suspension *suspension, struct reply *reply)
{
    (void)suspension; /* There is nothing to tell apart. */
    reply_integer(reply, 0);
}

static void reply_nothing_synced(struct suspension *suspension, struct reply *reply)
{
    (void)suspension; /* There is nothing to tell apart. */
    reply_array(reply, 2);
    reply_integer(reply, 0);
    reply_integer(reply, 0);
}

static enum status wait_in_vain(struct exec *x, int64_t timeout_ms, suspension_timeout *timeout)
{
    if (x->is_inside) {
        /* Nobody waits in a transaction: it is as if the time were over. */
        timeout(NULL, x->reply);
        return STATUS_OK;
    }
    check(exec_on_reactor(x));
    (void)exec_suspend(x, /* blocked= */ true, timeout_ms, timeout, /* argument= */ NULL);
    return STATUS_PENDING;
}

enum status cmd_wait(struct exec *x)
{
    int64_t replicas;
    enum status status = argument_integer(x, 1, &replicas);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t timeout_ms;
    status = read_timeout(x, 2, &timeout_ms);
    if (status != STATUS_OK) {
        return status;
    }
    if (replicas <= 0) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    return wait_in_vain(x, timeout_ms, reply_no_replicas);
}

enum status cmd_waitaof(struct exec *x)
{
    int64_t local;
    int64_t replicas;
    if (argument_integer(x, 1, &local) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (local < 0 || local > 1) {
        return STATUS_BETWEEN_0_1;
    }
    if (argument_integer(x, 2, &replicas) != STATUS_OK || replicas < 0) {
        return STATUS_NOT_POSITIVE;
    }
    int64_t timeout_ms;
    enum status status = read_timeout(x, 3, &timeout_ms);
    if (status != STATUS_OK) {
        return status;
    }
    if (local > 0) {
        return STATUS_NO_LOCAL_AOF;
    }
    if (replicas == 0) {
        reply_nothing_synced(NULL, x->reply);
        return STATUS_OK;
    }
    return wait_in_vain(x, timeout_ms, reply_nothing_synced);
}
