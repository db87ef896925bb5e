/* events: what clients are told without having asked for it - messages of channels, notifications
 * of keys, invalidations of what they cache. Floor 6.
 *
 *   PUBLISH, or an event of a key (under its shard's lock)
 *     -> pubsub: the channel's lock -> one delivery, encoded once, posted to each reactor that has
 *        receivers (client/push.h) -> wakes
 *     -> that reactor, at its mail or at the end of its cycle: appends it to each receiver's output
 *
 * Messages are copied, large ones shared. What a receiver does not read counts toward the output
 * limit of its class, which cuts it. */
#ifndef POLLARD_EVENTS_EVENTS_H
#define POLLARD_EVENTS_EVENTS_H

#include "pollard/events/tracking.h"
#include "pollard/pubsub/pubsub.h"

struct events;

struct events_options {
    option_number notify_classes; /* notify-keyspace-events: enum event_class */
    struct tracking_options tracking;
    struct keyspace *keyspace; /* private: whom apply tells; NULL before there is one */
};
extern const struct option_row events_option_rows[];
extern const size_t events_option_row_count;

/* Sets the sinks of the services and of the keyspace. When the registry knows its reactors, before
 * they run. options must outlive it. */
ATTR_MUST_USE struct events *events_create(struct services *services,
                                           struct events_options *options);
/* When all threads have ended and the registry is gone. */
void events_destroy(struct events **events);

/* ---- Publishing ---- */

/* Enqueues the message to all who are subscribed to the channel, and, in PUBSUB_CHANNELS, to a
 * pattern that matches it; ret_receivers says how many. Any thread, shard locks may be held;
 * push_wake is to follow. STATUS_OK, STATUS_OUT_OF_MEMORY. */
struct publication {
    enum pubsub_space space; /* not PUBSUB_PATTERNS */
    struct bytes channel;
    struct bytes message;
};
enum status events_publish(struct events *events, const struct publication *publication,
                           uint64_t *ret_receivers);

/* The call has published to receivers, and a reactor is far behind with what it is to deliver: true
 * when the client has been suspended until that has been caught up with, and is answered then. A
 * publisher is so no faster than those who deliver. On a reactor. */
bool events_hold_publisher(struct events *events, struct exec *x, uint64_t receivers);

/* ---- Subscribing: on the session's reactor ---- */

/* False: it is subscribed already. What is published from now on will be delivered, behind what the
 * caller replies before events_take_in, which is to follow. */
bool events_subscribe(struct events *events, struct session *session, enum pubsub_space space,
                      struct bytes name);
/* False: it was not. What was counted for it before has been delivered when it returns, nothing
 * comes after. */
bool events_unsubscribe(struct events *events, struct session *session, enum pubsub_space space,
                        struct bytes name);
/* The same for any subscription of the space; false when there is none. *position begins at 0. */
bool events_unsubscribe_any(struct events *events, struct session *session, enum pubsub_space space,
                            size_t *position, struct buf *ret_name);
/* Delivers what the session's reactor was posted, and wakes others. */
void events_take_in(struct events *events, struct session *session);
/* Subscriptions of a session, as the confirmations count them: channels and patterns together. */
uint32_t events_subscription_count(const struct session *session, enum pubsub_space space);

/* ---- Questions: any thread ---- */

struct pubsub *events_pubsub(struct events *events);
struct tracking_table *events_tracking(struct events *events);
/* Sessions that are subscribed to something. */
uint64_t events_subscribers(const struct events *events);

#endif
