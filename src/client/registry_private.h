/* The registry's layout, shared by the files of this room. */
#ifndef POLLARD_CLIENT_REGISTRY_PRIVATE_H
#define POLLARD_CLIENT_REGISTRY_PRIVATE_H

#include "pollard/base/lock.h"
#include "pollard/client/registry.h"

/* One a reactor, on its own cache line: written by that reactor, summed by anyone. */
struct registry_part {
    _Atomic uint64_t clients;
    _Atomic uint64_t blocked;
    _Atomic uint32_t monitors;
} ATTR_ALIGNED(CACHE_LINE);

struct client_registry {
    const struct client_options *options;
    struct reactor **reactors;
    struct registry_part *parts;
    size_t reactor_count;
    void (*destroy_hook)(void *context, struct session *session);
    void *destroy_context;
    _Atomic uint64_t next_id;
    _Atomic uint64_t clients; /* counts also those just being accepted: the bound of maxclients */
    /* Pause: mode is read by every command, so it shares no line with what changes often. */
    struct lock pause_lock;
    _Atomic int64_t pause_write_until_ms;
    _Atomic int64_t pause_all_until_ms;
    _Atomic int64_t pause_end_ms; /* the later of the two */
};

static inline struct registry_part *registry_part_of(const struct session *session)
{
    return &session->registry->parts[reactor_index(session->conn.reactor)];
}

#endif
