/* SUBSCRIBE, UNSUBSCRIBE and their kin for patterns and shard channels. On the session's reactor.
 *
 * Each channel named is confirmed by a push of its own: it takes no part in CLIENT REPLY. */
#include "pollard/client/push.h"
#include "pollard/events/events.h"
#include "pollard_commands.h"

/* name.data NULL: there was nothing to unsubscribe from. */
static void confirm(struct exec *x, enum pubsub_space space, struct bytes name)
{
    bool is_muted = (x->session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
    struct reply push;
    reply_init(&push, is_muted ? session_push(x->session) : x->reply->chain, x->reply->protocol);
    reply_push(&push, 3);
    reply_bulk_text(&push, x->command->full_name);
    if (name.data == NULL) {
        reply_null(&push);
    } else {
        reply_bulk(&push, name);
    }
    reply_integer(&push, events_subscription_count(x->session, space));
}

static enum status subscribe(struct exec *x, enum pubsub_space space)
{
    struct events *events = x->services->events;
    for (uint32_t i = 1; i < x->argc; i++) {
        (void)events_subscribe(events, x->session, space,
                               x->argv[i]); /* twice is as good as once */
        confirm(x, space, x->argv[i]);
    }
    events_take_in(events, x->session);
    return STATUS_OK;
}

static enum status unsubscribe(struct exec *x, enum pubsub_space space)
{
    struct events *events = x->services->events;
    for (uint32_t i = 1; i < x->argc; i++) {
        (void)events_unsubscribe(events, x->session, space, x->argv[i]);
        confirm(x, space, x->argv[i]);
    }
    if (x->argc > 1) {
        return STATUS_OK;
    }
    struct buf name = {0};
    size_t position = 0;
    bool had_any = false;
    while (events_unsubscribe_any(events, x->session, space, &position, &name)) {
        confirm(x, space, name.size == 0 ? bytes_text("") : buf_bytes(&name));
        had_any = true;
    }
    buf_deinit(&name);
    if (!had_any) {
        confirm(x, space, bytes_make(NULL, 0));
    }
    return STATUS_OK;
}

enum status cmd_subscribe(struct exec *x)
{
    return subscribe(x, PUBSUB_CHANNELS);
}

enum status cmd_psubscribe(struct exec *x)
{
    return subscribe(x, PUBSUB_PATTERNS);
}

enum status cmd_ssubscribe(struct exec *x)
{
    if (x->is_inside) {
        reply_error(x->reply, "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
        return STATUS_REPLIED;
    }
    return subscribe(x, PUBSUB_SHARD_CHANNELS);
}

enum status cmd_unsubscribe(struct exec *x)
{
    return unsubscribe(x, PUBSUB_CHANNELS);
}

enum status cmd_punsubscribe(struct exec *x)
{
    return unsubscribe(x, PUBSUB_PATTERNS);
}

enum status cmd_sunsubscribe(struct exec *x)
{
    return unsubscribe(x, PUBSUB_SHARD_CHANNELS);
}
