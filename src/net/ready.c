/* The ready list: which connections a cycle has to do with, and in which order.
 *
 * On the data path between the wait and the owner: what the wait found joins what was left over
 * from the last cycle; sources run, leftovers are written, and the rest goes to on_ready at once.
 * Threads: the reactor's own.
 * Invariants:
 * 1. CONN_READY: ready.items[conn->ready_slot] == conn. CONN_QUEUED: the same for queued.
 * 2. A connection is in each list at most once, so that room for all of `all` and the sources
 *    suffices.
 * 3. ready.items is not moved while a cycle runs: owners hold it in on_ready. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "reactor.h"

static bool list_reserve(struct conn_list *list, size_t count);
static bool is_reportable(const struct conn *conn);
static bool is_writing_on(const struct conn *conn);
static void write_leftovers(struct reactor *reactor, struct conn *conn);
static size_t ready_prepare(struct reactor *reactor);

bool ready_reserve(struct reactor *reactor)
{
    size_t count = reactor->all.count + reactor->source_count + 1;
    return list_reserve(&reactor->all, count) && list_reserve(&reactor->queued, count);
}

void ready_queue(struct reactor *reactor, struct conn *conn)
{
    if (conn->flags & CONN_QUEUED) {
        return;
    }
    conn->flags |= CONN_QUEUED;
    conn->queue_slot = (uint32_t)reactor->queued.count;
    reactor->queued.items[reactor->queued.count++] = conn;
}

void ready_forget(struct reactor *reactor, struct conn *conn)
{
    if (conn->flags & CONN_READY) {
        check(reactor->ready.items[conn->ready_slot] == conn);
        reactor->ready.items[conn->ready_slot] = NULL;
    }
    if (conn->flags & CONN_QUEUED) {
        check(reactor->queued.items[conn->queue_slot] == conn);
        struct conn *last = reactor->queued.items[--reactor->queued.count];
        reactor->queued.items[conn->queue_slot] = last;
        last->queue_slot = conn->queue_slot;
    }
    conn->flags &= ~(uint32_t)(CONN_READY | CONN_QUEUED);
}

static void ready_push(struct reactor *reactor, struct conn *conn)
{
    if (conn->flags & CONN_READY) {
        return;
    }
    conn->flags |= CONN_READY;
    conn->ready_slot = (uint32_t)reactor->ready.count;
    reactor->ready.items[reactor->ready.count++] = conn;
}

void ready_begin(struct reactor *reactor)
{
    check(reactor->ready.count == 0);
    check(list_reserve(&reactor->ready, reactor->all.count + reactor->source_count));
    for (size_t i = 0; i < reactor->queued.count; i++) {
        struct conn *conn = reactor->queued.items[i];
        conn->flags &= ~(uint32_t)CONN_QUEUED;
        ready_push(reactor, conn);
    }
    reactor->queued.count = 0;
}

void ready_note(void *argument, struct conn *conn, uint32_t events)
{
    struct reactor *reactor = argument;
    if (conn->flags & CONN_SOURCE) {
        ready_push(reactor, conn);
        return;
    }
    if (events & POLLER_READABLE) {
        conn->flags |= CONN_PENDING;
    }
    if (events & POLLER_HUNG_UP) {
        conn->flags |= CONN_HUNG_UP;
    }
    if (events & POLLER_ROOM) {
        if (conn->flags & CONN_WRITES) {
            conn->flags |= CONN_ROOM;
        } else if ((events & POLLER_READABLE) == 0) {
            poller_disarm(&reactor->poller, conn);
        }
    }
    if (is_reportable(conn) || (conn->flags & CONN_ROOM)) {
        ready_push(reactor, conn);
    }
}

void ready_dispatch(struct reactor *reactor)
{
    size_t count = ready_prepare(reactor);
    if (count > 0) {
        struct conn **conns = reactor->ready.items;
        reactor->hooks.on_ready(reactor->hooks.context, reactor, conns, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct conn *conn = reactor->ready.items[i];
        if (conn == NULL) {
            continue;
        }
        conn->flags &= ~(uint32_t)CONN_READY;
        if ((conn->flags & (CONN_PENDING | CONN_READS | CONN_FAILED)) ==
            (CONN_PENDING | CONN_READS)) {
            /* The owner did not read to the end. The kernel will not tell again. */
            ready_queue(reactor, conn);
        }
    }
    reactor->ready.count = 0;
}

/* Does what comes before the owner's turn, and leaves its connections at the front of the list. */
static size_t ready_prepare(struct reactor *reactor)
{
    size_t kept = 0;
    /* The hooks called here may remove connections, but never add to this list. */
    for (size_t i = 0; i < reactor->ready.count; i++) {
        struct conn *conn = reactor->ready.items[i];
        if (conn != NULL && (conn->flags & CONN_SOURCE)) {
            struct source *source = (struct source *)conn;
            reactor->ready.items[i] = NULL;
            conn->flags &= ~(uint32_t)CONN_READY;
            source->on_event(source, reactor);
            continue;
        }
        if (conn != NULL && (conn->flags & CONN_ROOM)) {
            write_leftovers(reactor, conn);
            conn = reactor->ready.items[i]; /* NULL if it was removed */
        }
        if (conn == NULL) {
            continue;
        }
        reactor->ready.items[i] = NULL;
        if (!is_reportable(conn) || is_writing_on(conn)) {
            conn->flags &= ~(uint32_t)CONN_READY;
            continue;
        }
        conn->flags &= ~(uint32_t)CONN_RENEWED;
        conn->ready_slot = (uint32_t)kept;
        reactor->ready.items[kept++] = conn;
    }
    reactor->ready.count = kept;
    return kept;
}

static void write_leftovers(struct reactor *reactor, struct conn *conn)
{
    conn->flags &= ~(uint32_t)CONN_ROOM;
    if ((conn->flags & CONN_WRITES) == 0) {
        return;
    }
    bool alive = conn_flush(conn);
    bool drained = alive && (conn->flags & CONN_WRITES) == 0;
    if (drained && reactor->hooks.on_drained != NULL) {
        reactor->hooks.on_drained(reactor->hooks.context, conn);
    }
}

static bool is_reportable(const struct conn *conn)
{
    if (conn->flags & (CONN_RENEWED | CONN_FAILED)) {
        return true;
    }
    return (conn->flags & (CONN_PENDING | CONN_READS)) == (CONN_PENDING | CONN_READS);
}

/* Its output goes out turn by turn, and it is queued for the next one: until the last, its input
 * waits. Else a pipeline of large replies would pile up faster than it is sent. */
static bool is_writing_on(const struct conn *conn)
{
    return (conn->flags & (CONN_ROOM | CONN_FAILED)) == CONN_ROOM;
}

static bool list_reserve(struct conn_list *list, size_t count)
{
    if (count <= list->capacity) {
        return true;
    }
    size_t capacity = list->capacity < 32 ? 64 : list->capacity * 2;
    while (capacity < count) {
        capacity *= 2;
    }
    struct conn **items = mem_try_realloc(list->items, capacity * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}
