/* The room's life, and the sinks by which the rooms below tell it of things. */
#include "events_private.h"
#include "pollard/base/mem.h"
#include "pollard/keyspace/keyspace.h"

static void on_settle(void *context)
{
    struct events *events = context;
    push_wake(events->registry);
}

static void on_session_ended(void *context, struct session *session)
{
    struct events *events = context;
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
    services->events = events;
    services->sinks.context = events;
    services->sinks.session_ended = on_session_ended;
    const struct keyspace_sinks sinks = {
        .context = events,
        .event = notify_event,
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
    pubsub_destroy(&events->pubsub);
    mem_free(events->backlogs);
    mem_free(events);
    *events_pointer = NULL;
}

struct pubsub *events_pubsub(struct events *events)
{
    return events->pubsub;
}

uint64_t events_subscribers(const struct events *events)
{
    return atomic_load_explicit((_Atomic uint64_t *)&events->subscribers, memory_order_relaxed);
}
