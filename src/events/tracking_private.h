/* Tracking's layout, shared by its files. */
#ifndef POLLARD_EVENTS_TRACKING_PRIVATE_H
#define POLLARD_EVENTS_TRACKING_PRIVATE_H

#include "pollard/base/lock.h"
#include "pollard/events/tracking.h"
#include "tracked.h"

/* A prefix as its reactor knows it. */
struct local_prefix {
    struct prefix prefix; /* first */
    struct tracking **clients;
    uint32_t client_count;
    uint32_t client_slots;
    unsigned char text[];
};

/* A session that tracks; its reactor's. */
struct tracking {
    struct session *session;
    struct tracking *next; /* in the list of the reactor */
    struct tracking *previous;
    uint32_t flags; /* enum tracking_flag */
    uint32_t redirect_reactor;
    struct local_prefix **prefixes; /* in the order of their bytes */
    uint32_t prefix_count;
    uint32_t prefix_slots;
};

/* What a reactor has; its own but for the count. */
struct tracking_part {
    _Atomic uint32_t client_count; /* written by the reactor */
    struct tracking *first;
    struct prefix **prefixes; /* local_prefix, sorted (prefixes.h) */
    size_t prefix_count;
    size_t prefix_slots;
} ATTR_ALIGNED(CACHE_LINE);

struct tracking_table {
    const struct services *services;
    const struct tracking_options *options;
    struct tracked_keys *keys;
    size_t reactor_count;
    struct tracking_part *parts; /* one a reactor */
    struct lock setup_lock;
    _Atomic uint32_t client_count;     /* written under setup_lock */
    const struct prefix_set *prefixes; /* under setup_lock; NULL: none */
};

static inline struct tracking_part *tracking_part_of(struct tracking_table *table,
                                                     const struct session *session)
{
    return &table->parts[reactor_index(session->conn.reactor)];
}

/* tracking_prefixes.c: of a session that broadcasts; on its reactor. */
void tracking_add_prefixes(struct tracking_table *table, struct tracking *tracking,
                           const struct bytes *texts, uint32_t count);
void tracking_drop_prefixes(struct tracking_table *table, struct tracking *tracking);

/* tracking_deliver.c: what tracked_sink emits, and the news that all keys are gone. */
void tracking_emit(void *context, struct tracked *tracked, const struct reactor_set *broadcast);
void tracking_emit_all(struct tracking_table *table);

#endif
