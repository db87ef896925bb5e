/* Tracking: who does, in which way, and what the sinks of exec and keyspace come to. See the
 * header.
 *
 * Threads: settings on the session's reactor; the sinks on any. The set-up lock guards what is
 * common: how many track, and whether the keyspace has to tell of changes. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/exec/pool.h"
#include "tracking_private.h"

/* Clients of a key that may be gone, beside twice those that track. */
#define CLIENTS_SPARE 64

struct tracking_table *tracking_create(const struct services *services,
                                       const struct tracking_options *options, size_t reactor_count)
{
    struct tracking_table *table = mem_alloc_zero(sizeof(*table));
    table->services = services;
    table->options = options;
    table->reactor_count = reactor_count;
    table->parts = mem_alloc_zero(reactor_count * sizeof(*table->parts));
    lock_init(&table->setup_lock, LOCK_RANK_TRACKING_SETUP);
    const struct tracked_sink sink = {.context = table, .emit = tracking_emit};
    table->keys = tracked_keys_create(&sink);
    return table;
}

void tracking_destroy(struct tracking_table **table)
{
    if (*table != NULL) {
        tracked_keys_destroy(&(*table)->keys);
        lock_deinit(&(*table)->setup_lock);
        mem_free((*table)->parts);
        mem_free(*table);
        *table = NULL;
    }
}

/* ---- Emptying the table: what was in it is freed on the pool ---- */

struct cleaning {
    struct pool_task task; /* first */
    struct tracked_batch *batch;
};

static void clean(struct pool_task *task)
{
    struct cleaning *cleaning = (struct cleaning *)task;
    tracked_batch_free(cleaning->batch);
    mem_free(cleaning);
}

static void empty(struct tracking_table *table)
{
    struct tracked_batch *batch = tracked_take_all(table->keys);
    if (batch == NULL) {
        return;
    }
    struct cleaning *cleaning = mem_alloc(sizeof(*cleaning));
    *cleaning = (struct cleaning){.task.run = clean, .batch = batch};
    pool_submit(table->services->pool, &cleaning->task, POOL_LONG);
}

/* ---- Sinks ---- */

/* CLIENT CACHING is for the next command that is not CLIENT; said before MULTI it is for EXEC. */
static bool uses_caching(const struct session *session, const struct command *command)
{
    if (command == NULL) {
        return true;
    }
    const struct command *top = command->parent != NULL ? command->parent : command;
    if (strcmp(top->name, "client") == 0 || strcmp(top->name, "multi") == 0) {
        return false;
    }
    return (session->flags & SESSION_MULTI) == 0 || command->inside == INSIDE_APART;
}

bool tracking_wants(struct session *session, const struct command *command)
{
    struct tracking *tracking = session->tracking;
    if (tracking == NULL || (session->flags & SESSION_TRACKING_BCAST) != 0) {
        return false;
    }
    bool is_said = (tracking->flags & TRACKING_CACHING) != 0;
    if (is_said && uses_caching(session, command)) {
        tracking->flags &= ~(uint32_t)TRACKING_CACHING;
    }
    if ((tracking->flags & TRACKING_OPTIN) != 0) {
        return is_said;
    }
    return (tracking->flags & TRACKING_OPTOUT) == 0 || !is_said;
}

void tracking_remember(struct tracking_table *table, const struct exec *x)
{
    uint32_t clients = atomic_load_explicit(&table->client_count, memory_order_relaxed);
    const struct tracked_reader reader = {
        .client = tracked_client(x->reactor_index, x->client_id),
        .keys_max = (uint64_t)option_get(&table->options->table_max_keys),
        .clients_max = 2 * clients + CLIENTS_SPARE,
    };
    for (uint32_t i = 0; i < x->access->key_count; i++) {
        const struct access_key *key = &x->access->keys[i];
        const struct key_change about = {.name = key->name, .hash = key->hash, .db = key->db};
        if (tracked_add(table->keys, &about, &reader)) {
            access_owe_settle(x->access);
        }
    }
}

void tracking_changed(struct tracking_table *table, const struct key_change *change)
{
    tracked_change(table->keys, change);
}

void tracking_flushed(struct tracking_table *table)
{
    tracking_emit_all(table);
    empty(table);
}

/* ---- Sessions ---- */

static struct tracking *begin(struct tracking_table *table, struct session *session)
{
    struct tracking_part *part = tracking_part_of(table, session);
    struct tracking *tracking = mem_alloc_zero(sizeof(*tracking));
    tracking->session = session;
    tracking->next = part->first;
    if (part->first != NULL) {
        part->first->previous = tracking;
    }
    part->first = tracking;
    session->tracking = tracking;
    session->tracking_memory = sizeof(*tracking);
    (void)atomic_fetch_add_explicit(&part->client_count, 1, memory_order_relaxed);
    lock_acquire(&table->setup_lock);
    if (atomic_fetch_add_explicit(&table->client_count, 1, memory_order_relaxed) == 0) {
        keyspace_want_changes(table->services->keyspace, true);
    }
    lock_release(&table->setup_lock);
    return tracking;
}

void tracking_enable(struct tracking_table *table, struct session *session,
                     const struct tracking_wish *wish)
{
    struct tracking *tracking = session->tracking;
    if (tracking == NULL) {
        tracking = begin(table, session);
    }
    tracking->flags = (tracking->flags & TRACKING_CACHING) | wish->flags;
    tracking->redirect_reactor = wish->redirect_reactor;
    session->redirect_id = (int64_t)wish->redirect_id;
    session->flags &= ~(uint32_t)SESSION_TRACKING_BROKEN;
    session->flags |= SESSION_TRACKING;
    if (wish->is_broadcast) {
        const struct bytes every = {.data = NULL, .size = 0};
        session->flags |= SESSION_TRACKING_BCAST;
        tracking_add_prefixes(table, tracking, wish->prefix_count == 0 ? &every : wish->prefixes,
                              wish->prefix_count == 0 ? 1 : wish->prefix_count);
    }
}

void tracking_disable(struct tracking_table *table, struct session *session)
{
    struct tracking *tracking = session->tracking;
    if (tracking == NULL) {
        return;
    }
    struct tracking_part *part = tracking_part_of(table, session);
    tracking_drop_prefixes(table, tracking);
    if (tracking->previous != NULL) {
        tracking->previous->next = tracking->next;
    } else {
        part->first = tracking->next;
    }
    if (tracking->next != NULL) {
        tracking->next->previous = tracking->previous;
    }
    mem_free(tracking);
    session->tracking = NULL;
    session->tracking_memory = 0;
    session->redirect_id = 0;
    session->flags &=
        ~(uint32_t)(SESSION_TRACKING | SESSION_TRACKING_BROKEN | SESSION_TRACKING_BCAST);
    (void)atomic_fetch_sub_explicit(&part->client_count, 1, memory_order_relaxed);
    lock_acquire(&table->setup_lock);
    if (atomic_fetch_sub_explicit(&table->client_count, 1, memory_order_relaxed) == 1) {
        keyspace_want_changes(table->services->keyspace, false);
        empty(table);
    }
    lock_release(&table->setup_lock);
}

void tracking_set_caching(struct session *session)
{
    session->tracking->flags |= TRACKING_CACHING;
}

uint32_t tracking_flags(const struct session *session)
{
    return session->tracking == NULL ? 0 : session->tracking->flags;
}

uint32_t tracking_prefix_count(const struct session *session)
{
    return session->tracking == NULL ? 0 : session->tracking->prefix_count;
}

struct bytes tracking_prefix(const struct session *session, uint32_t index)
{
    check(index < session->tracking->prefix_count);
    return session->tracking->prefixes[index]->prefix.text;
}

uint64_t tracking_count(const struct tracking_table *table)
{
    return atomic_load_explicit(&((struct tracking_table *)table)->client_count,
                                memory_order_relaxed);
}

uint64_t tracking_count_keys(const struct tracking_table *table)
{
    return tracked_count_keys(table->keys);
}

uint64_t tracking_count_items(struct tracking_table *table)
{
    return tracked_count_items(table->keys);
}

uint64_t tracking_count_prefixes(struct tracking_table *table)
{
    lock_acquire(&table->setup_lock);
    uint64_t count = table->prefixes == NULL ? 0 : table->prefixes->count;
    lock_release(&table->setup_lock);
    return count;
}
