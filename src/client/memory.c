/* Memory of all clients together, and closing the largest ones when it is over maxmemory-clients,
 * or over the reserve of maxmemory.
 *
 *   a session was busy -> session_count_memory -> its size class in its reactor's lists
 *   end of a cycle     -> over the limit: the largest class of all reactors goes first; if it is on
 *                         other reactors they are woken, and see to it at the end of their cycle
 *
 * Nothing is counted while there is no limit, of clients or of memory.
 *
 * Threads: lists and sizes are their reactor's; sums and counts are written by it, read by all.
 * Invariants, while a reactor counts:
 * 1. memory_bytes is the sum of counted_memory of its sessions.
 * 2. A session is in the list of its size class unless it is protected (NO-EVICT). */
#include "pollard/base/log.h"
#include "pollard/stats/stats.h"
#include "registry_private.h"
#include <stddef.h>

/* The first class holds what is below so many bytes, each other one twice as much. */
#define CLASS_BITS_MIN 12

/* What goes with a client besides: its places in the tables of the poller and of the registry, and
 * what the allocator rounds up. */
#define CLIENT_EXTRAS ((uint64_t)300)

/* 1 .. CLIENT_SIZE_CLASSES */
static uint8_t class_of(size_t size)
{
    uint32_t bits = 63 - (uint32_t)__builtin_clzll((unsigned long long)size | 1);
    uint32_t class = bits < CLASS_BITS_MIN ? 1 : bits - CLASS_BITS_MIN + 2;
    return (uint8_t)(class < CLIENT_SIZE_CLASSES ? class : CLIENT_SIZE_CLASSES);
}

static void leave_class(struct registry_part *part, struct session *session)
{
    if (session->size_class == 0) {
        return;
    }
    uint32_t index = session->size_class - 1U;
    if (session->previous_by_size != NULL) {
        session->previous_by_size->next_by_size = session->next_by_size;
    } else {
        part->by_size[index] = session->next_by_size;
    }
    if (session->next_by_size != NULL) {
        session->next_by_size->previous_by_size = session->previous_by_size;
    }
    session->size_class = 0;
    (void)atomic_fetch_sub_explicit(&part->size_counts[index], 1, memory_order_relaxed);
}

static void join_class(struct registry_part *part, struct session *session, uint8_t class)
{
    uint32_t index = class - 1U;
    session->size_class = class;
    session->previous_by_size = NULL;
    session->next_by_size = part->by_size[index];
    if (session->next_by_size != NULL) {
        session->next_by_size->previous_by_size = session;
    }
    part->by_size[index] = session;
    (void)atomic_fetch_add_explicit(&part->size_counts[index], 1, memory_order_relaxed);
}

static void set_counted(struct registry_part *part, struct session *session, size_t size,
                        size_t input)
{
    (void)atomic_fetch_add_explicit(&part->memory_bytes, size - session->counted_memory,
                                    memory_order_relaxed);
    session->counted_memory = size;
    if (UNLIKELY(input != session->counted_input)) {
        (void)atomic_fetch_add_explicit(&part->input_bytes, input - session->counted_input,
                                        memory_order_relaxed);
        session->counted_input = input;
    }
}

void session_count_memory(struct session *session)
{
    struct registry_part *part = registry_part_of(session);
    if (!part->counts_memory) {
        return;
    }
    size_t size = session_memory(session);
    if (LIKELY(size == session->counted_memory && session->size_class != 0 &&
               (session->flags & SESSION_NO_EVICT) == 0)) {
        return;
    }
    uint8_t class = (session->flags & SESSION_NO_EVICT) != 0 ? 0 : class_of(size);
    size_t input = session->decoder == NULL ? 0 : decoder_memory(session->decoder);
    set_counted(part, session, size, input);
    if (class != session->size_class) {
        leave_class(part, session);
        if (class != 0) {
            join_class(part, session, class);
        }
    }
}

void session_forget_memory(struct session *session)
{
    struct registry_part *part = registry_part_of(session);
    leave_class(part, session);
    set_counted(part, session, 0, 0);
}

static void count_conn(struct conn *conn, void *argument)
{
    struct registry_part *part = argument;
    if (part->counts_memory) {
        session_count_memory(session_of(conn));
    } else {
        session_forget_memory(session_of(conn));
    }
}

uint64_t registry_memory_limit(const struct client_registry *registry, uint64_t maxmemory)
{
    /* A share of no limit is none. */
    return option_share_of(&registry->options->maxmemory_clients, maxmemory);
}

static uint64_t sum_memory(const struct client_registry *registry)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < registry->reactor_count; i++) {
        sum += atomic_load_explicit(&registry->parts[i].memory_bytes, memory_order_relaxed);
    }
    return sum;
}

uint64_t registry_memory(const struct client_registry *registry)
{
    uint64_t sum = sum_memory(registry);
    uint64_t count = registry_count(registry);
    uint64_t least = count * sizeof(struct session);
    return (sum > least ? sum : least) + count * CLIENT_EXTRAS;
}

const _Atomic uint64_t *registry_memory_of(const struct client_registry *registry,
                                           struct reactor *reactor)
{
    return &registry->parts[reactor_index(reactor)].memory_bytes;
}

/* ---- Closing ---- */

static void on_wake(struct mail *mail, struct reactor *reactor)
{
    struct registry_part *part =
        (struct registry_part *)((char *)mail - offsetof(struct registry_part, size_mail));
    (void)reactor;
    /* Release: pairs with the exchange in wake. What is to be done is done at the cycle's end. */
    atomic_store_explicit(&part->size_mail_is_out, false, memory_order_release);
}

static void wake(struct client_registry *registry, size_t index)
{
    struct registry_part *part = &registry->parts[index];
    if (!atomic_exchange_explicit(&part->size_mail_is_out, true, memory_order_acquire)) {
        part->size_mail.deliver = on_wake;
        reactor_post(registry->reactors[index], &part->size_mail);
    }
}

void registry_wake_all(struct client_registry *registry)
{
    for (size_t i = 0; i < registry->reactor_count; i++) {
        wake(registry, i);
    }
}

static bool has_class(const struct registry_part *part, uint32_t index)
{
    return atomic_load_explicit(&((struct registry_part *)part)->size_counts[index],
                                memory_order_relaxed) > 0;
}

/* The index of the largest class that any reactor has, or CLIENT_SIZE_CLASSES. */
static uint32_t largest_class(const struct client_registry *registry)
{
    for (uint32_t index = CLIENT_SIZE_CLASSES; index-- > 0;) {
        for (size_t i = 0; i < registry->reactor_count; i++) {
            if (has_class(&registry->parts[i], index)) {
                return index;
            }
        }
    }
    return CLIENT_SIZE_CLASSES;
}

/* Those who have the class are to close what they have of it. */
static void wake_owners(struct client_registry *registry, uint32_t class_index)
{
    for (size_t i = 0; i < registry->reactor_count; i++) {
        if (has_class(&registry->parts[i], class_index)) {
            wake(registry, i);
        }
    }
}

static void close_large(struct session *session)
{
    struct buf line = {0};
    session_describe(session, &line);
    log_line(LOG_NOTICE, "Evicting client: %.*s", (int)line.size, (const char *)line.data);
    buf_deinit(&line);
    stat_add(STAT_clients_evicted, 1);
    session_destroy(session);
}

static void close_largest(struct client_registry *registry, struct registry_part *own,
                          uint64_t limit)
{
    while (sum_memory(registry) > limit) {
        uint32_t index = largest_class(registry);
        if (index == CLIENT_SIZE_CLASSES) {
            return;
        }
        struct session *session = own->by_size[index];
        if (session == NULL) {
            wake_owners(registry, index);
            return;
        }
        /* What it had to send may have gone out since. */
        session_count_memory(session);
        if (session->size_class == index + 1) {
            close_large(session);
        }
    }
}

static uint64_t sum_input(const struct client_registry *registry)
{
    uint64_t input = 0;
    for (size_t i = 0; i < registry->reactor_count; i++) {
        input += atomic_load_explicit(&registry->parts[i].input_bytes, memory_order_relaxed);
    }
    return input;
}

/* Commands being received become data: they are held by its budget. */
static uint64_t sum_without_input(const struct client_registry *registry)
{
    uint64_t input = sum_input(registry);
    uint64_t sum = sum_memory(registry);
    return sum > input ? sum - input : 0;
}

/* One of the reactor's own of the largest class that has any that sends a command just now, or does
 * not; the first class is that of clients that hold no more than themselves: closing them would
 * bring little. NULL: it has none. */
static struct session *largest_of(const struct registry_part *own, bool sends)
{
    for (uint32_t index = CLIENT_SIZE_CLASSES; index-- > 1;) {
        struct session *session = own->by_size[index];
        while (session != NULL && (session->counted_input > 0) != sends) {
            session = session->next_by_size;
        }
        if (session != NULL) {
            return session;
        }
    }
    return NULL;
}

/* The same for the reserve, and for what all send at a time: each reactor closes its own, the
 * others look when they are woken. */
static void close_overrunning(struct client_registry *registry, struct registry_part *own,
                              uint64_t limit, bool sends)
{
    while ((sends ? sum_input(registry) : sum_without_input(registry)) > limit) {
        struct session *session = largest_of(own, sends);
        if (session == NULL) {
            uint32_t index = largest_class(registry);
            if (index > 0 && index < CLIENT_SIZE_CLASSES && own->by_size[index] == NULL) {
                wake_owners(registry, index);
            }
            return;
        }
        size_t before = session->counted_memory;
        session_count_memory(session);
        if (session->counted_memory >= before) {
            close_large(session);
        }
    }
}

void registry_hold_memory(struct client_registry *registry, struct reactor *reactor,
                          const struct client_memory_limits *limits)
{
    struct registry_part *part = &registry->parts[reactor_index(reactor)];
    bool counts = limits->all != 0 || limits->counts;
    if (part->counts_memory != counts) {
        part->counts_memory = counts;
        reactor_each(reactor, count_conn, part);
    }
    if (limits->all != 0) {
        close_largest(registry, part, limits->all);
    }
    if (limits->large != 0) {
        close_overrunning(registry, part, limits->large, /* sends= */ false);
    }
    if (limits->input != 0) {
        close_overrunning(registry, part, limits->input, /* sends= */ true);
    }
}
