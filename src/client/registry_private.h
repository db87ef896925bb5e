/* The registry's layout, shared by the files of this room. */
#ifndef POLLARD_CLIENT_REGISTRY_PRIVATE_H
#define POLLARD_CLIENT_REGISTRY_PRIVATE_H

#include "pollard/base/lock.h"
#include "pollard/base/thread.h"
#include "pollard/client/push.h"

#define CLIENT_SIZE_CLASSES 22

/* One a reactor, on its own cache line: written by that reactor, summed by anyone. */
struct registry_part {
    _Atomic uint64_t clients;
    _Atomic uint64_t blocked;
    _Atomic uint64_t watching;
    _Atomic uint32_t monitors;
    /* Sessions by their ids: the reactor's own. */
    struct session **by_id;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t session_count;
    /* memory.c */
    bool counts_memory;
    struct session *by_size[CLIENT_SIZE_CLASSES];
    _Atomic uint32_t size_counts[CLIENT_SIZE_CLASSES]; /* sessions in them */
    _Atomic uint64_t memory_bytes;
    _Atomic uint64_t input_bytes; /* of commands being received */
    struct mail size_mail;
    atomic_bool size_mail_is_out;
    struct mail push_mail;
    struct client_registry *registry;
    /* Others write here. */
    ATTR_ALIGNED(CACHE_LINE) _Atomic(struct push *) pushes; /* newest first */
    atomic_bool push_mail_is_out;
} ATTR_ALIGNED(CACHE_LINE);

/* The reactors that a thread has posted to since it woke any. */
struct push_wakes {
    uint64_t bits[THREADS_MAX / 64];
    bool any;
    const struct registry_part *own_part; /* of the reactor that the thread runs, or NULL */
} ATTR_ALIGNED(CACHE_LINE);

struct client_registry {
    const struct client_options *options;
    struct reactor **reactors;
    struct registry_part *parts;
    size_t reactor_count;
    void (*destroy_hook)(void *context, struct session *session);
    void (*output_hook)(void *context, struct session *session);
    void (*describe_hook)(void *context, struct session *session);
    void *hook_context;
    struct push_wakes *wakes; /* one a thread */
    _Atomic uint64_t next_id;
    _Atomic uint64_t clients; /* counts also those just being accepted: the bound of maxclients */
    /* Pause: mode is read by every command, so it shares no line with what changes often. */
    struct lock pause_lock;
    _Atomic int64_t pause_write_until_ms;
    _Atomic int64_t pause_all_until_ms;
    _Atomic int64_t pause_end_ms; /* the later of the two */
};

/* push.c; when the parts are there. */
void push_setup(struct client_registry *registry);

/* memory.c: the session ends. */
void session_forget_memory(struct session *session);
/* The limit has changed: every reactor is to look. */
void registry_wake_all(struct client_registry *registry);

static inline struct registry_part *registry_part_of(const struct session *session)
{
    return &session->registry->parts[reactor_index(session->conn.reactor)];
}

#endif
