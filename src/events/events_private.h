/* What the files of this room share. */
#ifndef POLLARD_EVENTS_EVENTS_PRIVATE_H
#define POLLARD_EVENTS_EVENTS_PRIVATE_H

#include "pollard/client/push.h"
#include "pollard/events/events.h"

/* What is on its way to the outputs of a reactor's sessions: bytes that it will copy, or keep. */
struct backlog {
    _Atomic uint64_t bytes;
} ATTR_ALIGNED(CACHE_LINE);

struct events {
    struct services *services;
    struct client_registry *registry;
    struct events_options *options;
    struct pubsub *pubsub;
    struct tracking_table *tracking;
    uint32_t reactor_count;
    struct backlog *backlogs;     /* one a reactor */
    _Atomic uint64_t subscribers; /* sessions with SESSION_SUBSCRIBED */
};

/* ---- subscribe.c ---- */

/* The session ends, or is RESET. */
void subscriptions_end(struct events *events, struct session *session);

/* ---- notify.c ---- */

/* The keyspace's sink of events. */
void notify_event(void *context, const struct key_change *change, enum key_event event);

#endif
