/* Subscriptions: what a session has subscribed to, and how it gets its seats.
 *
 *   events_subscribe   -> counted, and the join enqueued, under the target's lock
 *   events_take_in     -> the reactor comes to the join: the session is seated
 *   events_unsubscribe -> counted off, and the leave enqueued; taken in at once: unseated, freed
 *
 * A subscription is in its session's index from the first to the third, and seated from the second
 * to the third. Threads: the session's reactor. */
#include "events_private.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/ds/index.h"
#include <stddef.h>

struct subscription {
    struct index_node node; /* first */
    struct push push;       /* its join, then its leave: at most one is out */
    struct seat seat;
    struct target *target; /* shares */
    struct session *session;
};

struct subscriptions {
    struct index spaces[PUBSUB_SPACES];
};

static struct subscription *of_push(struct push *push)
{
    return (struct subscription *)((char *)push - offsetof(struct subscription, push));
}

static uint32_t *count_of(struct session *session, enum pubsub_space space)
{
    switch (space) {
    case PUBSUB_CHANNELS:
        return &session->channel_count;
    case PUBSUB_SHARD_CHANNELS:
        return &session->shard_channel_count;
    case PUBSUB_PATTERNS:
        return &session->pattern_count;
    case PUBSUB_SPACES:
        break;
    }
    check_unreachable();
}

uint32_t events_subscription_count(const struct session *session, enum pubsub_space space)
{
    return space == PUBSUB_SHARD_CHANNELS ? session->shard_channel_count
                                          : session->channel_count + session->pattern_count;
}

/* Keeps flag, counts, and what the session owns. */
static void count_changed(struct events *events, struct session *session)
{
    bool has_any =
        session->channel_count + session->pattern_count + session->shard_channel_count > 0;
    if (has_any == ((session->flags & SESSION_SUBSCRIBED) != 0)) {
        return;
    }
    session->flags ^= SESSION_SUBSCRIBED;
    atomic_fetch_add_explicit(&events->subscribers, has_any ? 1 : UINT64_MAX, memory_order_relaxed);
    if (!has_any) {
        mem_free(session->subscriptions);
        session->subscriptions = NULL;
    }
}

static struct subscription *find(const struct events *events, const struct session *session,
                                 enum pubsub_space space, struct bytes name)
{
    if (session->subscriptions == NULL) {
        return NULL;
    }
    struct index_node *node =
        index_find(&session->subscriptions->spaces[space], pubsub_hash(events->pubsub, name));
    while (node != NULL && !bytes_equal(target_name(((struct subscription *)node)->target), name)) {
        node = index_find_next(node);
    }
    return (struct subscription *)node;
}

/* What a subscription takes: itself, its places in two indexes, a name. */
static size_t memory_of(const struct subscription *subscription)
{
    return sizeof(*subscription) + 2 * sizeof(struct index_node *) +
           target_name(subscription->target).size;
}

/* ---- Joining ---- */

static void on_join(struct push *push, struct reactor *reactor)
{
    struct subscription *subscription = of_push(push);
    target_seat(subscription->target, reactor_index(reactor), subscription->session,
                &subscription->seat);
}

/* Under the target's lock, as is the next: its place among the messages is set. */
static void enqueue_join(void *context, struct target *target)
{
    struct subscription *subscription = context;
    struct session *session = subscription->session;
    subscription->target = target;
    subscription->push.deliver = on_join;
    push_post(session->registry, reactor_index(session->conn.reactor), &subscription->push);
}

bool events_subscribe(struct events *events, struct session *session, enum pubsub_space space,
                      struct bytes name)
{
    if (find(events, session, space, name) != NULL) {
        return false;
    }
    if (session->subscriptions == NULL) {
        session->subscriptions = mem_alloc_zero(sizeof(*session->subscriptions));
    }
    struct subscription *subscription = mem_alloc_zero(sizeof(*subscription));
    subscription->session = session;
    const struct pubsub_join join = {
        .space = space, .name = name, .reactor = reactor_index(session->conn.reactor)};
    struct target *target = pubsub_join(events->pubsub, &join, enqueue_join, subscription);
    subscription->node.hash = target_hash(target);
    index_insert(&session->subscriptions->spaces[space], &subscription->node);
    ++*count_of(session, space);
    session->subscription_memory += memory_of(subscription);
    count_changed(events, session);
    return true;
}

void events_take_in(struct events *events, struct session *session)
{
    (void)push_take(events->registry, session->conn.reactor);
    push_wake(events->registry);
}

/* ---- Leaving ---- */

static void on_leave(struct push *push, struct reactor *reactor)
{
    struct subscription *subscription = of_push(push);
    target_unseat(subscription->target, reactor_index(reactor), &subscription->seat);
    target_release(subscription->target);
    mem_free(subscription);
}

static void enqueue_leave(void *context, struct target *target)
{
    struct subscription *subscription = context;
    struct session *session = subscription->session;
    subscription->push.deliver = on_leave;
    push_post(session->registry, reactor_index(session->conn.reactor), &subscription->push);
}

/* Enqueues the leave; the reactor is to come to it before the session ends. */
static void leave(struct events *events, struct subscription *subscription)
{
    struct session *session = subscription->session;
    enum pubsub_space space = target_space(subscription->target);
    session->subscription_memory -= memory_of(subscription);
    index_remove(&session->subscriptions->spaces[space], &subscription->node);
    pubsub_leave(events->pubsub, subscription->target, reactor_index(session->conn.reactor),
                 enqueue_leave, subscription);
    --*count_of(session, space);
    count_changed(events, session);
}

bool events_unsubscribe(struct events *events, struct session *session, enum pubsub_space space,
                        struct bytes name)
{
    struct subscription *subscription = find(events, session, space, name);
    if (subscription == NULL) {
        return false;
    }
    leave(events, subscription);
    events_take_in(events, session);
    return true;
}

static struct subscription *any_of(const struct session *session, enum pubsub_space space,
                                   size_t *position)
{
    return session->subscriptions == NULL
               ? NULL
               : (struct subscription *)index_any(&session->subscriptions->spaces[space], position);
}

bool events_unsubscribe_any(struct events *events, struct session *session, enum pubsub_space space,
                            size_t *position, struct buf *ret_name)
{
    struct subscription *subscription = any_of(session, space, position);
    if (subscription == NULL) {
        return false;
    }
    ret_name->size = 0;
    buf_append(ret_name, target_name(subscription->target));
    leave(events, subscription);
    events_take_in(events, session);
    return true;
}

void subscriptions_end(struct events *events, struct session *session)
{
    if (session->subscriptions == NULL) {
        return;
    }
    for (int space = 0; space < PUBSUB_SPACES; space++) {
        struct subscription *subscription;
        size_t position = 0;
        while ((subscription = any_of(session, (enum pubsub_space)space, &position)) != NULL) {
            leave(events, subscription);
        }
    }
    events_take_in(events, session);
}
