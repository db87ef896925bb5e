/* The registry of clients: how many there are, on which reactors, and how a session is born and
 * ends.
 *
 * Threads: counts are atomics, one part a reactor; sessions are touched by their reactor only.
 * Invariants:
 * 1. registry.clients is the sum of all parts' clients, plus those inside session_create.
 * 2. A session is counted as monitor or blocked exactly while its flag says so. */
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/client/fieldsets.h"
#include "pollard/stats/stats.h"
#include "registry_private.h"
#include <sys/socket.h>
#include <unistd.h>

struct client_registry *registry_create(const struct client_options *options)
{
    struct client_registry *registry = mem_alloc_zero(sizeof(*registry));
    registry->options = options;
    atomic_init(&registry->next_id, 1);
    lock_init(&registry->pause_lock, LOCK_RANK_REGISTRY);
    registry->wakes = mem_alloc_zero(THREADS_MAX * sizeof(*registry->wakes));
    return registry;
}

void registry_destroy(struct client_registry **registry)
{
    if (*registry != NULL) {
        lock_deinit(&(*registry)->pause_lock);
        push_drop_all(*registry);
        for (size_t i = 0; i < (*registry)->reactor_count; i++) {
            mem_free((*registry)->parts[i].by_id);
        }
        mem_free((*registry)->wakes);
        mem_free((*registry)->parts);
        mem_free(*registry);
        *registry = NULL;
    }
}

void registry_set_reactors(struct client_registry *registry, struct reactor **reactors,
                           size_t count)
{
    registry->reactors = reactors;
    registry->reactor_count = count;
    registry->parts = mem_alloc_zero(count * sizeof(*registry->parts));
    push_setup(registry);
}

void registry_on_destroy(struct client_registry *registry,
                         void (*hook)(void *context, struct session *session), void *context)
{
    registry->destroy_hook = hook;
    registry->hook_context = context;
}

void registry_on_output(struct client_registry *registry,
                        void (*hook)(void *context, struct session *session))
{
    registry->output_hook = hook;
}

void registry_on_describe(struct client_registry *registry,
                          void (*hook)(void *context, struct session *session))
{
    registry->describe_hook = hook;
}

/* ---- Sessions by id ---- */

/* Slots of a reactor's first session. */
#define SLOTS_MIN 16

/* Ids are given in turn: their low bits spread well. */
static struct session **slot_of(const struct registry_part *part, uint64_t id)
{
    return &part->by_id[id & (part->slot_count - 1)];
}

/* Doubles the slots; the pause is bounded by maxclients. */
static void grow_slots(struct registry_part *part)
{
    struct registry_part larger = {.slot_count =
                                       part->slot_count == 0 ? SLOTS_MIN : part->slot_count * 2};
    larger.by_id = mem_alloc_zero(larger.slot_count * sizeof(struct session *));
    for (uint32_t i = 0; i < part->slot_count; i++) {
        struct session *session = part->by_id[i];
        while (session != NULL) {
            struct session *next = session->next_by_id;
            struct session **slot = slot_of(&larger, session->id);
            session->next_by_id = *slot;
            *slot = session;
            session = next;
        }
    }
    mem_free(part->by_id);
    part->by_id = larger.by_id;
    part->slot_count = larger.slot_count;
}

static void enlist(struct session *session)
{
    struct registry_part *part = registry_part_of(session);
    if (part->session_count == part->slot_count) {
        grow_slots(part);
    }
    struct session **slot = slot_of(part, session->id);
    session->next_by_id = *slot;
    *slot = session;
    part->session_count++;
}

static void delist(struct session *session)
{
    struct registry_part *part = registry_part_of(session);
    struct session **link = slot_of(part, session->id);
    while (*link != session) {
        link = &(*link)->next_by_id;
    }
    *link = session->next_by_id;
    part->session_count--;
}

struct session *registry_find(const struct client_registry *registry, const struct reactor *reactor,
                              uint64_t id)
{
    const struct registry_part *part = &registry->parts[reactor_index(reactor)];
    if (part->slot_count == 0) {
        return NULL;
    }
    struct session *session = *slot_of(part, id);
    while (session != NULL && session->id != id) {
        session = session->next_by_id;
    }
    return session;
}

const struct client_options *registry_options(const struct client_registry *registry)
{
    return registry->options;
}

struct reactor *registry_reactor(const struct client_registry *registry, size_t index)
{
    return registry->reactors[index];
}

size_t registry_reactor_count(const struct client_registry *registry)
{
    return registry->reactor_count;
}

uint64_t registry_count(const struct client_registry *registry)
{
    return atomic_load_explicit(&((struct client_registry *)registry)->clients,
                                memory_order_relaxed);
}

uint64_t registry_count_blocked(const struct client_registry *registry)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < registry->reactor_count; i++) {
        sum += atomic_load_explicit(&registry->parts[i].blocked, memory_order_relaxed);
    }
    return sum;
}

uint64_t registry_count_watching(const struct client_registry *registry)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < registry->reactor_count; i++) {
        sum += atomic_load_explicit(&registry->parts[i].watching, memory_order_relaxed);
    }
    return sum;
}

uint64_t registry_count_monitors(const struct client_registry *registry)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < registry->reactor_count; i++) {
        sum += registry_reactor_monitors(registry, i);
    }
    return sum;
}

uint32_t registry_reactor_monitors(const struct client_registry *registry, size_t index)
{
    return atomic_load_explicit(&registry->parts[index].monitors, memory_order_relaxed);
}

uint64_t registry_next_id_peek(const struct client_registry *registry)
{
    return atomic_load_explicit(&((struct client_registry *)registry)->next_id,
                                memory_order_relaxed);
}

/* Says why and closes a socket that gets no session. The text is short: a fresh socket's buffer
 * takes it, and if not, nothing is lost but the courtesy. */
static void refuse(struct client_registry *registry, int fd, const char *text)
{
    ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    close(fd);
    atomic_fetch_sub_explicit(&registry->clients, 1, memory_order_relaxed);
    stat_add(STAT_connections_rejected, 1);
}

static struct session *session_new(struct client_registry *registry, struct reactor *reactor,
                                   bool is_unix)
{
    struct session *session = mem_alloc_zero(sizeof(*session));
    session->registry = registry;
    session->id = atomic_fetch_add_explicit(&registry->next_id, 1, memory_order_relaxed);
    session->protocol = 2;
    session->last_command = "NULL";
    session->created_ms = reactor_now_ms(reactor);
    session->flags = is_unix ? SESSION_UNIX : 0;
    if (!option_text_is_set(&registry->options->requirepass)) {
        session->flags |= SESSION_AUTHENTICATED;
    }
    return session;
}

struct session *session_create(struct client_registry *registry, struct reactor *reactor, int fd,
                               bool is_unix)
{
    stat_add(STAT_connections_received, 1);
    uint64_t others = atomic_fetch_add_explicit(&registry->clients, 1, memory_order_relaxed);
    if (others >= (uint64_t)option_get(&registry->options->maxclients)) {
        refuse(registry, fd, "-ERR max number of clients reached\r\n");
        return NULL;
    }
    struct session *session = session_new(registry, reactor, is_unix);
    if (!reactor_add(reactor, &session->conn, fd, is_unix)) {
        refuse(registry, fd, "-ERR not enough resources for a new connection\r\n");
        mem_free(session);
        return NULL;
    }
    atomic_fetch_add_explicit(&registry_part_of(session)->clients, 1, memory_order_relaxed);
    enlist(session);
    if (option_get(&registry->options->protected_mode) != 0 &&
        (session->flags & SESSION_AUTHENTICATED) != 0 && !is_unix &&
        !conn_is_local(&session->conn)) {
        chain_append(&session->conn.output,
                     bytes_text("-DENIED Pollard runs in protected mode: it has no password and "
                                "takes connections from this host only. Set requirepass, or "
                                "protected-mode no if you trust every network it listens on.\r\n"));
        (void)conn_flush(&session->conn);
        stat_add(STAT_connections_rejected, 1);
        session_destroy(session);
        return NULL;
    }
    return session;
}

void session_destroy(struct session *session)
{
    struct client_registry *registry = session->registry;
    if (registry->destroy_hook != NULL) {
        registry->destroy_hook(registry->hook_context, session);
    }
    delist(session);
    session_forget_memory(session);
    session_set_monitor(session, false);
    session_set_blocked(session, false);
    session_set_watches(session, 0);
    atomic_fetch_sub_explicit(&registry_part_of(session)->clients, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&registry->clients, 1, memory_order_relaxed);
    reactor_remove(&session->conn);
    decoder_destroy(&session->decoder);
    chain_clear(&session->held);
    buf_deinit(&session->input);
    mem_free(session->name);
    mem_free(session->lib_name);
    fieldsets_release(session->fieldsets);
    mem_free(session->lib_version);
    mem_free(session);
}

static bool set_flag(struct session *session, uint32_t flag, bool on)
{
    if (((session->flags & flag) != 0) == on) {
        return false;
    }
    session->flags ^= flag;
    return true;
}

void session_set_monitor(struct session *session, bool on)
{
    if (set_flag(session, SESSION_MONITOR, on)) {
        atomic_fetch_add_explicit(&registry_part_of(session)->monitors, on ? 1 : UINT32_MAX,
                                  memory_order_relaxed);
    }
}

void session_set_blocked(struct session *session, bool blocked)
{
    if (set_flag(session, SESSION_BLOCKED, blocked)) {
        atomic_fetch_add_explicit(&registry_part_of(session)->blocked, blocked ? 1 : UINT64_MAX,
                                  memory_order_relaxed);
    }
}

void session_set_watches(struct session *session, uint32_t count)
{
    bool began = session->watch_count == 0 && count > 0;
    bool ended = session->watch_count > 0 && count == 0;
    session->watch_count = count;
    if (began || ended) {
        atomic_fetch_add_explicit(&registry_part_of(session)->watching, began ? 1 : UINT64_MAX,
                                  memory_order_relaxed);
    }
}
