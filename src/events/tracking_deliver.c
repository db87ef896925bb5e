/* Invalidations on their way: one message for a key, a push to each reactor that has clients for
 * it; from there to the client, or on to the reactor of the client that it redirects to.
 *
 *   tracking_emit --push--> on_key: client --> its output
 *                               +--forward--> on_forward: the other client --> its output
 *                                                 +-- it is gone --> on_broken: the client is told
 *
 * Threads: emitting on any, under locks; deliveries on the reactors. A message is shared, read only
 * and counted. */
#include "pollard/base/mem.h"
#include "tracking_private.h"
#include <stddef.h>

/* The other reactors' pushes of a message; the first one is the message's own. */
struct key_push {
    struct push push; /* first */
    struct tracked *tracked;
};

struct all_push {
    struct push push; /* first */
    struct tracking_table *table;
};

/* From a client to the one that it redirects to, and back when that one is gone. */
struct forward {
    struct push push; /* first */
    struct tracking_table *table;
    struct tracked *tracked; /* counted; NULL: all keys */
    uint64_t target_id;
    uint64_t client_id;
    uint32_t client_reactor;
};

static void release(struct tracked *tracked)
{
    /* Acquire-release: who frees it sees that all others are done with it. */
    if (tracked != NULL &&
        atomic_fetch_sub_explicit(&tracked->references, 1, memory_order_acq_rel) == 1) {
        tracked_free(tracked);
    }
}

/* ---- What clients get ---- */

static bool is_listening(const struct session *session)
{
    return (session->flags & (SESSION_CLOSE_NOW | SESSION_CLOSE_AFTER)) == 0;
}

static void write_keys(struct reply *reply, const struct tracked *tracked)
{
    if (tracked == NULL) {
        reply_null(reply);
    } else {
        reply_array(reply, 1);
        reply_bulk(reply, tracked_name(tracked));
    }
}

static void write_push(struct session *session, const struct tracked *tracked)
{
    struct reply reply;
    reply_init(&reply, session_push(session), session->protocol);
    reply_push(&reply, 2);
    reply_bulk_text(&reply, "invalidate");
    write_keys(&reply, tracked);
    session_pushed(session);
}

/* As if it were published on a channel: for clients of RESP2, which know nothing else unasked. */
static void write_message(struct session *session, const struct tracked *tracked)
{
    struct reply reply;
    reply_init(&reply, session_push(session), session->protocol);
    reply_array(&reply, 3);
    reply_bulk_text(&reply, "message");
    reply_bulk_text(&reply, "__redis__:invalidate");
    write_keys(&reply, tracked);
    session_pushed(session);
}

static void write_broken(struct session *session)
{
    session->flags |= SESSION_TRACKING_BROKEN;
    if (session->protocol < 3 || !is_listening(session)) {
        return;
    }
    struct reply reply;
    reply_init(&reply, session_push(session), session->protocol);
    reply_push(&reply, 2);
    reply_bulk_text(&reply, "tracking-redir-broken");
    reply_integer(&reply, session->redirect_id);
    session_pushed(session);
}

/* ---- Redirection ---- */

static void on_broken(struct push *push, struct reactor *reactor)
{
    struct forward *forward = (struct forward *)push;
    if (reactor != NULL) {
        struct session *session =
            registry_find(forward->table->services->registry, reactor, forward->client_id);
        /* It may redirect to another one by now. */
        if (session != NULL && session->tracking != NULL &&
            (uint64_t)session->redirect_id == forward->target_id) {
            write_broken(session);
        }
    }
    mem_free(forward);
}

static void on_forward(struct push *push, struct reactor *reactor)
{
    struct forward *forward = (struct forward *)push;
    struct client_registry *registry = forward->table->services->registry;
    struct session *target =
        reactor == NULL ? NULL : registry_find(registry, reactor, forward->target_id);
    if (target != NULL && is_listening(target)) {
        if (target->protocol >= 3) {
            write_push(target, forward->tracked);
        } else if ((target->flags & SESSION_SUBSCRIBED) != 0) {
            write_message(target, forward->tracked);
        }
    }
    release(forward->tracked);
    if (target != NULL || reactor == NULL) {
        mem_free(forward);
        return;
    }
    forward->push.deliver = on_broken;
    push_post(registry, forward->client_reactor, &forward->push);
}

/* On the way even if it is to the same reactor: one order for all. */
static void redirect(struct tracking_table *table, const struct session *session,
                     struct tracked *tracked)
{
    struct forward *forward = mem_alloc(sizeof(*forward));
    *forward = (struct forward){
        .push.deliver = on_forward,
        .table = table,
        .tracked = tracked,
        .target_id = (uint64_t)session->redirect_id,
        .client_id = session->id,
        .client_reactor = reactor_index(session->conn.reactor),
    };
    if (tracked != NULL) {
        (void)atomic_fetch_add_explicit(&tracked->references, 1, memory_order_relaxed);
    }
    push_post(table->services->registry, session->tracking->redirect_reactor, &forward->push);
}

/* ---- On the client's reactor ---- */

static void tell(struct tracking_table *table, struct session *session, struct tracked *tracked)
{
    if (session->redirect_id != 0) {
        redirect(table, session, tracked);
    } else if (session->protocol >= 3 && is_listening(session)) {
        write_push(session, tracked);
    }
}

static bool is_own_change(const struct tracking *tracking, const struct tracked *tracked)
{
    return (tracking->flags & TRACKING_NOLOOP) != 0 && tracking->session->id == tracked->writer;
}

/* Those that have read it. Clients that are gone, or read it in another mode, are still there. */
static void tell_readers(struct tracking_table *table, struct reactor *reactor,
                         struct tracked *tracked)
{
    uint32_t index = reactor_index(reactor);
    for (uint32_t i = 0; i < tracked_places(tracked); i++) {
        uint64_t client = tracked_at(tracked, i);
        if (client == 0 || tracked_client_reactor(client) != index) {
            continue;
        }
        struct session *session =
            registry_find(table->services->registry, reactor, tracked_client_id(client));
        if (session != NULL && session->tracking != NULL &&
            (session->flags & SESSION_TRACKING_BCAST) == 0 &&
            !is_own_change(session->tracking, tracked)) {
            tell(table, session, tracked);
        }
    }
}

struct prefix_news {
    struct tracking_table *table;
    struct tracked *tracked;
};

static void tell_prefix(void *argument, struct prefix *prefix)
{
    const struct prefix_news *news = argument;
    const struct local_prefix *local = (struct local_prefix *)prefix;
    for (uint32_t i = 0; i < local->client_count; i++) {
        if (!is_own_change(local->clients[i], news->tracked)) {
            tell(news->table, local->clients[i]->session, news->tracked);
        }
    }
}

static void deliver_key(struct tracked *tracked, struct reactor *reactor)
{
    if (reactor != NULL) {
        struct tracking_table *table = tracked->owner;
        struct tracking_part *part = &table->parts[reactor_index(reactor)];
        struct prefix_news news = {.table = table, .tracked = tracked};
        tell_readers(table, reactor, tracked);
        prefixes_match(part->prefixes, part->prefix_count, tracked_name(tracked), tell_prefix,
                       &news);
    }
    release(tracked);
}

static void on_own_push(struct push *push, struct reactor *reactor)
{
    deliver_key((struct tracked *)((char *)push - offsetof(struct tracked, push)), reactor);
}

static void on_key_push(struct push *push, struct reactor *reactor)
{
    struct key_push *key_push = (struct key_push *)push;
    struct tracked *tracked = key_push->tracked;
    mem_free(key_push);
    deliver_key(tracked, reactor);
}

void tracking_emit(void *context, struct tracked *tracked, const struct reactor_set *broadcast)
{
    struct tracking_table *table = context;
    struct client_registry *registry = table->services->registry;
    struct reactor_set reactors = *broadcast;
    for (uint32_t i = 0; i < tracked_places(tracked); i++) {
        uint64_t client = tracked_at(tracked, i);
        if (client != 0) {
            reactor_set_add(&reactors, tracked_client_reactor(client));
        }
    }
    tracked->owner = table;
    /* One of the poster's own, so that it stays while it is posted. */
    atomic_store_explicit(&tracked->references, 1, memory_order_relaxed);
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < table->reactor_count; i++) {
        if (!reactor_set_has(&reactors, i)) {
            continue;
        }
        if (last != UINT32_MAX) {
            struct key_push *push = mem_alloc(sizeof(*push));
            *push = (struct key_push){.push.deliver = on_key_push, .tracked = tracked};
            (void)atomic_fetch_add_explicit(&tracked->references, 1, memory_order_relaxed);
            push_post(registry, last, &push->push);
        }
        last = i;
    }
    /* The last one gets the message itself, and the poster's reference. */
    tracked->push.deliver = on_own_push;
    push_post(registry, last, &tracked->push);
}

/* ---- All keys ---- */

static void on_all_push(struct push *push, struct reactor *reactor)
{
    struct all_push *all = (struct all_push *)push;
    if (reactor != NULL) {
        struct tracking *tracking = all->table->parts[reactor_index(reactor)].first;
        while (tracking != NULL) {
            tell(all->table, tracking->session, /* tracked= */ NULL);
            tracking = tracking->next;
        }
    }
    mem_free(all);
}

void tracking_emit_all(struct tracking_table *table)
{
    for (size_t i = 0; i < table->reactor_count; i++) {
        /* Relaxed: who turns it on meanwhile has no keys yet. */
        if (atomic_load_explicit(&table->parts[i].client_count, memory_order_relaxed) == 0) {
            continue;
        }
        struct all_push *all = mem_alloc(sizeof(*all));
        *all = (struct all_push){.push.deliver = on_all_push, .table = table};
        push_post(table->services->registry, i, &all->push);
    }
}
