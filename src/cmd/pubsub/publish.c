/* PUBLISH and SPUBLISH. On a reactor, or the pool. */
#include "pollard/events/events.h"
#include "pollard_commands.h"

static enum status publish(struct exec *x, enum pubsub_space space)
{
    const struct publication publication = {
        .space = space, .channel = x->argv[1], .message = x->argv[2]};
    uint64_t receivers;
    enum status status = events_publish(x->services->events, &publication, &receivers);
    if (status != STATUS_OK) {
        return status;
    }
    /* In a transaction keys are held: receivers are woken when they are let go. */
    access_owe_settle(x->access);
    if (exec_on_reactor(x) && events_hold_publisher(x->services->events, x, receivers)) {
        return STATUS_PENDING;
    }
    reply_integer(x->reply, (int64_t)receivers);
    return STATUS_OK;
}

enum status cmd_publish(struct exec *x)
{
    return publish(x, PUBSUB_CHANNELS);
}

enum status cmd_spublish(struct exec *x)
{
    return publish(x, PUBSUB_SHARD_CHANNELS);
}
