/* The room's life, and the sinks by which the rooms below tell it of things. */
#include "events_private.h"
#include "pollard/base/mem.h"
#include "pollard/keyspace/keyspace.h"

static void on_settle(void *context)
{
    struct events *events = context;
    push_wake(events->registry);
}

static void on_changed(void *context, const struct key_change *change)
{
    struct events *events = context;
    tracking_changed(events->tracking, change);
}

/* Whatever database it is: the table does not tell them apart. */
static void on_flushed(void *context, uint32_t db)
{
    struct events *events = context;
    (void)db;
    tracking_flushed(events->tracking);
}

static bool on_tracks(void *context, struct session *session, const struct command *command)
{
    return tracking_wants(session, command);
}

static void on_remember(void *context, const struct exec *x)
{
    struct events *events = context;
    tracking_remember(events->tracking, x);
}

static void on_session_ended(void *context, struct session *session)
{
    struct events *events = context;
    tracking_disable(events->tracking, session);
    subscriptions_end(events, session);
}

struct events *events_create(struct services *services, struct events_options *options)
{
    struct events *events = mem_alloc_zero(sizeof(*events));
    events->services = services;
    events->registry = services->registry;
    events->options = options;
    events->reactor_count = (uint32_t)registry_reactor_count(services->registry);
    events->backlogs = mem_alloc_zero(events->reactor_count * sizeof(*events->backlogs));
    events->pubsub = pubsub_create(events->reactor_count);
    events->tracking = tracking_create(services, &options->tracking, events->reactor_count);
    services->events = events;
    services->sinks.context = events;
    services->sinks.tracks = on_tracks;
    services->sinks.remember = on_remember;
    services->sinks.session_ended = on_session_ended;
    const struct keyspace_sinks sinks = {
        .context = events,
        .event = notify_event,
        .changed = on_changed,
        .flushed = on_flushed,
        .settle = on_settle,
    };
    keyspace_use_sinks(services->keyspace, &sinks);
    options->keyspace = services->keyspace;
    keyspace_want_events(services->keyspace, (uint32_t)option_get(&options->notify_classes));
    return events;
}

void events_destroy(struct events **events_pointer)
{
    struct events *events = *events_pointer;
    if (events == NULL) {
        return;
    }
    tracking_destroy(&events->tracking);
    pubsub_destroy(&events->pubsub);
    mem_free(events->backlogs);
    mem_free(events);
    *events_pointer = NULL;
}

struct tracking_table *events_tracking(struct events *events)
{
    return events->tracking;
}

struct pubsub *events_pubsub(struct events *events)
{
    return events->pubsub;
}

uint64_t events_subscribers(const struct events *events)
{
    return atomic_load_explicit((_Atomic uint64_t *)&events->subscribers, memory_order_relaxed);
}
