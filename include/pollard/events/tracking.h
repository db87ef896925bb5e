/* Tracking: clients that cache what they read are told when it changes. Floor 6.
 *
 *   a read       under the shard's lock:  tracking_remember -> table {key -> clients}
 *   a change     under the shard's lock:  tracking_changed  -> a push to each reactor with clients
 *   the reactor  when it takes pushes:    its clients, or another reactor for those they redirect
 * to
 *
 * The database of a key is ignored, as in Redis. Who reads a key is in the table before the next
 * writer has the shard, and who writes posts before anybody can read the new value; so a client
 * hears of a change after the reply that the change made stale, and before any newer one.
 *
 * Bounds: tracking-table-max-keys keys, above which other keys are dropped, and their clients told;
 * for each key twice as many clients as track now and some more (those that are gone stay in the
 * table until then); TRACKING_PREFIXES_MAX prefixes a client. */
#ifndef POLLARD_EVENTS_TRACKING_H
#define POLLARD_EVENTS_TRACKING_H

#include "pollard/exec/exec.h"

struct tracking_options {
    option_number table_max_keys; /* 0: no limit */
};

#define TRACKING_PREFIXES_MAX 1024

enum tracking_flag {
    TRACKING_OPTIN = 1 << 0,
    TRACKING_OPTOUT = 1 << 1,
    TRACKING_NOLOOP = 1 << 2,
    TRACKING_CACHING = 1 << 3 /* CLIENT CACHING was said, for the next command */
};

struct tracking_table;

/* services: keyspace and registry are there, the rest before threads run. Aborts when memory is
 * out: start-up. */
ATTR_MUST_USE struct tracking_table *tracking_create(const struct services *services,
                                                     const struct tracking_options *options,
                                                     size_t reactor_count);
/* After all threads have ended and pushes are dropped. Nulls the pointer. */
void tracking_destroy(struct tracking_table **table);

/* ---- What the sinks of exec and keyspace come to ---- */

/* struct exec_sinks: tracks, remember, session_ended. */
bool tracking_wants(struct session *session, const struct command *command);
void tracking_remember(struct tracking_table *table, const struct exec *x);
/* struct keyspace_sinks: changed, flushed. push_wake is to follow. */
void tracking_changed(struct tracking_table *table, const struct key_change *change);
void tracking_flushed(struct tracking_table *table);

/* ---- Settings of a session; on its reactor, with no shard held ---- */

struct tracking_wish {
    uint32_t flags; /* enum tracking_flag */
    bool is_broadcast;
    uint64_t redirect_id;         /* 0: none */
    uint32_t redirect_reactor;    /* where that client lives */
    const struct bytes *prefixes; /* borrowed; none of them a prefix of another one's */
    uint32_t prefix_count;
};

/* On, or on in another way: prefixes add up, the rest is replaced. The wish must fit what the
 * session has: broadcast or not can not be changed while it is on. */
void tracking_enable(struct tracking_table *table, struct session *session,
                     const struct tracking_wish *wish);
/* Off; nothing if it is off already. Also for sessions that end. */
void tracking_disable(struct tracking_table *table, struct session *session);
/* CLIENT CACHING for a session with OPTIN or OPTOUT. */
void tracking_set_caching(struct session *session);
/* Of enum tracking_flag; 0 when it is off. */
uint32_t tracking_flags(const struct session *session);
/* Prefixes in the order of their bytes. */
uint32_t tracking_prefix_count(const struct session *session);
struct bytes tracking_prefix(const struct session *session, uint32_t index);

/* ---- Figures; any thread ---- */

uint64_t tracking_count(const struct tracking_table *table);      /* clients */
uint64_t tracking_count_keys(const struct tracking_table *table); /* in the table */
/* Clients of all keys. Takes each lock of the table for an instant. */
uint64_t tracking_count_items(struct tracking_table *table);
uint64_t tracking_count_prefixes(struct tracking_table *table); /* different ones */

#endif
